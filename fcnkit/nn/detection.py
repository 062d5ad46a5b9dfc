"""Modules for object detection: default boxes, boxes from scores, and pooling over regions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

Pair = tuple[float, float]


class PriorBox(nn.Module):
    """Default boxes of fixed sizes around each position of a feature map, and the variances of their coordinates.

    The top has shape (1, 2, positions * sizes * 4): first the boxes as (xmin, ymin, xmax, ymax) in widths and heights
    of the image, row by row, then the variances. It is the same for all images of the batch.

    Args:
        sizes: (width, height) of the boxes at a position, in pixels of the image.
        variances: of the four coordinates.
        image: (height, width) of the image in pixels, or None for those of the second bottom.
        step: (height, width) in pixels between positions, or None for the image's size divided by the map's.
        offset: position of the box centre within a step, as a fraction of it.
        clip: clip the boxes to the image.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, Forward_cpu.
    """

    sizes: Tensor
    variances: Tensor

    def __init__(
        self,
        sizes: Sequence[Pair],
        variances: Sequence[float],
        image: Pair | None = None,
        step: Pair | None = None,
        offset: float = 0.5,
        clip: bool = False,
    ):
        super().__init__()
        self.register_buffer("sizes", torch.tensor(sizes), persistent=False)
        self.register_buffer("variances", torch.tensor(variances), persistent=False)
        self.image, self.step, self.offset, self.clip = image, step, offset, clip

    def forward(self, features: Tensor, data: Tensor) -> Tensor:
        rows, columns = features.shape[2:]
        height, width = self.image or data.shape[2:]
        step_h, step_w = self.step or (height / rows, width / columns)
        y = (torch.arange(rows, device=self.sizes.device) + self.offset) * step_h
        x = (torch.arange(columns, device=self.sizes.device) + self.offset) * step_w
        centres = torch.stack([x.expand(rows, columns), y[:, None].expand(rows, columns)], -1)[:, :, None]
        corners = torch.cat([centres - self.sizes / 2, centres + self.sizes / 2], -1)
        boxes = corners / corners.new_tensor([width, height, width, height])
        if self.clip:
            boxes = boxes.clamp(0, 1)
        return torch.stack([boxes, self.variances.expand_as(boxes)]).reshape(1, 2, -1).to(features.dtype)

    def extra_repr(self) -> str:
        settings = f"image={self.image}, step={self.step}, offset={self.offset}, clip={self.clip}"
        return f"{self.sizes.tolist()}, {self.variances.tolist()}, {settings}"


def decoded(offsets: Tensor, priors: Tensor, code: str, scaled: bool = False) -> Tensor:
    """Boxes from a net's offsets relative to default boxes.

    Args:
        offsets: (..., priors, classes, 4).
        priors: (2, priors, 4), the default boxes and their variances.
        code: "CORNER", "CENTER_SIZE" or "CORNER_SIZE".
        scaled: the offsets already include the variances.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, DecodeBBox.
    """
    boxes, variances = priors[:, :, None].unbind()
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


def overlaps(box: Tensor, boxes: Tensor) -> Tensor:
    """The intersection over the union of a box (4) with each of boxes (n, 4).

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, JaccardOverlap and BBoxSize.
    """

    def area(low: Tensor, high: Tensor) -> Tensor:
        sides = high - low
        return sides.prod(-1) * (sides > 0).all(-1)

    shared = area(torch.maximum(box[:2], boxes[:, :2]), torch.minimum(box[2:], boxes[:, 2:]))
    union = area(box[:2], box[2:]) + area(boxes[:, :2], boxes[:, 2:]) - shared
    return torch.where(shared > 0, shared / union, 0)


def without_overlaps(boxes: Tensor, threshold: float, eta: float = 1) -> list[int]:
    """Non-maximum suppression: the indices of boxes (n, 4), best first, that overlap no better box that is kept.

    Args:
        threshold: the largest overlap that two boxes may have.
        eta: if below 1, the factor by which a threshold above 0.5 is multiplied for each box that is kept.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, ApplyNMSFast.
    """
    kept: list[int] = []
    largest = boxes.new_zeros(len(boxes))  # overlap with a box that is kept
    for index in range(len(boxes)):
        if largest[index] <= threshold:
            kept.append(index)
            largest = torch.maximum(largest, overlaps(boxes[index], boxes))
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


class DetectionOutput(nn.Module):
    """The objects that a net finds: a row (image, class, score, xmin, ymin, xmax, ymax) for each.

    The top has shape (1, 1, objects, 7), image by image, class by class, and the best first. If no object is found
    in any image, it has a row for each image, with -1 for all but the image.

    Args:
        classes: number of classes, background included.
        background: the class that is no object.
        shared: one box for all classes, else one for each class.
        code, scaled: see `decoded`.
        threshold: scores up to it are ignored.
        overlap, eta: threshold and eta of `without_overlaps`.
        best: the number of best scores considered in each class, or None for all.
        keep: the number of objects kept in each image, or None for all.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/detection_output_layer.cpp, Reshape and Forward_cpu.
    """

    def __init__(
        self,
        classes: int,
        background: int = 0,
        shared: bool = True,
        code: str = "CORNER",
        scaled: bool = False,
        threshold: float = -math.inf,
        overlap: float = 0.3,
        eta: float = 1,
        best: int | None = None,
        keep: int | None = None,
    ):
        super().__init__()
        self.classes, self.background, self.shared, self.code, self.scaled = classes, background, shared, code, scaled
        self.threshold, self.overlap, self.eta, self.best, self.keep = threshold, overlap, eta, best, keep

    def forward(self, offsets: Tensor, scores: Tensor, priors: Tensor, data: Tensor | None = None) -> Tensor:
        count = priors.shape[2] // 4
        located = 1 if self.shared else self.classes
        if offsets[0].numel() != count * located * 4 or scores[0].numel() != count * self.classes:
            raise RuntimeError(
                f"{count} default boxes need {count * located * 4} locations and {count * self.classes} scores"
            )
        if offsets.is_meta:
            # The number of objects depends on the values; this is Caffe's shape before it has them.
            return offsets.new_empty((1, 1, 1, 7))
        images = len(offsets)
        boxes = decoded(
            offsets.reshape(images, count, located, 4), priors[0].reshape(2, count, 4), self.code, self.scaled
        )
        scores = scores.reshape(images, count, self.classes)
        found = [self._objects(image, boxes[image].cpu(), scores[image].cpu()) for image in range(images)]
        rows = torch.cat(found)
        if not len(rows):
            rows = torch.full((images, 7), -1.0)
            rows[:, 0] = torch.arange(images)
        return rows.to(offsets)[None, None]

    def _objects(self, image: int, boxes: Tensor, scores: Tensor) -> Tensor:
        rows = [boxes.new_empty(0, 7)]
        for label in range(self.classes):
            if label == self.background:
                continue
            candidates = (scores[:, label] > self.threshold).nonzero().squeeze(1)
            order = scores[candidates, label].argsort(descending=True, stable=True)[: self.best]
            candidates = candidates[order]
            places = boxes[candidates, 0 if self.shared else label]
            kept = without_overlaps(places, self.overlap, self.eta)
            names = places.new_tensor([image, label]).expand(len(kept), 2)
            rows.append(torch.cat([names, scores[candidates[kept], label, None], places[kept]], 1))
        objects = torch.cat(rows)
        best = objects[:, 2].argsort(descending=True, stable=True)[: self.keep]
        return objects[best.sort().values]

    def extra_repr(self) -> str:
        decode = f"shared={self.shared}, code={self.code}, scaled={self.scaled}"
        choice = f"overlap={self.overlap}, eta={self.eta}, best={self.best}, keep={self.keep}"
        return f"{self.classes}, background={self.background}, {decode}, threshold={self.threshold}, {choice}"


class RegionPool(nn.Module):
    """The maximum of each of height x width parts of regions of a feature map; 0 for a part outside the map.

    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image, ends included.

    Args:
        height, width: the number of parts of each region along each axis.
        scale: pixels of the map per pixel of the image.

    Source: rbgirshick/caffe-fast-rcnn (branch faster-rcnn) src/caffe/layers/roi_pooling_layer.cpp, Forward_cpu.
    """

    def __init__(self, height: int, width: int, scale: float = 1):
        super().__init__()
        self.height, self.width, self.scale = height, width, scale

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = regions.flatten(1)
        if regions.shape[1] != 5:
            raise RuntimeError("a region has 5 numbers: image, xmin, ymin, xmax, ymax")
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height, self.width))
        images = regions[:, 0].int().tolist()
        if not 0 <= min(images) <= max(images) < len(features):
            raise RuntimeError(f"there are {len(features)} images, the regions are of {min(images)} to {max(images)}")
        # C rounds halves away from zero. The parts are computed in single precision, as in Caffe: the end of a part
        # can be one higher than with the exact quotient.
        scaled = regions[:, 1:].float() * self.scale
        corners = scaled.trunc() + (scaled.frac().abs() >= 0.5) * scaled.sign()
        columns = _parts(corners[:, 0], corners[:, 2], self.width, features.shape[3])
        rows = _parts(corners[:, 1], corners[:, 3], self.height, features.shape[2])
        return torch.stack(
            [_largest(_largest(features[i], 1, r), 2, c) for i, r, c in zip(images, rows, columns, strict=True)]
        )

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}"


def _parts(start: Tensor, end: Tensor, parts: int, length: int) -> list[list[list[int]]]:
    """Where each part of each region starts and ends along an axis of a map of `length`."""
    part = (end - start + 1).clamp(min=1)[:, None] / parts
    index = torch.arange(parts, device=start.device)
    bounds = torch.stack([(index * part).floor(), ((index + 1) * part).ceil()], -1) + start[:, None, None]
    found: list[list[list[int]]] = bounds.clamp(0, length).int().tolist()
    return found


def _largest(values: Tensor, axis: int, parts: Sequence[Sequence[int]]) -> Tensor:
    """The largest value of each part of an axis, 0 for an empty part."""
    nothing = torch.zeros_like(values.select(axis, 0))
    return torch.stack(
        [values.narrow(axis, start, end - start).amax(axis) if start < end else nothing for start, end in parts], axis
    )
