"""Layers of single-shot detectors."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import (
    COMPUTES,
    ONE,
    PLAIN,
    SINK,
    THREE,
    TWO,
    Count,
    LayerType,
    Origin,
    every,
)

_SSD = "weiliu89/caffe"

DETECTION_OUTPUT = LayerType(
    "DetectionOutput",
    v1=None,
    origin=Origin(_SSD, "src/caffe/layers/detection_output_layer.cpp"),
    bottoms=Count(1, None),
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
# The same objects, with the place and the box at the place that found them.
DETECTION_OUTPUT_EXTENDED = LayerType(
    "DetectionOutputExtended",
    v1=None,
    origin=Origin(
        "openvinotoolkit/training_toolbox_caffe", "caffe/src/caffe/layers/detection_output_extended_layer.cpp"
    ),
    bottoms=THREE,
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
