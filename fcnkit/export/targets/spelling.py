"""The ways of writing a net that the readers of targets need: other fields and layers that compute the same."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fcnkit.aliases import Shape
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.export.targets import find
from fcnkit.export.targets.target import Spelling, Target
from fcnkit.net import CaffeNet
from fcnkit.net.images import stated_definition
from fcnkit.types.activation import CLIP, POWER, RELU6
from fcnkit.types.combine import SLICE
from fcnkit.types.normalization import LRN

# Changes the layers of a definition in place; takes the shapes of the net's blobs and the spelling.
Write = Callable[[NetParameter, Mapping[str, Shape], Spelling], None]

# The spellings by their names in the data files, in the order in which they are applied.
SPELLINGS: dict[str, Write] = {}

# Those in a fork's fields, which are BVLC's wherever fcnkit reads them: they stand in the text only.
IN_TEXT = {
    "torch_pooling": ("round_mode: FLOOR", "torch_pooling: true"),
    "ceil_mode": ("round_mode: FLOOR", "ceil_mode: false"),
}


def spelled(net: CaffeNet, target: str | Target, *, mapped: bool = False) -> CaffeNet:
    """The same net as the target's reader needs it.

    Args:
        net: not changed; it is returned itself if the target needs no change.
        target: as for `fcnkit.export.check`.
        mapped: as for `CaffeNet.rebuilt`.

    Raises:
        InputError: there is no target of that name.
    """
    wanted = {spelling.name: spelling for spelling in find(target).spellings}
    if not wanted:
        return net
    # Stated here, as the text that follows from it is the one that is written.
    definition = stated_definition(net)
    own = prototxt.to_text(definition)
    blobs = net.arrays()
    for name, write in SPELLINGS.items():
        if name in wanted:
            before = [layer.name for layer in definition.layer]
            write(definition, net.shapes, wanted[name])
            after = [layer.name for layer in definition.layer]
            if len(before) == len(after):
                renamed = dict(zip(before, after, strict=True))
                blobs = {renamed[own]: values for own, values in blobs.items()}
    text = prototxt.to_text(definition)
    for name in wanted.keys() & IN_TEXT.keys():
        text = text.replace(*IN_TEXT[name])
    if text == own:
        return net
    result = net.rebuilt(definition, blobs, mapped=mapped)
    result.prototxt = text
    return result


def spelling(write: Write) -> Write:
    """Add a function to the spellings, under its name."""
    SPELLINGS[write.__name__] = write
    return write


@spelling
def window_pairs(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """Sizes of windows that differ as _h and _w, equal ones once: readers take two entries in different orders."""
    for layer in definition.layer:
        if layer.HasField("convolution_param") and len(shapes[layer.bottom[0]]) == 4:
            for field, stem in (("kernel_size", "kernel"), ("stride", "stride"), ("pad", "pad")):
                _write_pair(layer.convolution_param, field, stem)
            p = layer.convolution_param
            if len(set(p.dilation)) == 1:
                p.dilation[:] = p.dilation[:1]


def _write_pair(param: Any, field: str, stem: str) -> None:
    values = list(getattr(param, field))
    if param.HasField(f"{stem}_h") and param.HasField(f"{stem}_w"):
        values = [getattr(param, f"{stem}_h"), getattr(param, f"{stem}_w")]
    if len(values) == 2:
        for name in (field, f"{stem}_h", f"{stem}_w"):
            param.ClearField(name)
        if values[0] == values[1]:
            getattr(param, field).append(values[0])
        else:
            setattr(param, f"{stem}_h", values[0])
            setattr(param, f"{stem}_w", values[1])


@spelling
def positive_axes(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """Axes counted from the front, in the field `axis`."""
    for layer in definition.layer:
        for field, param in layer.ListFields():
            if not field.message_type or not layer.bottom:
                continue
            rank = len(shapes[layer.bottom[0]])
            for old in ("concat_dim", "slice_dim"):
                if old in field.message_type.fields_by_name and param.HasField(old):
                    param.axis = getattr(param, old)
                    param.ClearField(old)
            names = field.message_type.fields_by_name
            if "axis" in names and param.HasField("axis") and param.axis < 0:
                param.axis += rank


@spelling
def reshape_batch(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """A batch that Reshape keeps as a dim of 0."""
    for layer in definition.layer:
        p = layer.reshape_param
        if layer.HasField("reshape_param") and p.axis == 0 and p.shape.dim:
            kept = shapes[layer.bottom[0]][:1] == shapes[layer.top[0]][:1]
            if kept and p.shape.dim[0] > 0:
                p.shape.dim[0] = 0


@spelling
def slice_points(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """The places at which Slice cuts, where the parts are equal too."""
    for layer in definition.layer:
        p = layer.slice_param
        if layer.type == SLICE.name and not p.slice_point:
            axis = p.slice_dim if p.HasField("slice_dim") else p.axis
            size = shapes[layer.top[0]][axis]
            p.slice_point[:] = [size * (index + 1) for index in range(len(layer.top) - 1)]


@spelling
def given_alpha(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """LRN's alpha, where it is left out: 1."""
    for layer in definition.layer:
        if layer.type == LRN.name:
            layer.lrn_param.alpha = layer.lrn_param.alpha


@spelling
def relu6(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """A Clip to 0 and 6 as the layer of forks."""
    for layer in definition.layer:
        p = layer.clip_param
        if layer.type == CLIP.name and (p.min, p.max) == (0, 6):
            layer.type = RELU6.name
            layer.ClearField("clip_param")


@spelling
def power_for_coeff(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """Bottoms of a sum that are multiplied by Power layers in place of Eltwise's coeff."""
    layers: list[LayerParameter] = []
    taken = {layer.name for layer in definition.layer} | set(shapes)
    for layer in definition.layer:
        p = layer.eltwise_param
        for index, factor in enumerate(list(p.coeff) if p.operation == p.SUM else ()):
            if factor != 1:
                name = _free(f"{layer.name}_scaled{index}", taken)
                scaled = LayerParameter(name=name, type=POWER.name, bottom=[layer.bottom[index]], top=[name])
                scaled.power_param.scale = factor
                layers.append(scaled)
                layer.bottom[index] = name
        if p.coeff:
            p.ClearField("coeff")
        layers.append(layer)
    kept = copy.deepcopy(layers)
    del definition.layer[:]
    definition.layer.extend(kept)


@spelling
def short_names(definition: NetParameter, shapes: Mapping[str, Shape], spelling: Spelling) -> None:
    """Names of a limited length: the end of a longer one, from a dot or slash on."""
    longest = spelling.value or 0
    blobs = [*definition.input, *(top for layer in definition.layer for top in layer.top)]
    new_blobs = _shortened(blobs, longest)
    new_layers = _shortened([layer.name for layer in definition.layer], longest)
    definition.input[:] = [new_blobs[name] for name in definition.input]
    for layer in definition.layer:
        layer.name = new_layers[layer.name]
        for names in (layer.bottom, layer.top):
            names[:] = [new_blobs[name] for name in names]


def _shortened(names: Sequence[str], longest: int) -> dict[str, str]:
    taken = {name for name in names if len(name) <= longest}
    return {
        name: name if len(name) <= longest else _free(_end(name, longest), taken, longest)
        for name in dict.fromkeys(names)
    }


def _end(name: str, longest: int) -> str:
    end = name[-longest:]
    return re.sub(r"^[^./]*[./]", "", end, count=1) or end


def _free(name: str, taken: set[str], longest: int = 0) -> str:
    found, number = name, 0
    while found in taken:
        number += 1
        found = f"{name}_{number}"
        if longest:
            found = f"{name[: longest - len(str(number)) - 1]}_{number}"
    taken.add(found)
    return found
