"""Fields and layer types that forks of Caffe add: identified by name in text, ambiguous in binary files.

Forks assign field numbers independently: 137 is embed_param in BVLC/caffe and upsample_param in
alexgkendall/caffe-segnet, 143 is input_param and in hszhao/PSPNet interp_param (src/caffe/proto/caffe.proto of each).
"""

from __future__ import annotations

from typing import Any

from google.protobuf.unknown_fields import UnknownFieldSet

from fcnkit.caffe.messages import LayerParameter, NetParameter, V1LayerParameter
from fcnkit.caffe.schema import FIRST_FORK_FIELD
from fcnkit.errors import DefinitionError, FileFormatError
from fcnkit.types import type_of

_LISTED = 5


def has_fork_fields(message: Any) -> bool:
    """Whether a message from a binary file has, at any depth, a field that is not BVLC's."""
    if len(UnknownFieldSet(message)):
        return True
    for field, value in message.ListFields():
        if field.number >= FIRST_FORK_FIELD:
            return True
        # DeepLab v1 uses this field's number for `hole` (TheLegendAli/DeepLab-Context src/caffe/proto/caffe.proto).
        if field.name == "force_nd_im2col" and value:
            return True
        if field.message_type and any(map(has_fork_fields, [value] if hasattr(value, "ListFields") else value)):
            return True
    return False


def fork_layers(net: NetParameter) -> list[LayerParameter | V1LayerParameter]:
    """The layers of a net, of any generation, whose type or settings come from a fork."""
    old = [layer for layer in net.layers if has_fork_fields(layer)]
    return [*(layer for layer in net.layer if _is_forks(layer)), *old]


def _is_forks(layer: LayerParameter) -> bool:
    record = type_of(layer)
    # A Python layer counts as BVLC's, whatever module it names.
    return has_fork_fields(layer) or (record is not None and record.of_fork and layer.type == record.name)


def require_bvlc(net: NetParameter) -> None:
    """Refuse the definition in a fork's binary file. A file that fcnkit wrote is accepted, and its mark is removed.

    Raises:
        FileFormatError: layers have settings whose field numbers differ between forks.
    """
    if net.fcnkit_numbers:
        net.ClearField("fcnkit_numbers")
        return
    layers = fork_layers(net)
    if layers:
        listed = ", ".join(repr(layer.name) for layer in layers[:_LISTED])
        more = f" and {len(layers) - _LISTED} more" if len(layers) > _LISTED else ""
        raise FileFormatError(
            f"has layers of a fork of Caffe, {listed}{more}, and forks number their settings differently;"
            " give the net's definition with `prototxt`"
        )


def to_bvlc(net: NetParameter) -> None:
    """Replace, in place, fork fields by their BVLC equivalents: `hole` by dilation, `ceil_mode` by round_mode.

    NVCaffe's `torch_pooling` is another name for rounding down.

    Raises:
        DefinitionError: a field contradicts its equivalent, or `hole` is not given once or for each axis.

    Source: TheLegendAli/DeepLab-Context src/caffe/layers/conv_layer.cpp, LayerSetUp; BVLC/caffe pull request 3057.
    """
    layers: list[LayerParameter | V1LayerParameter] = [*net.layer, *net.layers]
    for layer in layers:
        conv, pool = layer.convolution_param, layer.pooling_param
        holes = [getattr(conv, field) for field in ("hole", "hole_h", "hole_w") if conv.HasField(field)]
        if holes:
            if len(holes) != (1 if conv.HasField("hole") else 2):
                raise DefinitionError(f"layer {layer.name!r}: give hole, or hole_h and hole_w")
            if conv.dilation and list(conv.dilation) != holes:
                raise DefinitionError(f"layer {layer.name!r}: give hole or dilation, not both")
            conv.dilation[:] = holes
            for field in ("hole", "hole_h", "hole_w"):
                conv.ClearField(field)
        if pool.HasField("torch_pooling"):
            pool.ceil_mode = not pool.torch_pooling
            pool.ClearField("torch_pooling")
        if pool.HasField("ceil_mode"):
            mode = pool.CEIL if pool.ceil_mode else pool.FLOOR
            if pool.HasField("round_mode") and pool.round_mode != mode:
                raise DefinitionError(f"layer {layer.name!r}: ceil_mode and round_mode contradict each other")
            pool.round_mode = mode
            pool.ClearField("ceil_mode")
