"""Default boxes of single-shot detectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import priors
from fcnkit.nn.priors import Box
from fcnkit.types import priors as types


@rule(types.PRIOR_BOX)
class PriorBox(Layer):
    """Default boxes around each position of its first bottom, for images of the second's size.

    Nets of TextBoxes, which have twice as many boxes without a field for it, need denser_prior_boxes as well, those of
    FaceBoxes faceboxes, and those of SSD_windows_caffe no_sqrt (see `net.fitting`). box_width and box_height are sizes
    in place of all others.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, LayerSetUp; for denser_prior_boxes
    MhLiao/TextBoxes_plusplus, and for box_width, tf and yx_order foss-for-synopsys-dwc-arc-processors/synopsys-caffe,
    the same file.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.prior_box_param
        stated = p.box_width or p.box_height
        boxes = _stated(layer, "box_width", "box_height") if stated else default_boxes(layer)
        return _prior_box(layer, boxes, denser=p.denser_prior_boxes, rows_first=p.yx_order)


@rule(types.PRIOR_BOX_CLUSTERED)
class PriorBoxClustered(Layer):
    """Default boxes of the stated widths and heights.

    Source: openvinotoolkit/training_toolbox_caffe caffe/src/caffe/layers/prior_box_clustered_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return _prior_box(layer, _stated(layer, "width", "height"))


def _prior_box(layer: LayerParameter, boxes: Sequence[Box], **settings: bool) -> nn.Module:
    p = layer.prior_box_param
    variances = list(p.variance) or [0.1]
    if len(variances) not in (1, 4) or min(variances) <= 0:
        raise DefinitionError(f"layer {layer.name!r}: variance is given 4 times or once, and positive")
    image, step = _pair(layer, "img_size", "img_h", "img_w"), _pair(layer, "step", "step_h", "step_w")
    return priors.PriorBox(boxes, variances * (4 // len(variances)), image, step, p.offset, p.clip, **settings)


def _stated(layer: LayerParameter, width: str, height: str) -> list[Box]:
    """The boxes whose widths and heights stand in fields of these names."""
    p = layer.prior_box_param
    widths, heights = getattr(p, width), getattr(p, height)
    if not widths or len(widths) != len(heights) or min(*widths, *heights) <= 0:
        raise DefinitionError(f"layer {layer.name!r}: {width} and {height} must be given equally often, and positive")
    return [Box(*size) for size in zip(widths, heights, strict=True)]


def default_boxes(layer: LayerParameter) -> list[Box]:
    """The default boxes at a position.

    Each min_size gives a square of its own size, one of the geometric mean with its max_size, and a box for each
    aspect_ratio and, with flip, for its inverse. Sizes are cut to whole pixels, as in the fork; repeated ratios are
    skipped. With tf the geometric mean comes last, and a square of 60 pixels loses a twentieth of the image at each
    side. With faceboxes squares are a pixel less wide, those of 32 and 64 pixels are 16 and 4 shifted ones. With
    no_sqrt there is no geometric mean. With keras the geometric mean comes first, and the inverses follow all ratios.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, LayerSetUp and Forward_cpu; for tf
    foss-for-synopsys-dwc-arc-processors/synopsys-caffe, for faceboxes sfzhang15/FaceBoxes, for no_sqrt
    dreadlord1984/SSD_windows_caffe, the same file; for keras that of synopsys-caffe.
    """
    p = layer.prior_box_param
    if not p.min_size or min(p.min_size) <= 0:
        raise DefinitionError(f"layer {layer.name!r}: min_size must be given, and positive")
    if p.max_size and len(p.max_size) != len(p.min_size):
        raise DefinitionError(f"layer {layer.name!r}: {len(p.max_size)} max_size for {len(p.min_size)} min_size")
    if any(high <= low for low, high in zip(p.min_size, p.max_size, strict=False)):
        raise DefinitionError(f"layer {layer.name!r}: max_size must be over min_size")
    boxes: list[Box] = []
    for index, size in enumerate(map(int, p.min_size)):
        squares = [Box(size, size, inset=0.05 if p.tf and not p.keras and size == 60 else 0.0)]
        if p.faceboxes and not p.keras:
            squares = _face_boxes(size)
        means = [Box(*(math.sqrt(size * int(p.max_size[index])),) * 2)] if p.max_size and not p.no_sqrt else []
        others = [Box(size * math.sqrt(ratio), size / math.sqrt(ratio)) for ratio in _ratios(layer)]
        if p.keras:
            boxes += [*means, *squares, *others]
        else:
            boxes += [*squares, *others, *means] if p.tf else [*squares, *means, *others]
    return boxes


def _ratios(layer: LayerParameter) -> list[float]:
    """The aspect ratios besides 1."""
    p = layer.prior_box_param
    for ratio in p.aspect_ratio:
        if ratio <= 0:
            raise DefinitionError(f"layer {layer.name!r}: aspect_ratio {ratio:g} must be positive")
    ratios = [1.0]
    last = p.flip and p.keras
    for ratio in [*p.aspect_ratio, *(1 / ratio for ratio in p.aspect_ratio if last)]:
        if all(abs(ratio - other) >= 1e-6 for other in ratios):
            ratios += [ratio, 1 / ratio] if p.flip and not last else [ratio]
    return ratios[1:]


def _face_boxes(size: int) -> list[Box]:
    distance, reach = {32: (8, 2), 64: (16, 1)}.get(size, (0, 0))
    shifts = [distance * step for step in range(-reach, reach)] or [0]
    return [Box(size - 1, size - 1, x, y) for y in shifts for x in shifts]


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
