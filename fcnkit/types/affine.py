"""Layers that multiply a blob with weights along some of its axes, or add such weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, Kept
from fcnkit.types.looks import CHANNELWISE, FACTOR, PIXEL, Everything, Look
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, THREE, Drawn, LayerType, Origin, bvlc, no_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_PER_PLACE = Everything("has weights for each position in the image", leads=True)
_BROADCAST = Everything("may look at the whole image at once", leads=False)


def _along(param: str) -> Callable[[LayerParameter], Sequence[Look]]:
    def looks(layer: LayerParameter) -> Sequence[Look]:
        p = getattr(layer, param)
        if len(layer.bottom) > 1:
            return [PIXEL, FACTOR if p.axis == 0 else _BROADCAST]
        return [PIXEL if p.num_axes >= 0 and p.axis % 4 + p.num_axes <= 2 else _PER_PLACE]

    return looks


BIAS = LayerType(
    "Bias",
    v1=None,
    origin=bvlc("bias"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=_along("bias_param"),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
SCALE = LayerType(
    "Scale",
    v1=None,
    origin=bvlc("scale"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=_along("scale_param"),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
ELTWISE_AFFINE = LayerType(
    "EltwiseAffine",
    v1=None,
    origin=Origin("ducha-aiki/caffe", "src/caffe/layers/eltwise_affine_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=lambda layer: [PIXEL],
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
AXPY = LayerType(
    "Axpy",
    v1=None,
    origin=Origin("hujie-frank/SENet", "src/caffe/layers/axpy_layer.cpp"),
    bottoms=THREE,
    tops=ONE,
    looks=lambda layer: [CHANNELWISE, PIXEL, PIXEL],
    channels=Kept(1),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("fuse", no_words),
)
