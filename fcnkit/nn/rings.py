"""Modules that pool over regions of feature maps without the middle of each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fcnkit.nn.regions import largest_of_parts, part_bounds, region_rows, rounded_away


class _Pool(nn.Module):
    """The largest value of each of height x width parts of regions, whose middle counts as 0; 0 for an empty part.

    Args:
        height, width: the number of parts of each region along each axis.
        scale: pixels of the map per pixel of the image.
    """

    numbers = 5

    def __init__(self, height: int, width: int, scale: float = 1):
        super().__init__()
        self.height, self.width, self.scale = height, width, scale

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = region_rows(features, regions, self.numbers)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height, self.width))
        images = regions[:, 0].int().tolist()
        outer, inner = self.corners(regions[:, 1:].float())
        columns = part_bounds(outer[:, 0], outer[:, 2], self.width, features.shape[3])
        lines = part_bounds(outer[:, 1], outer[:, 3], self.height, features.shape[2])
        tops = []
        for image, middle, y, x in zip(images, inner.int().tolist(), lines, columns, strict=True):
            tops.append(largest_of_parts(largest_of_parts(_without(features[image], *middle), 1, y), 2, x))
        return torch.stack(tops)

    def corners(self, corners: Tensor) -> tuple[Tensor, Tensor]:
        """The first and last columns and rows of regions, and of their middles: xmin, ymin, xmax, ymax on the map."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}"


class RingPool(_Pool):
    """The largest positive value of each part of a region, less those inside of an inner rectangle.

    Regions are rows of 9 numbers: an image, and xmin, ymin, xmax and ymax of the outer and of the inner rectangle in
    pixels of the image. What lies on the inner rectangle's edge is pooled.

    Args:
        height, width, scale: as in ROI pooling.
        offset: pixels of the image by which each rectangle is narrower on all sides, which stand for the receptive
            field of a pixel of the map.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/layers/region_pooling_layer.cpp, Forward_cpu.
    """

    numbers = 9

    def __init__(self, height: int, width: int, scale: float = 1, offset: float = 0):
        super().__init__(height, width, scale)
        self.offset = offset

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        return super().forward(features, regions).clamp(min=0)

    def corners(self, corners: Tensor) -> tuple[Tensor, Tensor]:
        first, last, first_inner, last_inner = corners.chunk(4, 1)
        inner = self._rectangle(first_inner, last_inner)
        return self._rectangle(first, last), inner + inner.new_tensor([1, 1, -1, -1])

    def _rectangle(self, first: Tensor, last: Tensor) -> Tensor:
        low = ((first + 1 + self.offset) * self.scale + 0.5).floor()
        high = ((last + 1 - self.offset) * self.scale - 0.5).ceil()
        # One that is turned inside out is its middle; C's division of whole numbers cuts off towards 0.
        middle = ((low + high) / 2).trunc()
        return torch.cat([torch.where(low > high, middle, low), torch.where(low > high, middle, high)], 1)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, offset={self.offset}"


class MaskedPool(_Pool):
    """The largest value of each part of a region whose size is scaled; its middle counts as 0.

    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image.

    Args:
        height, width, scale: as in ROI pooling.
        shift: is added to a place on the map before it is rounded.
        half: of a region 1 is the left half, 2 the right, 3 the upper and 4 the lower; 0 is all of it.
        size: of what is pooled, in regions, around the same middle.
        mask: size of the middle that counts as 0, likewise; 0 for none.

    Source: craftGBD/caffe-GBD src/caffe/layers/roi_mask_pooling_layer.cu, ROIMaskPoolForward; the code for CPUs beside
    it reads the corners in another order than the data layers write.
    """

    def __init__(
        self,
        height: int,
        width: int,
        scale: float = 1,
        shift: float = 0,
        half: int = 0,
        size: float = 1,
        mask: float = 0,
    ):
        super().__init__(height, width, scale)
        self.shift, self.part, self.size, self.mask = shift, half, size, mask

    def corners(self, corners: Tensor) -> tuple[Tensor, Tensor]:
        low, high = corners.chunk(2, 1)
        middle, span = (low + high) / 2, high - low
        outer = torch.cat([middle - span * self.size / 2, middle + span * self.size / 2], 1)
        if 1 <= self.part <= 4:
            corner = (2, 0, 3, 1)[self.part - 1]
            outer[:, corner] = middle[:, corner % 2]
        inner = torch.cat([middle - span * self.mask / 2, middle + span * self.mask / 2], 1)
        inner = rounded_away(inner * self.scale + self.shift)
        if self.mask <= 0:
            inner = inner.new_tensor([0, 0, -1, -1]).expand_as(inner)
        return rounded_away(outer * self.scale + self.shift), inner

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, shift={self.shift}, half={self.part}, size={self.size}, mask={self.mask}"


def _without(plane: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """A map (channels, height, width) with zeros from a first to a last column and row."""
    if left > right or top > bottom:
        return plane
    inside = plane.new_zeros(plane.shape[1:], dtype=torch.bool)
    inside[max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = True
    return plane.masked_fill(inside, 0)
