"""Layers of single-shot detectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.yolo import region_objects
from fcnkit.nn import detection
from fcnkit.types import detection as types


@rule(types.DETECTION_OUTPUT)
class DetectionOutput(Layer):
    """Objects from locations, scores and default boxes.

    A fourth bottom with two scores for each default box is RefineDet's, and a fifth has their offsets. An image as the
    fourth, only for visualization, is not read. With 12 numbers for a location, TextBoxes++'s, objects have corners as
    well. The files that the forks write (save_output_param) are not written.

    With one bottom it makes YOLOv2's objects. More than five are the scores of each map, then the locations of each
    map, and all default boxes; with no_permute they are as convolutions made them. Default boxes that are not
    normalized are regions: the image's number and corners in pixels.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/detection_output_layer.cpp, LayerSetUp; sfzhang15/RefineDet,
    MhLiao/TextBoxes_plusplus, gklz1982/caffe-yolov2 for one bottom, foss-for-synopsys-dwc-arc-processors/synopsys-caffe
    for more than five, the same file; openvinotoolkit/openvino
    src/core/reference/include/openvino/reference/detection_output.hpp for normalized.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.detection_output_param
        if len(bottoms) == 1:
            return region_objects(layer)
        maps = p.nbottom if p.HasField("nbottom") or len(bottoms) > 5 else 0
        settings = _settings(layer)
        if p.tflite_detection or p.ratio_permute or p.arm_conf_no_concat or p.arm_loc_no_concat:
            raise DefinitionError(
                f"layer {layer.name!r}: tflite_detection, ratio_permute and arm_..._no_concat are not supported"
            )
        if maps:
            if len(bottoms) != 2 * maps + 1:
                raise DefinitionError(
                    f"layer {layer.name!r}: {maps} maps have {2 * maps + 1} bottoms, scores, locations and the default"
                    f" boxes, not {len(bottoms)}"
                )
            return detection.MapDetections(maps=maps, planes=p.no_permute, **settings)
        if not 3 <= len(bottoms) <= 5:
            raise DefinitionError(f"layer {layer.name!r}: {layer.type} needs 3 to 5 bottoms, it has {len(bottoms)}")
        scored = len(bottoms) == 5 or (len(bottoms) == 4 and 2 * math.prod(bottoms[3][1:]) == bottoms[2][-1])
        settings["objectness"] = p.objectness_score if scored else None
        settings["corners"] = _has_corners(layer, bottoms)
        if not p.normalized:
            settings["image"] = (p.input_height, p.input_width)
        return detection.DetectionOutput(**settings)


@rule(types.DETECTION_OUTPUT_EXTENDED)
class DetectionOutputExtended(Layer):
    """The objects of one class, each with the number of its box at a place and the place's column and row.

    Source: openvinotoolkit/training_toolbox_caffe caffe/src/caffe/layers/detection_output_extended_layer.cpp,
    LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        settings = _settings(layer)
        if settings["classes"] != 2 or len(bottoms[0]) != 4:
            raise DefinitionError(
                f"layer {layer.name!r}: num_classes must be 2, and locations of shape (images, height, width, numbers)"
            )
        settings["background"] = 0
        return detection.PlacedDetections(**settings)


def _settings(layer: LayerParameter) -> dict[str, Any]:
    """The arguments of `nn.DetectionOutput` that all its forms have."""
    p, nms = layer.detection_output_param, layer.detection_output_param.nms_param
    if not p.num_classes:
        raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
    if nms.nms_threshold < 0 or not 0 < nms.eta <= 1:
        raise DefinitionError(f"layer {layer.name!r}: nms_threshold must be at least 0, eta above 0 and at most 1")
    if nms.soft_nms:
        raise DefinitionError(f"layer {layer.name!r}: soft_nms is not supported")
    return {
        "classes": p.num_classes,
        "background": p.background_label_id,
        "shared": p.share_location,
        "code": layer.prior_box_param.CodeType.Name(p.code_type),
        "scaled": p.variance_encoded_in_target,
        "threshold": p.confidence_threshold if p.HasField("confidence_threshold") else -math.inf,
        "overlap": nms.nms_threshold,
        "eta": nms.eta,
        "best": nms.top_k if nms.HasField("top_k") and nms.top_k >= 0 else None,
        "keep": p.keep_top_k if p.keep_top_k >= 0 else None,
    }


def _has_corners(layer: LayerParameter, bottoms: Sequence[Shape]) -> bool:
    """Whether a location has the corners of a polygon, by the numbers of each default box.

    Source: MhLiao/TextBoxes_plusplus src/caffe/layers/detection_output_layer.cpp, Reshape.
    """
    p = layer.detection_output_param
    located = 1 if p.share_location else p.num_classes
    numbers = math.prod(bottoms[0][1:]) * 4
    if numbers != 12 * located * bottoms[2][-1]:
        return False
    if p.code_type != layer.prior_box_param.CENTER_SIZE or (p.HasField("use_polygon") and not p.use_polygon):
        raise DefinitionError(
            f"layer {layer.name!r}: 12 numbers for a location need code_type CENTER_SIZE and use_polygon"
        )
    return True
