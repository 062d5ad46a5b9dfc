"""Layers that pool over regions of feature maps, for detectors of two stages."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST, Channels
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, TWO, Drawn, LayerType, Origin, every, no_words


def _pools(name: str, repository: str, file: str, channels: Channels) -> LayerType:
    """A type that reads a map and regions."""
    drawn = Drawn("pool", no_words)
    return LayerType(name, None, Origin(repository, file), TWO, ONE, every(WHOLE), channels, COMPUTES, False, drawn)


ROI_POOLING = _pools("ROIPooling", "rbgirshick/caffe-fast-rcnn", "src/caffe/layers/roi_pooling_layer.cpp", KEPT)
PSROI_POOLING = _pools("PSROIPooling", "daijifeng001/caffe-rfcn", "src/caffe/layers/psroi_pooling_layer.cpp", LOST)
ROI_ALIGN = _pools("ROIAlign", "zhaoweicai/mscnn", "src/caffe/layers/roi_align_layer.cpp", KEPT)
PSROI_ALIGN = _pools("PSROIAlign", "fallingdust/caffe-fast-rcnn", "src/caffe/layers/psroi_align_layer.cpp", LOST)
