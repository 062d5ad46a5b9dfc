"""Layers that change the height and width of a blob."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import SIZE, WHOLE, Look, Sliding
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, TWO, Drawn, LayerType, Origin, every, no_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def _repeats(factor: int) -> Look:
    """A pixel of the bottom is a square of pixels of the top."""
    pair = (factor, factor)
    return Sliding(pair, pair, (0, 0), (1, 1), up=True, ceil=False, positions=False)


def _upsample_looks(layer: LayerParameter) -> Sequence[Look]:
    if len(layer.bottom) == 1 and layer.upsample_param.HasField("scale"):
        return [_repeats(layer.upsample_param.scale)]
    return [WHOLE] * len(layer.bottom)


def _upsample_darknet_looks(layer: LayerParameter) -> Sequence[Look]:
    return [_repeats(layer.upsample_darknet_param.stride)]


# With a second bottom SegNet's; with one bottom that of eric612/MobileNet-YOLO src/caffe/layers/upsample_layer.cpp.

UPSAMPLE = LayerType(
    "Upsample",
    v1=None,
    origin=Origin("alexgkendall/caffe-segnet", "src/caffe/layers/upsample_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=_upsample_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("up", no_words),
)
UPSAMPLE_DARKNET = LayerType(
    "UpsampleDarknet",
    v1=None,
    origin=Origin("foss-for-synopsys-dwc-arc-processors/synopsys-caffe", "src/caffe/layers/upsample_darknet_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=_upsample_darknet_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("up", no_words),
)


def _interp_looks(layer: LayerParameter) -> Sequence[Look]:
    looks: list[Look] = [WHOLE, SIZE]
    return looks[: len(layer.bottom)]


INTERP = LayerType(
    "Interp",
    v1=None,
    origin=Origin("hszhao/PSPNet", "src/caffe/layers/interp_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=_interp_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("up", no_words),
)
_SYNOPSYS = "foss-for-synopsys-dwc-arc-processors/synopsys-caffe"


def _resizes(name: str, file: str) -> LayerType:
    return LayerType(
        name,
        v1=None,
        origin=Origin(_SYNOPSYS, f"src/caffe/layers/{file}_layer.cpp"),
        bottoms=ONE_OR_TWO,
        tops=ONE,
        looks=every(WHOLE),
        channels=LOST,
        role=COMPUTES,
        moves=False,
        drawn=Drawn("up", no_words),
    )


RESIZE_BILINEAR = _resizes("ResizeBilinear", "resize_bilinear")
RESIZE_NEAREST = _resizes("ResizeNearestNeighbor", "resize_nearest_neighbor")
UNPOOLING = LayerType(
    "Unpooling",
    v1=None,
    origin=Origin("HyeonwooNoh/caffe", "src/caffe/layers/unpooling_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("up", no_words),
)
# To the size of a second bottom.
BILINEAR_INTERPOLATION = replace(
    INTERP,
    name="BilinearInterpolation",
    origin=Origin("waldol1/caffe", "src/caffe/layers/bilinear_layer.cpp"),
    bottoms=TWO,
)
