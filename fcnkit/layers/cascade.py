"""Layers of MS-CNN and Cascade R-CNN."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import BoxGroupOutputParameter, BoxOutputParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import cascade
from fcnkit.types import cascade as types

# By nms_type; all others are the shared area over the union.
_OVER = {"IOMU": "SMALLER", "IOFU": "FIRST"}


@rule(types.BOX_OUTPUT)
class BoxOutput(Layer):
    """Regions from maps whose places stand for a box of one size each.

    Source: zhaoweicai/mscnn src/caffe/layers/box_output_layer.cpp, LayerSetUp and Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.box_output_param
        if not len(p.field_w) == len(p.field_h) == len(p.downsample_rate) == len(bottoms):
            raise DefinitionError(
                f"layer {layer.name!r}: field_w, field_h and downsample_rate are given once for each of its"
                f" {len(bottoms)} bottoms"
            )
        fields = [[size] for size in zip(p.field_w, p.field_h, strict=True)]
        return _boxes(cascade.FieldBoxes, layer, p, fields, list(p.downsample_rate))


@rule(types.BOX_GROUP_OUTPUT)
class BoxGroupOutput(Layer):
    """Regions from maps in which each of several sizes of box has scores and offsets.

    Source: zhaoweicai/cascade-rcnn src/caffe/layers/box_group_output_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.box_group_output_param
        groups = p.box_group_param
        if 2 * len(groups) != len(bottoms) or any(not 0 < len(g.field_w) == len(g.field_h) for g in groups):
            raise DefinitionError(
                f"layer {layer.name!r}: it needs a box_group_param for each two of its {len(bottoms)} bottoms, with as"
                " many field_w as field_h"
            )
        fields = [list(zip(group.field_w, group.field_h, strict=True)) for group in groups]
        return _boxes(cascade.GroupedFieldBoxes, layer, p, fields, [group.stride for group in groups])


def _boxes(
    module: type[cascade.FieldBoxes],
    layer: LayerParameter,
    p: BoxOutputParameter | BoxGroupOutputParameter,
    fields: Sequence[Sequence[tuple[int, int]]],
    strides: Sequence[int],
) -> nn.Module:
    """The module of a layer that makes boxes, with the settings that both layers have."""
    if p.field_xyr <= 0 or p.field_whr < 1:
        raise DefinitionError(f"layer {layer.name!r}: field_xyr must be above 0, field_whr at least 1")
    return module(
        fields,
        strides,
        1 / p.field_xyr,
        p.field_whr,
        *_statistics(layer),
        p.fg_thr,
        p.min_size,
        p.max_nms_num or None,
        p.max_post_nms_num or None,
        p.iou_thr,
        _OVER.get(p.nms_type, "UNION"),
        len(layer.top) > 1,
    )


def _statistics(layer: LayerParameter) -> tuple[cascade.Four, cascade.Four]:
    """The means and the standard deviations of a net's offsets.

    Source: zhaoweicai/mscnn src/caffe/layers/decode_bbox_layer.cpp, LayerSetUp.
    """
    means, stds = list(layer.bbox_reg_param.bbox_mean), list(layer.bbox_reg_param.bbox_std)
    if not means or not stds:
        return cascade.NO_MEANS, cascade.NO_STDS
    if len(means) != 4 or len(stds) != 4 or min(stds) <= 0:
        raise DefinitionError(f"layer {layer.name!r}: bbox_mean and bbox_std are given 4 times, bbox_std positive")
    return (means[0], means[1], means[2], means[3]), (stds[0], stds[1], stds[2], stds[3])


@rule(types.DECODE_BBOX)
class DecodeBBox(Layer):
    """Regions of its second bottom after the offsets of its first, as in tests: none is dropped.

    Source: zhaoweicai/mscnn src/caffe/layers/decode_bbox_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return cascade.RefineBoxes(*_statistics(layer))


@rule(types.FRCNN_OUTPUT)
class FrcnnOutput(Layer):
    """Objects from scores, offsets, regions and the image's size.

    The files that the fork writes (save_output_param) are not written.

    Source: zhaoweicai/cascade-rcnn src/caffe/layers/frcnn_output_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.frcnn_output_param
        return cascade.RegionDetections(
            *_statistics(layer),
            layer.bbox_reg_param.cls_aware,
            p.conf_thr,
            p.iou_thr,
            _OVER.get(p.nms_type, "UNION"),
            p.max_det_num or None,
        )
