"""Layers that reduce axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels
from fcnkit.types.channels import LOST
from fcnkit.types.looks import PIXEL, WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, PLAIN, LayerType, bvlc, every

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def _argmax_looks(layer: LayerParameter) -> Sequence[Look]:
    # The axis has no default: without one the layer searches all values of an image.
    p = layer.argmax_param
    return [PIXEL if p.HasField("axis") and along_channels(p) else WHOLE]


ARG_MAX = LayerType(
    "ArgMax",
    v1="ARGMAX",
    origin=bvlc("argmax"),
    bottoms=ONE,
    tops=ONE,
    looks=_argmax_looks,
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
REDUCTION = LayerType(
    "Reduction",
    v1=None,
    origin=bvlc("reduction"),
    bottoms=ONE,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
