"""The regions of MaskYolo, which segments the objects that YOLO finds."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.regions import parts
from fcnkit.nn import mask_yolo
from fcnkit.types import mask_yolo as types


@rule(types.ROI_GEN)
class RoiGen(Layer):
    """A fixed number of regions, which YOLO's map gives."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.roi_gen_param
        if p.num_class or p.num_coord != 4:
            raise DefinitionError(f"layer {layer.name!r}: num_class must be 0 and num_coord 4, as in MaskYolo's nets")
        if len(p.anchor_x) != p.num_object or len(p.anchor_y) != p.num_object:
            raise DefinitionError(
                f"layer {layer.name!r}: anchor_x and anchor_y must be given num_object times, {p.num_object}"
            )
        if min(p.prop_num, p.net_w, p.net_h) < 1:
            raise DefinitionError(f"layer {layer.name!r}: prop_num, net_w and net_h must be positive")
        anchors = list(zip(p.anchor_x, p.anchor_y, strict=True))
        return mask_yolo.YoloProposals(anchors, (p.net_h, p.net_w), p.prop_num, p.thresh)


@rule(types.ROI_ALIGNMENT)
class ROIAlignment(Layer):
    """Interpolated values in the middles of a region's parts."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.roi_alignment_param
        return mask_yolo.RegionMiddles(*parts(layer, p.pooled_h, p.pooled_w), p.spatial_scale)
