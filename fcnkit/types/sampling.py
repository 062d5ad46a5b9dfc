"""Layers that read an image at computed positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import PIXEL, SIZE, WHOLE, Look
from fcnkit.types.record import (
    COMPUTES,
    EACH,
    NONE,
    ONE,
    ONE_OR_TWO,
    PLAIN,
    SOURCE,
    TWO,
    Drawn,
    LayerType,
    Origin,
    every,
    no_words,
)

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_FLOW = "tinghuiz/appearance-flow"


def _sized(layer: LayerParameter) -> Sequence[Look]:
    looks: list[Look] = [WHOLE, SIZE]
    return looks[: len(layer.bottom)]


REMAP = LayerType(
    "Remap",
    v1=None,
    origin=Origin(_FLOW, "caffe/src/caffe/layers/remap_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
RESIZE = LayerType(
    "Resize",
    v1=None,
    origin=Origin(_FLOW, "caffe/src/caffe/layers/resize_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=_sized,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("up", no_words),
)
TRANSFORMATION = LayerType(
    "Transformation",
    v1=None,
    origin=Origin(_FLOW, "caffe/src/caffe/layers/transformation_layer.cpp"),
    bottoms=EACH,
    tops=EACH,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)


def _made(name: str) -> LayerType:
    """A Python layer that makes a constant blob of the size that its param_str states."""
    origin, drawn = Origin(_FLOW, "caffe/python/python_layers.py"), Drawn("input", no_words)
    return LayerType(f"python_layers.{name}", None, origin, NONE, ONE, every(WHOLE), LOST, SOURCE, True, drawn)


MESHGRID = _made("Meshgrid")
MEAN_VALS = _made("MeanVals")
