"""Rectifiers that make more channels, or learn their shape."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import PIXEL, Everything
from fcnkit.types.record import COMPUTES, ONE, PLAIN, LayerType, Origin, every

# The channels, and then those of the bottom times -1.
CRELU = LayerType(
    "CReLU",
    v1=None,
    origin=Origin("winggan/caffe", "src/caffe/layers/crelu_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(PIXEL),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
APL = LayerType(
    "APL",
    v1=None,
    origin=Origin("forestagostinelli/Learned-Activation-Functions-Source", "src/caffe/layers/apl_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(Everything("has weights for each position in the image", leads=True)),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
