"""Which of a prototxt's unknown fields matter to the net that runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from fcnkit.caffe import schema
from fcnkit.caffe.lenient import Unknown
from fcnkit.caffe.messages import NetParameter
from fcnkit.caffe.prototxt import some, unknown_error
from fcnkit.errors import nearest

# Settings of training, of data and of one machine's speed, which change nothing that a trained net computes. A name
# covers the field or the message wherever it stands.
_NO_MATTER = {
    # intel/caffe src/caffe/proto/caffe.proto: how a net is run on an Intel CPU, quantized or not.
    "engine",
    "quantization_param",
    "conv_algorithm",
    "per_fla_fuse",
    "bn_stats_batch_size",
    "multinode",
    # The same file, BatchNormParameter: the values that the blobs start from.
    "batch_norm_param.filler",
    # yjxiong/caffe src/caffe/proto/caffe.proto, MemoryOptimizationParameter: which blobs share memory.
    "mem_param",
    # TheLegendAli/DeepLab-Context src/caffe/proto/caffe.proto: whether the shapes of loaded weights are checked.
    "strict_dim",
    # daijifeng001/caffe-rfcn src/caffe/proto/caffe.proto: how a loss is divided.
    "loss_param",
    # lxx1991/caffe_mpi src/caffe/proto/caffe.proto: the memory that cuDNN may use.
    "richness",
    # wenwei202/caffe src/caffe/proto/caffe.proto: which weights stay 0 in training.
    "connectivity_mode",
    # MingSun-Tse/Caffe_IncReg src/caffe/proto/caffe.proto: the share of filters that training removes.
    "prune_param",
    # Data layers and what they do to images: intel/caffe, yjxiong/caffe, eric612/MobileNet-YOLO.
    "transform_param",
    "annotated_data_param",
    "data_param",
    "image_data_param",
    "video_data_param",
    "image_gt_data_param",
    "eval_data_param",
    # lmb-freiburg/flownet2: how images are augmented in training.
    "augmentation_param",
    # zimenglan-sysu-512/pose_action_caffe caffe/src/caffe/proto/caffe.proto: the layers that weights start from.
    "copy_prefix_name",
    "copy_postfix_name",
}


# In the text of a net: some files hold a solver and a net.
_SOLVERS = set(schema.message_class("SolverParameter").DESCRIPTOR.fields_by_name)


def settle_unknown(
    unknown: Sequence[Unknown], stored: NetParameter, net: NetParameter, ignored: Collection[str]
) -> list[str]:
    """Refuse unknown fields that may change the net that runs, and list the others.

    Args:
        unknown: the unknown fields of a definition, as `prototxt.read_leniently` returns them.
        stored: that definition, of any generation.
        net: the net that runs, made of it.
        ignored: names of fields that the user decided to leave out.

    Returns:
        Remarks, each a line of text.

    Raises:
        PrototxtError: layers of the net have unknown fields that may matter.
    """
    kept = {(layer.name, layer.type) for layer in net.layer}
    names = {layer.name for layer in net.layer if layer.type != "Input"}
    matter: list[Unknown] = []
    remarks: dict[str, list[int]] = {}
    for each in unknown:
        if set(each.path) & set(ignored) or _no_matter(each):
            remarks.setdefault(each.name, []).append(each.line)
        elif each.layers and not _kept(stored, each, kept, names):
            remarks.setdefault(f"{each.name} of layers that are left out", []).append(each.line)
        else:
            matter.append(each)
    if matter:
        way_out = "; leave out those that change no value with `ignore_fields`"
        raise unknown_error(matter, way_out)
    return [
        f"ignored field {name} in line{'s' * (len(lines) > 1)} {some(lines)} of the prototxt"
        for name, lines in remarks.items()
    ]


# How weights start, how they and their rates change in training, and where data comes from, whatever the fork.
_TRAINING = re.compile(
    r"(lr|decay)_mult|blobs_lr|weight_decay|lr|loss_weight|propagate_down|param|(.*_)?filler|.*_data_param|.*_loss_param"
)


# A value of a net itself, not a message.
_VALUE = re.compile(r"\w+\s*:\s*[^\s{<\[]")
_NETS = list(schema.message_class("NetParameter").DESCRIPTOR.fields_by_name)


def _no_matter(unknown: Unknown) -> bool:
    path = unknown.path
    if any(map(_TRAINING.fullmatch, path)) or (not unknown.layers and path[0] in _SOLVERS):
        return True
    if not unknown.layers and len(path) == 1 and _VALUE.match(unknown.text, unknown.column - 1):
        # A net computes what its layers compute; a name that is like that of a field is a slip of the pen.
        return not nearest(path[0], _NETS)
    return not _NO_MATTER.isdisjoint(path) or not _NO_MATTER.isdisjoint(map(".".join, pairwise(path)))


def _kept(stored: NetParameter, unknown: Unknown, kept: set[tuple[str, str]], names: set[str]) -> bool:
    """Whether the layer of an unknown field is in the net that runs."""
    layer: Any = getattr(stored, unknown.layers)[unknown.position]
    if unknown.layers == "layer":
        return (layer.name, layer.type) in kept
    return (layer.layer.name if layer.HasField("layer") else layer.name) in names
