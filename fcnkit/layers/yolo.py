"""Layers of YOLO: those that make objects of its maps, and those that prepare the maps."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.nn import shape, yolo
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


@rule(types.REGION)
class Region(Elementwise):
    """The sigmoid of offsets and of the score of an object, and the softmax of the classes' scores, for each box.

    Source: openvinotoolkit/training_toolbox_caffe, former history, src/caffe/layers/region_layer.cpp.
    """

    settings = "region_param"

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = getattr(layer, self.settings)
        if min(p.classes, p.num) < 1 or p.coords < 2:
            raise DefinitionError(f"layer {layer.name!r}: classes and num must be positive, coords at least 2")
        return yolo.RegionScores(p.classes, p.num, p.coords)


@rule(types.REGION_YOLO)
class RegionYolo(Region):
    """The same under a later name.

    Source: openvinotoolkit/training_toolbox_caffe, former history, src/caffe/layers/region_yolo_layer.cpp.
    """

    settings = "region_yolo_param"


@rule(types.REORG_YOLO)
class ReorgYolo(Elementwise):
    """Trades height and width for channels, in Darknet's order."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        stride = layer.reorg_yolo_param.stride
        if stride < 1:
            raise DefinitionError(f"layer {layer.name!r}: stride must be positive")
        return shape.Reorg(stride)


@rule(types.PASS_THROUGH)
class PassThrough(Elementwise):
    """Trades squares of pixels for channels: all channels of the first pixel of a square, then those of the next.

    Source: winggan/caffe src/caffe/layers/pass_through_layer.cpp, LayerSetUp, and reorganize_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.pass_through_param
        if p.block_height != p.block_width or not p.block_height:
            raise DefinitionError(f"layer {layer.name!r}: block_height and block_width must be given, and equal")
        if p.num_output and p.num_output != bottoms[0][1] * p.block_height**2:
            raise DefinitionError(
                f"layer {layer.name!r}: {bottoms[0][1]} channels of {p.block_height} x {p.block_height} pixels are not"
                f" {p.num_output}"
            )
        return shape.Blocks(p.block_height, up=False, outer=True, last=False)


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
