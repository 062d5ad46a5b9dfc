"""Fields and layer types that forks of Caffe add: identified by name in text, ambiguous in binary files.

Forks assign field numbers independently: 137 is embed_param in BVLC/caffe and upsample_param in
alexgkendall/caffe-segnet, 143 is input_param and in hszhao/PSPNet interp_param (src/caffe/proto/caffe.proto of each).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from fcnkit.caffe import wire
from fcnkit.caffe.messages import LayerParameter, NetParameter, V1LayerParameter
from fcnkit.caffe.schema import FIRST_FORK_FIELD
from fcnkit.errors import DefinitionError, FileFormatError
from fcnkit.types import type_of
from fcnkit.types.dialects import DIALECTS, Dialect

_LISTED = 5
# The fields of LayerParameter from 100 on are messages of settings. Forks that keep their layers in this message, which
# is of 2015, number theirs from 132 on: BVLC had used 131 by then (BVLC/caffe src/caffe/proto/caffe.proto).
_FIRST_SETTINGS, _FIRST_AMBIGUOUS = 100, 132


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


def settle_forks(stored: NetParameter, net: NetParameter) -> list[str]:
    """Read, in place, the settings of forks' layers in a net from a binary file, where their numbers are clear.

    They are where a layer is of a type whose settings every fork has the same way, and where all fields of a fork's
    layer are BVLC's. In a file that fcnkit wrote all are clear.

    Args:
        stored: the definition in the file, of any generation.
        net: the net that runs, made of it.

    Returns:
        Remarks on what was read, each a line of text.

    Raises:
        FileFormatError: layers of the net have settings whose field numbers differ between forks.
    """
    if net.fcnkit_numbers:
        net.ClearField("fcnkit_numbers")
        return []
    names = {layer.name for layer in net.layer if layer.type != "Input"}
    refused = [layer.name for layer in stored.layers if has_fork_fields(layer) and _name(layer) in names]
    read: dict[str, list[str]] = {}
    for layer in net.layer:
        record = type_of(layer)
        if record is not None and record.of_fork and layer.type == record.name:
            dialect = _decoded(layer)
            if dialect is not None:
                read.setdefault(f"{layer.type} of {dialect.record.origin.repository}", []).append(layer.name)
            elif has_fork_fields(layer) or any(number >= _FIRST_AMBIGUOUS for number, _ in _messages(layer)):
                refused.append(layer.name)
        elif has_fork_fields(layer):
            refused.append(layer.name)
    if refused:
        listed = ", ".join(map(repr, refused[:_LISTED]))
        more = f" and {len(refused) - _LISTED} more" if len(refused) > _LISTED else ""
        raise FileFormatError(
            f"has layers of a fork of Caffe, {listed}{more}, and forks number their settings differently;"
            " give the net's definition with `prototxt`"
        )
    return [f"settings are read as those of {kind}: layers {', '.join(map(repr, of))}" for kind, of in read.items()]


def _name(layer: V1LayerParameter) -> str:
    return layer.layer.name if layer.HasField("layer") else layer.name


def _messages(layer: LayerParameter) -> list[tuple[int, bytes]]:
    """The fields of a layer that can be messages of settings, by number, serialized."""
    data = memoryview(layer.SerializePartialToString())
    return [
        (field.number, bytes(data[field.start : field.end]))
        for field in wire.fields(data, 0, len(data))
        if field.kind == wire.BYTES and field.number >= _FIRST_SETTINGS
    ]


def _decoded(layer: LayerParameter) -> Dialect | None:
    """Read the settings of a layer in place; None, and nothing changed, if they are not those of a known dialect."""
    dialect = DIALECTS.get(layer.type)
    found = _messages(layer)
    if dialect is None or len(found) != 1 or not dialect.bottoms.admits(len(layer.bottom)):
        return None
    number, data = found[0]
    settings = type(getattr(layer, dialect.settings))()
    try:
        settings.ParseFromString(_renumbered(data, dialect.numbers))
        bare = type(layer).FromString(_without(layer.SerializePartialToString(), number))
    except (DecodeError, wire.WireError):
        return None
    # A number of BVLC's own was read as BVLC's message, which may have lost values.
    lost = any(field.number == number and value.ListFields() for field, value in layer.ListFields())
    if number < _FIRST_AMBIGUOUS or lost or _strange(settings, dialect) or has_fork_fields(bare):
        return None
    getattr(bare, dialect.settings).CopyFrom(settings)
    layer.CopyFrom(bare)
    return dialect


def _strange(settings: Any, dialect: Dialect) -> bool:
    """Whether settings have fields besides those of the dialect."""
    others = type(settings)()
    others.CopyFrom(settings)
    for number in dialect.numbers.values():
        others.ClearField(settings.DESCRIPTOR.fields_by_number[number].name)
    return has_fork_fields(others)


def _renumbered(data: bytes, numbers: Mapping[int, int]) -> bytes:
    """A message whose fields have other numbers."""
    view = memoryview(data)
    result = b""
    for field in wire.fields(view, 0, len(view)):
        _, start = wire.varint(view, field.tag, field.end)
        tag = numbers.get(field.number, field.number) << 3 | field.kind
        result += wire.encode_varint(tag) + view[start : field.end]
    return result


def _without(data: bytes, number: int) -> bytes:
    """A message without one of its fields."""
    view = memoryview(data)
    return b"".join(view[field.tag : field.end] for field in wire.fields(view, 0, len(view)) if field.number != number)


def to_bvlc(net: NetParameter) -> None:
    """Replace, in place, fork fields by their BVLC equivalents: `hole` by dilation, `ceil_mode` by round_mode.

    NVCaffe's `torch_pooling` is another name for rounding down. Sizes of pooling that forks repeat for each axis are
    BVLC's where they are one or two.

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
        for settings in (conv, pool):
            _to_pad(settings)
        _to_pair(pool)
        if pool.HasField("torch_pooling"):
            pool.ceil_mode = not pool.torch_pooling
            pool.ClearField("torch_pooling")
        if pool.HasField("ceil_mode"):
            mode = pool.CEIL if pool.ceil_mode else pool.FLOOR
            if pool.HasField("round_mode") and pool.round_mode != mode:
                raise DefinitionError(f"layer {layer.name!r}: ceil_mode and round_mode contradict each other")
            pool.round_mode = mode
            pool.ClearField("ceil_mode")


def _to_pair(pool: Any) -> None:
    """Replace sizes that are repeated for one or two axes by BVLC's fields."""
    for field, stem in (("kernel_size", "kernel"), ("stride", "stride"), ("pad", "pad")):
        sizes = getattr(pool, f"each_{field}")
        names = {1: (field,), 2: (f"{stem}_h", f"{stem}_w")}.get(len(sizes), ())
        for name, size in zip(names, sizes, strict=False):
            setattr(pool, name, size)
        if names:
            pool.ClearField(f"each_{field}")


def _to_pad(settings: Any) -> None:
    """Replace pads that are equal on opposite sides, as in Synopsys' Caffe, by pad_h and pad_w."""
    fields = ("pad_t", "pad_b", "pad_l", "pad_r")
    top, bottom, left, right = (getattr(settings, field) for field in fields)
    if not any(map(settings.HasField, fields)) or (top, left) != (bottom, right):
        return
    for field in fields:
        settings.ClearField(field)
    if top or left:
        settings.pad_h, settings.pad_w = top, left
