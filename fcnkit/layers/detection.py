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
from fcnkit.nn import detection
from fcnkit.types import detection as types


@rule(types.PRIOR_BOX)
class PriorBox(Layer):
    """Default boxes around each position of its first bottom, for images of the second's size.

    Nets of TextBoxes, which have twice as many boxes without a field for it, need denser_prior_boxes as well.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, LayerSetUp; MhLiao/TextBoxes_plusplus,
    the same file, for denser_prior_boxes.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.prior_box_param
        variances = list(p.variance) or [0.1]
        if len(variances) not in (1, 4) or min(variances) <= 0:
            raise DefinitionError(f"layer {layer.name!r}: variance is given 4 times or once, and positive")
        return detection.PriorBox(
            prior_sizes(layer),
            variances * (4 // len(variances)),
            _pair(layer, "img_size", "img_h", "img_w"),
            _pair(layer, "step", "step_h", "step_w"),
            p.offset,
            p.clip,
            p.denser_prior_boxes,
        )


def prior_sizes(layer: LayerParameter) -> list[tuple[float, float]]:
    """The (width, height) of the default boxes at a position, in pixels.

    Each min_size gives a square of its own size, one of the geometric mean with its max_size, and a box for each
    aspect_ratio and, with flip, for its inverse. Sizes are cut to whole pixels, as in the fork; repeated ratios are
    skipped.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, LayerSetUp and Forward_cpu.
    """
    p = layer.prior_box_param
    if not p.min_size or min(p.min_size) <= 0:
        raise DefinitionError(f"layer {layer.name!r}: min_size must be given, and positive")
    if p.max_size and len(p.max_size) != len(p.min_size):
        raise DefinitionError(f"layer {layer.name!r}: {len(p.max_size)} max_size for {len(p.min_size)} min_size")
    if any(high <= low for low, high in zip(p.min_size, p.max_size, strict=False)):
        raise DefinitionError(f"layer {layer.name!r}: max_size must be over min_size")
    ratios = [1.0]
    for ratio in p.aspect_ratio:
        if ratio <= 0:
            raise DefinitionError(f"layer {layer.name!r}: aspect_ratio {ratio:g} must be positive")
        if all(abs(ratio - other) >= 1e-6 for other in ratios):
            ratios += [ratio, 1 / ratio] if p.flip else [ratio]
    sizes: list[tuple[float, float]] = []
    for index, size in enumerate(map(int, p.min_size)):
        sizes.append((size, size))
        if p.max_size:
            sizes.append((math.sqrt(size * int(p.max_size[index])),) * 2)
        sizes += [(size * math.sqrt(ratio), size / math.sqrt(ratio)) for ratio in ratios[1:]]
    return sizes


def _pair(layer: LayerParameter, both: str, height: str, width: str) -> tuple[float, float] | None:
    """(height, width) from two fields or from one for both; None if none of them is given."""
    p: Any = layer.prior_box_param
    given = {field: getattr(p, field) for field in (both, height, width) if p.HasField(field)}
    if not given:
        return None
    if given.keys() not in ({both}, {height, width}) or min(given.values()) <= 0:
        raise DefinitionError(f"layer {layer.name!r}: give {both}, or {height} and {width}, and positive")
    one = given.get(both, 0.0)
    return given.get(height, one), given.get(width, one)


@rule(types.DETECTION_OUTPUT)
class DetectionOutput(Layer):
    """Objects from locations, scores and default boxes.

    A fourth bottom with two scores for each default box is RefineDet's, and a fifth has their offsets. An image as the
    fourth, only for visualization, is not read. With 12 numbers for a location, TextBoxes++'s, objects have corners as
    well. The files that the forks write (save_output_param) are not written.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/detection_output_layer.cpp, LayerSetUp; sfzhang15/RefineDet and
    MhLiao/TextBoxes_plusplus, the same file.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, nms = layer.detection_output_param, layer.detection_output_param.nms_param
        if not p.num_classes:
            raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
        if nms.nms_threshold < 0 or not 0 < nms.eta <= 1:
            raise DefinitionError(f"layer {layer.name!r}: nms_threshold must be at least 0, eta above 0 and at most 1")
        if nms.soft_nms:
            raise DefinitionError(f"layer {layer.name!r}: soft_nms is not supported")
        code = layer.prior_box_param.CodeType.Name(p.code_type)
        scored = len(bottoms) == 5 or (len(bottoms) == 4 and 2 * math.prod(bottoms[3][1:]) == bottoms[2][-1])
        return detection.DetectionOutput(
            p.num_classes,
            p.background_label_id,
            p.share_location,
            code,
            p.variance_encoded_in_target,
            p.confidence_threshold if p.HasField("confidence_threshold") else -math.inf,
            nms.nms_threshold,
            nms.eta,
            nms.top_k if nms.HasField("top_k") and nms.top_k >= 0 else None,
            p.keep_top_k if p.keep_top_k >= 0 else None,
            p.objectness_score if scored else None,
            _has_corners(layer, bottoms),
        )


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
