"""Modules of MaskYolo, which segments the objects that YOLO finds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import best, without_overlaps
from fcnkit.nn.regions import interpolated, region_rows


class YoloProposals(nn.Module):
    """A fixed number of regions by the boxes of a YOLO map: rows (image, xmin, ymin, xmax, ymax) in pixels.

    They are the boxes that overlap no better one by more than 0.4, in the order of anchors and places, image by image.
    Rows without a box are 0. The second top is 1 for each row with a box.

    Args:
        anchors: (width, height) of each, in places of the map.
        size: (height, width) of the image in pixels.
        count: the number of rows.
        threshold: the score above which a box is a region.

    Source: leon-liangwu/MaskYolo_Caffe caffe-maskyolo/src/caffe/layers/roi_gen_layer.cpp, Forward_cpu, and
    caffe-maskyolo/include/caffe/util/box.hpp, get_predict_boxes, without classes.
    """

    def __init__(
        self, anchors: Sequence[tuple[float, float]], size: tuple[int, int], count: int = 64, threshold: float = 0.6
    ):
        super().__init__()
        self.anchors, self.size = [tuple(anchor) for anchor in anchors], size
        self.count, self.threshold = count, threshold

    @torch.no_grad()
    def forward(self, blob: Tensor) -> tuple[Tensor, Tensor]:
        """The regions, and whether they have a box. No gradient passes.

        Args:
            blob: (images, anchors * 5, height, width): offsets of x, y, width and height, and the score of an object.
        """
        count = len(self.anchors)
        if blob.shape[1] != 5 * count:
            raise RuntimeError(f"{count} anchors without classes need {5 * count} channels")
        regions, labels = blob.new_zeros(self.count, 5), blob.new_zeros(self.count)
        if blob.is_meta:
            return regions, labels
        found = torch.cat([self._of_image(number, each) for number, each in enumerate(blob)])[: self.count]
        regions[: len(found)], labels[: len(found)] = found, 1
        return regions, labels

    def _of_image(self, number: int, blob: Tensor) -> Tensor:
        height, width = blob.shape[1:]
        parts = blob.reshape(len(self.anchors), 5, height, width)
        y, x = (torch.arange(length, device=blob.device, dtype=blob.dtype) for length in (height, width))
        extent = blob.new_tensor([width, height])
        corner = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
        offsets, sizes = parts[:, :2].movedim(1, -1), parts[:, 2:4].movedim(1, -1)
        centre = (corner + offsets.sigmoid()) / extent
        half = sizes.exp() * blob.new_tensor(self.anchors)[:, None, None] / extent / 2
        boxes, scores = torch.cat([centre - half, centre + half], -1).reshape(-1, 4), parts[:, 4].sigmoid().flatten()
        chosen = (scores > self.threshold).nonzero()[:, 0]
        chosen = chosen[best(scores[chosen])]
        kept = chosen[without_overlaps(boxes[chosen].cpu(), 0.4)].sort().values
        low, high = boxes[kept].chunk(2, 1)
        inside = torch.cat([low.clamp(min=0), high.clamp(max=1)], 1) * boxes.new_tensor([*self.size[::-1]] * 2)
        return torch.cat([torch.full_like(inside[:, :1], number), inside], 1)

    def extra_repr(self) -> str:
        return f"{self.anchors}, {self.size}, count={self.count}, threshold={self.threshold}"


class RegionMiddles(nn.Module):
    """The interpolated value in the middle of each of height x width parts of regions, cut to the map's pixels.

    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image, ends included.

    Args:
        height, width: the number of parts of each region along each axis.
        scale: pixels of the map per pixel of the image.

    Source: leon-liangwu/MaskYolo_Caffe caffe-maskyolo/src/caffe/layers/roi_alignment_layer.cu, ROIAlignForward.
    """

    def __init__(self, height: int, width: int, scale: float = 1):
        super().__init__()
        self.height, self.width, self.scale = height, width, scale

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = region_rows(features, regions)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height, self.width))
        tops = []
        for image, corners in zip(regions[:, 0].int().tolist(), regions[:, 1:].float() * self.scale, strict=True):
            left, upper, right, lower = corners
            rows = _middles(upper, lower, self.height, features.shape[2])
            tops.append(interpolated(features[image], rows, _middles(left, right, self.width, features.shape[3])))
        return torch.stack(tops)

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}"


def _middles(start: Tensor, end: Tensor, parts: int, length: int) -> Tensor:
    """The middles of a region's parts, of which each is cut to a map of `length`."""
    bounds = start + torch.arange(parts + 1, device=start.device) * (end - start + 1).clamp(min=1) / parts
    bounds = bounds.clamp(0, length - 1)
    return (bounds[:-1] + bounds[1:]) / 2
