"""Layers that change the height and width of a blob."""

from __future__ import annotations

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, TWO, Drawn, LayerType, Origin, every, no_words

UPSAMPLE = LayerType(
    "Upsample",
    v1=None,
    origin=Origin("alexgkendall/caffe-segnet", "src/caffe/layers/upsample_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("up", no_words),
)
INTERP = LayerType(
    "Interp",
    v1=None,
    origin=Origin("hszhao/PSPNet", "src/caffe/layers/interp_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("up", no_words),
)
