"""Modules that make boxes of a coverage map by clustering."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

# The number of boxes in each top, of which most are 0.
LARGEST = 50
# Left and upper edge, width and height.
Rectangle = tuple[int, int, int, int]


class ClusterDetections(nn.Module):
    """The boxes of each class: (images, 50, 5) for each, rows (xmin, ymin, xmax, ymax, confidence), then rows of 0.

    Each place with enough coverage proposes a box. Similar boxes are averaged; the confidence is the logarithm of their
    number, and all numbers are rounded to half precision.

    Args:
        height, width: of the image, in pixels.
        stride: pixels between the places of the maps.
        classes: the number of classes, which is that of the tops.
        coverage: the least coverage at which a place proposes a box.
        least: only clusters of more boxes count; at 0 each box is a cluster.
        distance: the largest distance between edges of similar boxes, in mean sides of the smaller one.
        lowest: the least height of a cluster's box, in pixels.

    Source: NVIDIA/caffe python/caffe/layers/detectnet/clustering.py, ClusterDetections.
    """

    def __init__(
        self,
        height: int,
        width: int,
        stride: int,
        classes: int,
        coverage: float,
        least: int,
        distance: float,
        lowest: int,
    ):
        super().__init__()
        self.height, self.width, self.stride, self.classes = height, width, stride, classes
        self.coverage, self.least, self.distance, self.lowest = coverage, least, distance, lowest

    @torch.no_grad()
    def forward(self, coverage: Tensor, offsets: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The boxes. No gradient passes.

        Args:
            coverage: (images, classes, rows, columns).
            offsets: (images, 4, rows, columns): the distances from a place to the edges of its box: left, upper, right
                and lower.
        """
        images, classes = coverage.shape[:2]
        rows, columns = self.height // self.stride, self.width // self.stride
        if classes != self.classes or offsets.shape[:2] != (images, 4):
            raise RuntimeError(f"it needs the coverage of {self.classes} classes, and 4 offsets")
        if min(coverage.shape[2], offsets.shape[2]) < rows or min(coverage.shape[3], offsets.shape[3]) < columns:
            raise RuntimeError(
                f"images of {self.height} x {self.width} pixels have maps of at least {rows} x {columns}"
            )
        tops = tuple(coverage.new_zeros(images, LARGEST, 5) for _ in range(classes))
        if coverage.is_meta:
            return tops if classes > 1 else tops[0]
        y, x = torch.arange(rows) * self.height / rows, torch.arange(columns) * self.width / columns
        corner = torch.stack([x.expand(rows, columns), y[:, None].expand(rows, columns)] * 2, -1)
        for image in range(images):
            boxes = offsets[image, :, :rows, :columns].permute(1, 2, 0).cpu() + corner
            for top, covered in zip(tops, coverage[image, :, :rows, :columns].cpu(), strict=True):
                found = self._detections(boxes[covered >= self.coverage])[:LARGEST]
                if found:
                    top[image, : len(found)] = torch.tensor(found).half().to(top)
        return tops if classes > 1 else tops[0]

    def _detections(self, boxes: Tensor) -> list[list[float]]:
        """The boxes of clusters of boxes (n, 4)."""
        if not boxes.any():
            return []
        corners = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
        rectangles = [(x, y, w, h) for x, y, w, h in corners.round().int().tolist()]
        groups = grouped(rectangles, self.least, self.distance)
        return [[x, y, x + w, y + h, math.log(count)] for (x, y, w, h), count in groups if h >= self.lowest]

    def extra_repr(self) -> str:
        image = f"{self.height}, {self.width}, {self.stride}, {self.classes}"
        return f"{image}, {self.coverage}, {self.least}, {self.distance}, {self.lowest}"


def grouped(rectangles: Sequence[Rectangle], least: int, distance: float) -> list[tuple[Rectangle, int]]:
    """The mean rectangle of each group of more than `least` similar rectangles, and their number.

    Rectangles are similar if their edges are no more apart than `distance` times the mean of the smaller width and the
    smaller height; a rectangle that is similar to one of a group belongs to it. A mean inside of another one is left
    out if it stands for fewer rectangles, or for fewer than 3.

    Source: opencv/opencv modules/objdetect/src/cascadedetect.cpp, groupRectangles; modules/core/include/opencv2/core/
    operations.hpp, partition.
    """
    if least <= 0:
        return [(rectangle, 1) for rectangle in rectangles]
    groups: list[list[Rectangle]] = []
    for rectangle in rectangles:
        near = [group for group in groups if any(_similar(rectangle, other, distance) for other in group)]
        joined = [*(each for group in near for each in group), rectangle]
        # A group has the place of its first rectangle.
        for group in near[1:]:
            groups.remove(group)
        if near:
            groups[groups.index(near[0])] = joined
        else:
            groups.append(joined)
    means = [(_mean(group), len(group)) for group in groups if len(group) > least]
    return [each for each in means if not any(_contains(other, each, distance) for other in means if other is not each)]


def _mean(group: Sequence[Rectangle]) -> Rectangle:
    x, y, w, h = (round(sum(values) / len(group)) for values in zip(*group, strict=True))
    return x, y, w, h


def _similar(a: Rectangle, b: Rectangle, distance: float) -> bool:
    most = distance * (min(a[2], b[2]) + min(a[3], b[3])) * 0.5
    edges = ((a[0], b[0]), (a[1], b[1]), (a[0] + a[2], b[0] + b[2]), (a[1] + a[3], b[1] + b[3]))
    return all(abs(one - other) <= most for one, other in edges)


def _contains(outer: tuple[Rectangle, int], inner: tuple[Rectangle, int], distance: float) -> bool:
    """Whether a mean lies within another, which may be exceeded by its own distance, and counts less than it."""
    (x, y, w, h), many = outer
    (left, upper, wide, high), few = inner
    dx, dy = round(w * distance), round(h * distance)
    inside = left >= x - dx and upper >= y - dy and left + wide <= x + w + dx and upper + high <= y + h + dy
    return inside and (many > max(3, few) or few < 3)
