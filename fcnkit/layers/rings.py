"""Layers that pool over regions of feature maps without the middle of each."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.regions import parts
from fcnkit.nn import rings
from fcnkit.types import rings as types


@rule(types.REGION_POOLING)
class RegionPooling(Layer):
    """The largest positive values in parts of rectangular rings."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.region_pooling_param
        return rings.RingPool(*parts(layer, p.pooled_h, p.pooled_w), p.spatial_scale, p.offset)


@rule(types.ROI_MASK_POOLING)
class ROIMaskPooling(Layer):
    """The largest values in parts of regions whose size is scaled, with zeros in their middle."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.roi_mask_pooling_param
        size = parts(layer, p.pooled_h, p.pooled_w)
        return rings.MaskedPool(*size, p.spatial_scale, p.spatial_shift, p.half_part, p.roi_scale, p.mask_scale)
