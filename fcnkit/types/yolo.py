"""Layers of YOLO that make objects of its maps."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, SOME, Count, LayerType, Origin, every


def _detects(name: str, file: str, bottoms: Count) -> LayerType:
    origin = Origin("eric612/MobileNet-YOLO", f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, bottoms, ONE, every(WHOLE), LOST, COMPUTES, moves=False, drawn=PLAIN)


YOLO_DETECTION_OUTPUT = _detects("YoloDetectionOutput", "yolo_detection_output", ONE_OR_TWO)
YOLOV3_DETECTION_OUTPUT = _detects("Yolov3DetectionOutput", "yolov3_detection_output", SOME)
