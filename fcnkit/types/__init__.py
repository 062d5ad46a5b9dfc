"""One record per layer type: all its properties that do not need torch.

Each family file defines the records of its types; the file of the same name in `fcnkit.layers` has the rules that
build their modules. All other code that depends on a type (receptive fields, crop offsets, tiles, input channels,
forks, the net for inference, drawings) reads its record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fcnkit.types import (
    activation,
    affine,
    bilinear,
    captioning,
    cascade,
    clustering,
    combine,
    convlstm,
    convolution,
    crf,
    data,
    dense,
    detection,
    dropout,
    flow,
    instances,
    lattice,
    linear,
    loss,
    multibox,
    normalization,
    oriented,
    peaks,
    pooling,
    priors,
    propagation,
    proposals,
    quantized,
    rectified,
    recurrent,
    reduction,
    regions,
    regression,
    renamed,
    resizing,
    rings,
    rotated,
    routing,
    sampling,
    scanning,
    scripted,
    sets,
    shape,
    shuffling,
    source,
    targets,
    transformer,
    volumes,
    warping,
    yolo,
)
from fcnkit.types.record import INPUT, Count, LayerType, kind_of, own_type

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

__all__ = ["FAMILIES", "Count", "LayerType", "add", "all_types", "find", "is_input", "kind_of", "own_type", "type_of"]

FAMILIES = (
    activation,
    affine,
    bilinear,
    captioning,
    cascade,
    clustering,
    combine,
    convlstm,
    convolution,
    crf,
    data,
    dense,
    detection,
    dropout,
    flow,
    instances,
    lattice,
    linear,
    loss,
    multibox,
    normalization,
    oriented,
    peaks,
    pooling,
    priors,
    propagation,
    proposals,
    quantized,
    rectified,
    recurrent,
    reduction,
    regions,
    regression,
    renamed,
    resizing,
    rings,
    rotated,
    routing,
    sampling,
    scanning,
    scripted,
    sets,
    shape,
    shuffling,
    source,
    targets,
    transformer,
    volumes,
    warping,
    yolo,
)

_TYPES: dict[str, LayerType] = {}


def add(record: LayerType) -> LayerType:
    """Add a type.

    Raises:
        ValueError: the name is already in use.
    """
    if record.name in _TYPES:
        raise ValueError(f"layer type {record.name!r} already exists")
    _TYPES[record.name] = record
    return record


for _family in FAMILIES:
    for _record in [value for value in vars(_family).values() if isinstance(value, LayerType)]:
        add(_record)


def find(name: str) -> LayerType | None:
    """The record of a type by its name."""
    return _TYPES.get(name)


def is_input(layer: LayerParameter) -> bool:
    """Whether a layer is an Input, which the net's caller fills."""
    record = type_of(layer)
    return record is not None and record.role is INPUT


def all_types() -> list[LayerType]:
    """All types, including those that users added."""
    return list(_TYPES.values())


def type_of(layer: LayerParameter) -> LayerType | None:
    """The record of a layer's type, None for an unknown type."""
    return _TYPES.get(kind_of(layer))
