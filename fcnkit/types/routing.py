"""Layers that choose: regions for a map of their size, channels for a label."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, SOME, TWO, LayerType, Origin, every

SCALE_ROUTE = LayerType(
    "ScaleRoute",
    v1=None,
    origin=Origin("zhaoweicai/cascade-rcnn", "src/caffe/layers/scale_route_layer.cpp"),
    bottoms=SOME,
    tops=SOME,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
MASK_OUTPUTS = LayerType(
    "MaskOutputs",
    v1=None,
    origin=Origin("shubhtuls/viewpointsAndKeypoints", "external/caffe/src/caffe/layers/mask_outputs_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
