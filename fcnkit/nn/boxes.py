"""Arithmetic of boxes: from offsets, their overlaps, and the best of those that overlap."""

from __future__ import annotations

import torch
from torch import Tensor


def decoded(offsets: Tensor, priors: Tensor, code: str, scaled: bool = False) -> Tensor:
    """Boxes from a net's offsets relative to default boxes.

    Args:
        offsets: (..., priors, classes, 4).
        priors: (2, ..., priors, 4), the default boxes and their variances.
        code: "CORNER", "CENTER_SIZE" or "CORNER_SIZE".
        scaled: the offsets already include the variances.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, DecodeBBox.
    """
    boxes, variances = priors.unsqueeze(-2).unbind()
    if not scaled:
        offsets = offsets * variances
    if code == "CORNER":
        return boxes + offsets
    low, high = boxes.chunk(2, -1)
    size = high - low
    if code == "CORNER_SIZE":
        return boxes + offsets * torch.cat([size, size], -1)
    shift, scale = offsets.chunk(2, -1)
    centre, half = shift * size + (low + high) / 2, scale.exp() * size / 2
    return torch.cat([centre - half, centre + half], -1)


def decoded_corners(offsets: Tensor, priors: Tensor, scaled: bool = False) -> Tensor:
    """The corners of polygons (..., 8), x and y of each, from offsets of the corners of default boxes.

    Args:
        offsets: (..., priors, classes, 8), the upper left, upper right, lower right and lower left corner.
        priors, scaled: see `decoded`.

    Source: MhLiao/TextBoxes_plusplus src/caffe/util/bbox_util.cpp, DecodeBBoxPolygon.
    """
    boxes, variances = priors.unsqueeze(-2).unbind()
    size = (boxes[..., 2:] - boxes[..., :2]).repeat(*[1] * (boxes.dim() - 1), 4)
    if not scaled:
        size = size * variances[..., :2].repeat(*[1] * (boxes.dim() - 1), 4)
    return boxes[..., [0, 1, 2, 1, 2, 3, 0, 3]] + offsets * size


def encoded(boxes: Tensor, priors: Tensor, code: str) -> Tensor:
    """The offsets of boxes (n, 4) relative to default boxes (n, 4), without variances: the inverse of `decoded`.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, EncodeBBox.
    """
    if code == "CORNER":
        return boxes - priors
    low, high = priors.chunk(2, -1)
    size = high - low
    if code == "CORNER_SIZE":
        return (boxes - priors) / torch.cat([size, size], -1)
    first, last = boxes.chunk(2, -1)
    return torch.cat([(first + last - low - high) / 2 / size, ((last - first) / size).log()], -1)


def overlaps(box: Tensor, boxes: Tensor, pixel: float = 0, over: str = "UNION") -> Tensor:
    """The shared area of a box (4) and each of boxes (n, 4), divided by another area.

    Args:
        pixel: 1 where the ends of a box are its last pixels, so that it is as wide as their difference plus 1.
        over: "UNION"; "SMALLER", the area of the smaller box; or "FIRST", that of the one box.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, JaccardOverlap and BBoxSize; with pixel
    sanghoon/caffe (branch dev_pvanet) src/caffe/util/nms.cpp; with over zhaoweicai/mscnn
    src/caffe/util/math_functions.cpp, BoxIOU.
    """

    def area(low: Tensor, high: Tensor) -> Tensor:
        sides = high - low + pixel
        return sides.prod(-1) * (sides > 0).all(-1)

    shared = area(torch.maximum(box[:2], boxes[:, :2]), torch.minimum(box[2:], boxes[:, 2:]))
    first, others = area(box[:2], box[2:]), area(boxes[:, :2], boxes[:, 2:])
    if over == "UNION":
        whole = first + others - shared
    else:
        whole = torch.minimum(first, others) if over == "SMALLER" else first.expand_as(others)
    return torch.where(shared > 0, shared / whole, 0)


def without_overlaps(
    boxes: Tensor,
    threshold: float,
    eta: float = 1,
    limit: int | None = None,
    pixel: float = 0,
    over: str = "UNION",
) -> list[int]:
    """Non-maximum suppression: the indices of boxes (n, 4), best first, that overlap no better box that is kept.

    Args:
        threshold: the largest overlap that two boxes may have.
        eta: if below 1, the factor by which a threshold above 0.5 is multiplied for each box that is kept.
        limit: the number of boxes after which the others are dropped, or None.
        pixel, over: see `overlaps`.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, ApplyNMSFast.
    """
    kept: list[int] = []
    largest = boxes.new_zeros(len(boxes))  # overlap with a box that is kept
    for index in range(len(boxes)):
        if len(kept) == limit:
            break
        if largest[index] <= threshold:
            kept.append(index)
            largest = torch.maximum(largest, overlaps(boxes[index], boxes, pixel, over))
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


def best(scores: Tensor, limit: int | None = None) -> Tensor:
    """The indices of scores (n), the highest first, equal ones in their order; at most limit of them."""
    return scores.argsort(descending=True, stable=True)[:limit]


def moved(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Boxes in pixels after a net's offsets: the centre moves by widths, the logarithm of a size grows.

    Args:
        boxes: (..., 4), xmin, ymin, xmax and ymax; a box is as wide as their difference plus 1.
        offsets: (..., 4), of the centre's x and y, the width and the height.

    Source: rbgirshick/py-faster-rcnn lib/fast_rcnn/bbox_transform.py, bbox_transform_inv.
    """
    low, high = boxes.chunk(2, -1)
    size = high - low + 1
    shift, scale = offsets.chunk(2, -1)
    centre, half = shift * size + low + size / 2, scale.exp() * size / 2
    return torch.cat([centre - half, centre + half], -1)
