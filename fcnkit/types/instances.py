"""Layers of MNC, which segments objects in stages: regions of features, masks in them, and regions again."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST, Channels
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, TWO, Count, LayerType, Origin, every

_MNC, _CAFFE = "daijifeng001/MNC", "daijifeng001/caffe-mnc"


def _instance(name: str, repository: str, file: str, bottoms: Count, channels: Channels) -> LayerType:
    origin = Origin(repository, file)
    return LayerType(name, None, origin, bottoms, ONE, every(WHOLE), channels, COMPUTES, moves=False, drawn=PLAIN)


ROI_WARPING = _instance("ROIWarping", _CAFFE, "src/caffe/layers/roi_warping_layer.cpp", TWO, KEPT)
MASK_POOLING = _instance("MaskPooling", _CAFFE, "src/caffe/layers/mask_pooling_layer.cpp", TWO, KEPT)
MASK_RESIZE = _instance("MaskResize", _CAFFE, "src/caffe/layers/mask_resize_layer.cpp", ONE, KEPT)
MASK = _instance("pylayer.mask_layer.MaskLayer", _MNC, "lib/pylayer/mask_layer.py", ONE, LOST)
STAGE_BRIDGE = _instance(
    "pylayer.stage_bridge_layer.StageBridgeLayer", _MNC, "lib/pylayer/stage_bridge_layer.py", Count(4, 4), LOST
)
