"""Layers that reduce axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels
from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import PIXEL, SIZE, WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, PLAIN, TWO, LayerType, Origin, bvlc, every

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
# Of the same regions at several scales of an image.
SCALES_MAXOUT = LayerType(
    "maxout_layer.layer.MaxoutLayer",
    v1=None,
    origin=Origin("beacandler/R2CNN", "src/lib/maxout_layer/layer.py"),
    bottoms=TWO,
    tops=ONE,
    looks=lambda layer: [WHOLE, SIZE],
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
