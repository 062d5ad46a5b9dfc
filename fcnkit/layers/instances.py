"""Layers of MNC, which segments objects in stages."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.layers.regions import parts
from fcnkit.nn import instances
from fcnkit.nn.scripted import Weighted
from fcnkit.types import instances as types


@rule(types.ROI_WARPING)
class ROIWarping(Layer):
    """Interpolated values of regions."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.roi_warping_param
        return instances.RegionWarp(*parts(layer, p.pooled_h, p.pooled_w), p.spatial_scale)


@rule(types.MASK_POOLING)
class MaskPooling(Elementwise):
    """The product of features and a mask of each region."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return Weighted()


@rule(types.MASK_RESIZE)
class MaskResize(Elementwise):
    """Bilinear resizing."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.mask_resize_param
        if not p.output_height or not p.output_width:
            raise DefinitionError(f"layer {layer.name!r}: output_height and output_width must be positive")
        return instances.MaskResize((p.output_height, p.output_width))


@rule(types.MASK)
class Mask(Elementwise):
    """Square masks of rows of values."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return instances.Squared()


@rule(types.STAGE_BRIDGE)
class StageBridge(Layer):
    """The regions of the next stage."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return instances.NextRegions()
