"""Layers of single-shot detectors."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import SIZE, WHOLE
from fcnkit.types.record import (
    COMPUTES,
    ONE,
    PLAIN,
    SINK,
    TWO,
    Count,
    LayerType,
    Origin,
    every,
)

_SSD = "weiliu89/caffe"

PRIOR_BOX = LayerType(
    "PriorBox",
    v1=None,
    origin=Origin(_SSD, "src/caffe/layers/prior_box_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(SIZE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
DETECTION_OUTPUT = LayerType(
    "DetectionOutput",
    v1=None,
    origin=Origin(_SSD, "src/caffe/layers/detection_output_layer.cpp"),
    bottoms=Count(3, 5),
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
DETECTION_EVALUATE = LayerType(
    "DetectionEvaluate",
    v1=None,
    origin=Origin(_SSD, "src/caffe/layers/detection_evaluate_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=SINK,
    moves=False,
    drawn=PLAIN,
)
