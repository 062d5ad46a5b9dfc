"""Layers that pool over regions of feature maps without the middle of each."""

from __future__ import annotations

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, TWO, Drawn, LayerType, Origin, every, no_words


def _pools(name: str, repository: str, file: str) -> LayerType:
    drawn = Drawn("pool", no_words)
    return LayerType(name, None, Origin(repository, file), TWO, ONE, every(WHOLE), KEPT, COMPUTES, False, drawn)


REGION_POOLING = _pools("RegionPooling", "liuyuisanai/CaffeMex_v2", "src/caffe/layers/region_pooling_layer.cpp")
ROI_MASK_POOLING = _pools("ROIMaskPooling", "craftGBD/caffe-GBD", "src/caffe/layers/roi_mask_pooling_layer.cpp")
