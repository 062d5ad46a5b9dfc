"""Layers that pool over the regions that their second bottom lists."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import regions
from fcnkit.types import regions as types


@rule(types.ROI_POOLING)
class ROIPooling(Layer):
    """The largest values in parts of regions.

    Source: rbgirshick/caffe-fast-rcnn (branch faster-rcnn) src/caffe/layers/roi_pooling_layer.cpp, LayerSetUp;
    zhaoweicai/mscnn src/caffe/layers/roi_pooling_layer.cpp for pad_ratio.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.roi_pooling_param
        return regions.RegionPool(*parts(layer, p.pooled_h, p.pooled_w), p.spatial_scale, p.pad_ratio)


@rule(types.PSROI_POOLING)
class PSROIPooling(Layer):
    """The means of parts of regions, each part in channels of its own.

    Source: daijifeng001/caffe-rfcn src/caffe/layers/psroi_pooling_layer.cpp, LayerSetUp.
    """

    module: type[regions.PositionSensitivePool] = regions.PositionSensitivePool

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.psroi_pooling_param
        if p.output_dim < 1 or p.group_size < 1 or not p.HasField("spatial_scale"):
            raise DefinitionError(f"layer {layer.name!r}: give spatial_scale, output_dim and group_size, and positive")
        return self.module(p.output_dim, p.group_size, p.spatial_scale)


@rule(types.PSROI_ALIGN)
class PSROIAlign(PSROIPooling):
    """The same of interpolated values, 2 x 2 in each part, or sample_num x sample_num with psroi_align_param.

    Source: fallingdust/caffe-fast-rcnn src/caffe/layers/psroi_align_layer.cpp, LayerSetUp, with psroi_pooling_param;
    afantideng/R-FCN-PSROIAlign caffe/src/caffe/proto/caffe.proto, PSROIAlignParameter.
    """

    module = regions.PositionSensitiveAlign

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if not layer.HasField("psroi_align_param"):
            return super().build(layer, bottoms)
        p = layer.psroi_align_param
        if min(p.output_dim, p.group_size, p.sample_num) < 1 or p.spatial_scale <= 0:
            raise DefinitionError(
                f"layer {layer.name!r}: give spatial_scale, output_dim, group_size and sample_num, and positive"
            )
        return regions.PositionSensitiveSamples(p.output_dim, p.group_size, p.spatial_scale, p.sample_num)


@rule(types.ROI_ALIGN)
class ROIAlign(Layer):
    """Interpolated values of regions: with roi_pooling_param at a grid's corners, with roi_align_param means.

    Source: zhaoweicai/mscnn src/caffe/layers/roi_align_layer.cpp for roi_pooling_param; Cambricon/caffe
    src/caffe/layers/roi_align_layer.cpp for roi_align_param with sampling_ratio. Forks without sampling_ratio take the
    largest of four values instead (foss-for-synopsys-dwc-arc-processors/synopsys-caffe
    src/caffe/layers/roi_align_layer.cpp).
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if not layer.HasField("roi_align_param"):
            p = layer.roi_pooling_param
            return regions.RegionGrid(*parts(layer, p.pooled_h, p.pooled_w), p.spatial_scale, p.pad_ratio)
        q = layer.roi_align_param
        if not q.HasField("sampling_ratio"):
            raise DefinitionError(
                f"layer {layer.name!r}: forks compute ROIAlign differently without sampling_ratio; give it, 0 for as"
                " many samples as a part has pixels"
            )
        return regions.RegionAlign(*parts(layer, q.pooled_h, q.pooled_w), q.spatial_scale, max(q.sampling_ratio, 0))


def parts(layer: LayerParameter, height: int, width: int) -> tuple[int, int]:
    """The number of parts of a region along each axis."""
    if not height or not width:
        raise DefinitionError(f"layer {layer.name!r}: pooled_h and pooled_w must be positive")
    return height, width
