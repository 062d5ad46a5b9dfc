"""Modules of detectors of rotated boxes: rows (x, y, height, width, degrees) around a middle, anticlockwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import best

# Pixels within which two edges count as the same.
_SAME = 1e-4

Rotated = tuple[float, float, float, float, float]


def rotated_anchors(
    base: int, ratios: Sequence[float], scales: Sequence[float], angles: Sequence[float]
) -> list[Rotated]:
    """Boxes of several shapes, sizes and angles: shape by shape, then size by size.

    Args:
        base: the side of the square whose area all shapes have; its middle is the pixel base / 2 - 1.
        ratios: of height to width; width and height are rounded before they are scaled, halves to even numbers.
        scales: of the sides.
        angles: in degrees.

    Source: mjq11302010044/RRPN lib/rotation/generate_anchors.py.
    """
    middle = float(base // 2 - 1)
    boxes = []
    for ratio in ratios:
        width = round(math.sqrt(base * base / ratio))
        height = round(width * ratio)
        for scale in scales:
            boxes += [(middle, middle, float(height * scale), float(width * scale), angle) for angle in angles]
    return boxes


def rotated_overlaps(box: Tensor, boxes: Tensor) -> Tensor:
    """The shared area of a rotated box (5) and each of boxes (n, 5), divided by that of both together.

    The edge of what they share is made of the parts of each box's edges that lie in the other.

    Source: mjq11302010044/RRPN lib/rotation/rotate_polygon_nms_kernel.cu, devRotateIoU.
    """
    ours, theirs = _corners(box[None].double()).expand(len(boxes), 4, 2), _corners(boxes.double())
    # An edge that both have counts once: as the first box's.
    shared = _enclosed(ours, theirs, -_SAME, box[:2]) + _enclosed(theirs, ours, _SAME, box[:2])
    areas = boxes[:, 2].double() * boxes[:, 3].double()
    return (shared / (box[2].double() * box[3].double() + areas - shared)).to(boxes)


def _corners(boxes: Tensor) -> Tensor:
    """The corners (n, 4, 2) of rotated boxes, clockwise on the screen from the upper left before the turn."""
    angle = boxes[:, 4].deg2rad()
    along = torch.stack([angle.cos(), -angle.sin()], -1) * boxes[:, 3:4] / 2
    across = torch.stack([angle.sin(), angle.cos()], -1) * boxes[:, 2:3] / 2
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return torch.stack([boxes[:, :2] + a * along + b * across for a, b in signs], 1)


def _enclosed(edges: Tensor, within: Tensor, tolerance: float, origin: Tensor) -> Tensor:
    """The area between an origin and the parts of the edges of polygons that lie in other polygons, (n)."""
    start, step = edges, edges.roll(-1, 1) - edges
    side = within.roll(-1, 1) - within
    inward = torch.stack([-side[..., 1], side[..., 0]], -1)
    inward = inward / inward.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    # By edge, and by side of the other polygon: the distance at the start, and its growth along the edge.
    distance = ((start[:, :, None] - within[:, None]) * inward[:, None]).sum(-1)
    growth = (step[:, :, None] * inward[:, None]).sum(-1)
    parallel = growth.abs() < 1e-9
    crossing = (tolerance - distance) / torch.where(parallel, 1.0, growth)
    # Polygons that touch have a common edge too, in opposite directions.
    opposite = (step[:, :, None] * side[:, None]).sum(-1) < 0
    outside = parallel & ((distance < tolerance) | (opposite & (distance.abs() <= _SAME)))
    first = torch.where(~parallel & (growth > 0), crossing, 0.0).amax(2).clamp(min=0)
    last = torch.where(~parallel & (growth < 0), crossing, 1.0).amin(2).clamp(max=1)
    length = (last - first).clamp(min=0) * ~outside.any(2)
    away = start - origin.double()
    turned = torch.stack([-away[..., 1], away[..., 0]], -1)
    area: Tensor = (length * (turned * step).sum(-1)).sum(1) / 2
    return area


class RotatedProposals(nn.Module):
    """Regions by the scores and offsets of rotated anchors at each place: rows (0, x, y, height, width, degrees).

    They are the best that do not overlap, the best first, for one image. The second top has their scores.

    Args:
        anchors: the boxes at the first place, in pixels of the image.
        stride: pixels of the image between places.
        before: the number of best boxes that are compared.
        after: the number of boxes that are kept.
        overlap: the largest overlap of two boxes.
        least: the least width and height in pixels of the image before it was scaled.
        scores: whether there is a second top.

    Source: mjq11302010044/RRPN lib/rotation/rproposal_layer.py, forward; lib/rotation/rbbox_transform.py,
    rbbox_transform_inv.
    """

    def __init__(
        self,
        anchors: Sequence[Rotated],
        stride: int,
        before: int = 6000,
        after: int = 300,
        overlap: float = 0.7,
        least: float = 16,
        scores: bool = False,
    ):
        super().__init__()
        self.anchors, self.stride = [tuple(box) for box in anchors], stride
        self.before, self.after, self.overlap, self.least, self.scores = before, after, overlap, least, scores

    @torch.no_grad()
    def forward(self, probabilities: Tensor, offsets: Tensor, info: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The regions, and with `scores` their scores.

        Args:
            probabilities: (1, 2 * anchors, height, width): of no object by anchor, then of an object.
            offsets: (1, 5 * anchors, height, width), anchor by anchor.
            info: (1, 3): height and width of the image, and the factor by which it was scaled.

        No gradient passes.
        """
        count, (images, channels, height, width) = len(self.anchors), probabilities.shape
        if images != 1 or channels != 2 * count or offsets.shape != (1, 5 * count, height, width):
            needed = f"{2 * count} channels of scores and {5 * count} of offsets"
            raise RuntimeError(f"{count} anchors need {needed}, of one image")
        if probabilities.is_meta:
            rows, scores = probabilities.new_empty(self.after, 6), probabilities.new_empty(self.after, 1)
        else:
            boxes = self._moved(offsets.permute(0, 2, 3, 1).reshape(-1, 5).cpu(), height, width)
            scores = probabilities[0, count:].permute(1, 2, 0).flatten().cpu()
            large = (boxes[:, 2:4] >= self.least * float(info.flatten()[2])).all(1)
            boxes, scores = boxes[large], scores[large]
            order = best(scores, self.before)
            boxes, scores = boxes[order], scores[order]
            kept = self._without_overlaps(boxes)
            rows = torch.cat([boxes.new_zeros(len(kept), 1), boxes[kept]], 1).to(offsets)
            scores = scores[kept, None].to(probabilities)
        return (rows, scores) if self.scores else rows

    def _moved(self, offsets: Tensor, height: int, width: int) -> Tensor:
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        shifts = torch.stack([x, y, 0 * x, 0 * x, 0 * x], -1).reshape(-1, 1, 5).to(offsets) * self.stride
        boxes = (shifts + offsets.new_tensor(self.anchors)).reshape(-1, 5)
        sizes = boxes[:, 3], boxes[:, 2]
        middle = [offsets[:, axis] * sizes[axis] + boxes[:, axis] for axis in (0, 1)]
        angle = offsets[:, 4] / math.pi * 180 + boxes[:, 4]
        angle = torch.where(angle < -45, angle + 180, angle)
        angle = torch.where(angle > 135, angle - 180, angle)
        return torch.stack([*middle, offsets[:, 3].exp() * sizes[1], offsets[:, 2].exp() * sizes[0], angle], 1)

    def _without_overlaps(self, boxes: Tensor) -> Tensor:
        """The indices of the boxes that are kept; each drops the later ones that it overlaps too much."""
        kept: list[int] = []
        left = torch.arange(len(boxes))
        while len(left) and len(kept) < self.after:
            kept.append(int(left[0]))
            left = left[1:]
            left = left[rotated_overlaps(boxes[kept[-1]], boxes[left]) <= self.overlap]
        return torch.tensor(kept, dtype=torch.long)

    def extra_repr(self) -> str:
        choice = f"before={self.before}, after={self.after}, overlap={self.overlap}, least={self.least}"
        return f"{len(self.anchors)} anchors, stride={self.stride}, {choice}, scores={self.scores}"


class RotatedPool(nn.Module):
    """The largest positive value of each of height x width parts of rotated regions of a feature map.

    Regions are rows (image, x, y, height, width, degrees) in pixels of the image. Pixels beyond the image's size on the
    map belong to no part.

    Args:
        height, width: the number of parts of each region along its own axes.
        scale: pixels of the map per pixel of the image.

    Source: mjq11302010044/RRPN caffe-fast-rcnn/src/caffe/layers/rotate_roi_pooling_layer.cu, RotateROIPoolForward.
    """

    def __init__(self, height: int, width: int, scale: float = 1):
        super().__init__()
        self.height, self.width, self.scale = height, width, scale

    def forward(self, features: Tensor, regions: Tensor, info: Tensor) -> Tensor:
        regions = regions.flatten(1)
        if regions.shape[1] != 6:
            raise RuntimeError(
                f"a rotated region has 6 numbers: image, x, y, height, width, degrees: not {regions.shape[1]}"
            )
        parts, channels = self.height * self.width, features.shape[1]
        top = features.new_zeros(len(regions), channels, parts)
        if features.is_meta or not len(regions):
            return top.reshape(-1, channels, self.height, self.width)
        limits = [int(float(side) * self.scale) for side in info.flatten()[:2]]
        rows, columns = (min(limit, side) for limit, side in zip(limits, features.shape[2:], strict=True))
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        pooled = []
        for region in regions.float().cpu():
            image, part = int(region[0]), self._parts(region[1:], x.float(), y.float())
            inside = part >= 0
            values = features[image, :, :rows, :columns][:, inside.to(features.device)]
            index = part[inside].to(features.device).expand(channels, -1)
            pooled.append(features.new_zeros(channels, parts).scatter_reduce(1, index, values, "amax"))
        return torch.stack(pooled).reshape(-1, channels, self.height, self.width)

    def _parts(self, region: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The number of the part that each pixel of the map is in, or -1."""
        middle, (high, wide), angle = region[:2] * self.scale, region[2:4] * self.scale, region[4].deg2rad()
        right, down = x - middle[0], y - middle[1]
        # The region's own axes: along its width (cos, -sin), along its height (sin, cos).
        column = ((right * angle.cos() - down * angle.sin()) / (wide / self.width) + self.width / 2).floor()
        row = ((right * angle.sin() + down * angle.cos()) / (high / self.height) + self.height / 2).floor()
        inside = (column >= 0) & (column < self.width) & (row >= 0) & (row < self.height)
        return torch.where(inside, row * self.width + column, -1).long()

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}"
