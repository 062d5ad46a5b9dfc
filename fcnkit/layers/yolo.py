"""Layers of YOLO that make objects of its maps."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import yolo
from fcnkit.types import yolo as types


@rule(types.YOLO_DETECTION_OUTPUT)
class YoloDetectionOutput(Layer):
    """The objects of YOLOv2, whose anchors are in units of the map, the same for each of its bottoms.

    Source: eric612/MobileNet-YOLO src/caffe/layers/yolo_detection_output_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.yolo_detection_output_param
        if not p.HasField("num_classes"):
            raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
        if p.coords != 4:
            raise DefinitionError(f"layer {layer.name!r}: a box has 4 coords, not {p.coords}")
        sizes = _anchors(layer, list(p.biases), range(p.num_box))
        return yolo.YoloDetections(
            p.num_classes,
            [sizes] * len(bottoms),
            [1] * len(bottoms),
            p.confidence_threshold,
            p.nms_threshold,
            softmax=True,
        )


@rule(types.YOLOV3_DETECTION_OUTPUT)
class Yolov3DetectionOutput(Layer):
    """The objects of YOLOv3, each of whose bottoms has anchors of its own, in pixels.

    Source: eric612/MobileNet-YOLO src/caffe/layers/yolov3_detection_output_layer.cpp, LayerSetUp. With gaussian_box the
    fork reads scores that it has not computed.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.yolov3_detection_output_param
        maps = len(bottoms)
        if not p.HasField("num_classes"):
            raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
        if p.gaussian_box:
            raise DefinitionError(f"layer {layer.name!r}: gaussian_box is not supported")
        if p.mask_group_num != maps or len(p.anchors_scale) != maps or min(p.anchors_scale) < 1:
            raise DefinitionError(
                f"layer {layer.name!r}: mask_group_num must be {maps}, the number of its bottoms, and anchors_scale"
                " given as often"
            )
        each = len(p.mask) // maps
        if each < p.num_box:
            raise DefinitionError(f"layer {layer.name!r}: {maps} bottoms of {p.num_box} boxes need as many mask")
        masks = [p.mask[start : start + p.num_box] for start in range(0, each * maps, each)]
        anchors = [_anchors(layer, list(p.biases), mask) for mask in masks]
        return yolo.YoloDetections(
            p.num_classes, anchors, list(p.anchors_scale), p.confidence_threshold, p.nms_threshold
        )


def region_objects(layer: LayerParameter) -> nn.Module:
    """The objects of YOLOv2 as a DetectionOutput with one bottom makes them.

    Source: gklz1982/caffe-yolov2 src/caffe/layers/detection_output_layer.cpp, LayerSetUp.
    """
    p = layer.detection_output_param
    if not p.HasField("num_classes"):
        raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
    if p.coords != 4:
        raise DefinitionError(f"layer {layer.name!r}: a box has 4 coords, not {p.coords}")
    threshold = p.confidence_threshold if p.HasField("confidence_threshold") else 0.01
    sizes = _anchors(layer, list(p.biases), range(p.num_box))
    return yolo.YoloRegions(p.num_classes, [sizes], [1], threshold, p.nms_threshold, softmax=True)


def _anchors(layer: LayerParameter, biases: Sequence[float], indices: Sequence[int]) -> list[yolo.Size]:
    """The (width, height) of the anchors of these indices."""
    if not indices or 2 * max(indices) + 1 >= len(biases):
        raise DefinitionError(f"layer {layer.name!r}: each of its boxes needs two biases, a width and a height")
    return [(biases[2 * index], biases[2 * index + 1]) for index in indices]
