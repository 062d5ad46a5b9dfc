"""Layers of YOLO: those that make objects of its maps, and those that prepare the maps."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import PIXEL, WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, SOME, Count, LayerType, Origin, every


def _detects(name: str, file: str, bottoms: Count) -> LayerType:
    origin = Origin("eric612/MobileNet-YOLO", f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, bottoms, ONE, every(WHOLE), LOST, COMPUTES, moves=False, drawn=PLAIN)


YOLO_DETECTION_OUTPUT = _detects("YoloDetectionOutput", "yolo_detection_output", ONE_OR_TWO)
YOLOV3_DETECTION_OUTPUT = _detects("Yolov3DetectionOutput", "yolov3_detection_output", SOME)

_INTEL = "openvinotoolkit/training_toolbox_caffe"


def _maps(name: str, origin: Origin) -> LayerType:
    """A type that makes the numbers of each box of what a convolution found."""
    return LayerType(name, None, origin, ONE, ONE, every(PIXEL), KEPT, COMPUTES, moves=False, drawn=PLAIN)


def _reorders(name: str, origin: Origin) -> LayerType:
    return LayerType(name, None, origin, ONE, ONE, every(WHOLE), LOST, COMPUTES, moves=True, drawn=PLAIN)


# Files of the repository's former history.
REGION = _maps("Region", Origin(_INTEL, "src/caffe/layers/region_layer.cpp"))
REGION_YOLO = _maps("RegionYolo", Origin(_INTEL, "src/caffe/layers/region_yolo_layer.cpp"))
REORG_YOLO = _reorders("ReorgYolo", Origin(_INTEL, "src/caffe/layers/reorg_yolo_layer.cpp"))
PASS_THROUGH = _reorders("PassThrough", Origin("winggan/caffe", "src/caffe/layers/pass_through_layer.cpp"))
