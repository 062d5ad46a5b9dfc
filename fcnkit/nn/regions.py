"""Modules that pool over regions of feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RegionPool(nn.Module):
    """The maximum of each of height x width parts of regions of a feature map; 0 for a part outside the map.

    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image, ends included.

    Args:
        height, width: the number of parts of each region along each axis.
        scale: pixels of the map per pixel of the image.
        margin: widths and heights of a region by which it is enlarged on each side.

    Source: rbgirshick/caffe-fast-rcnn (branch faster-rcnn) src/caffe/layers/roi_pooling_layer.cpp, Forward_cpu;
    zhaoweicai/mscnn src/caffe/layers/roi_pooling_layer.cpp for the margin.
    """

    def __init__(self, height: int, width: int, scale: float = 1, margin: float = 0):
        super().__init__()
        self.height, self.width, self.scale, self.margin = height, width, scale, margin

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = region_rows(features, regions)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height, self.width))
        images = regions[:, 0].int().tolist()
        # The parts are computed in single precision, as in Caffe: the end of a part can be one higher than with the
        # exact quotient.
        corners = rounded_away(_enlarged(regions[:, 1:].float(), self.margin) * self.scale)
        columns = part_bounds(corners[:, 0], corners[:, 2], self.width, features.shape[3])
        rows = part_bounds(corners[:, 1], corners[:, 3], self.height, features.shape[2])
        return torch.stack(
            [
                largest_of_parts(largest_of_parts(features[i], 1, r), 2, c)
                for i, r, c in zip(images, rows, columns, strict=True)
            ]
        )

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}, margin={self.margin}"


class PositionSensitivePool(nn.Module):
    """The mean of each of size x size parts of regions, each part in channels of its own; 0 for an empty part.

    Channel (k * size + i) * size + j of the map is for row i and column j of the parts of the top's channel k.
    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image, ends included.

    Args:
        channels: of the top.
        size: the number of parts of a region along each axis.
        scale: pixels of the map per pixel of the image.

    Source: daijifeng001/caffe-rfcn src/caffe/layers/psroi_pooling_layer.cu, PSROIPoolingForward.
    """

    def __init__(self, channels: int, size: int, scale: float = 1):
        super().__init__()
        self.channels, self.size, self.scale = channels, size, scale

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        size = self.size
        if features.shape[1] != self.channels * size**2:
            raise RuntimeError(f"{self.channels} channels of {size} x {size} parts need {self.channels * size**2}")
        regions = region_rows(features, regions)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), self.channels, size, size))
        return self._pooled(features, regions)

    def _pooled(self, features: Tensor, regions: Tensor) -> Tensor:
        size, (height, width) = self.size, features.shape[2:]
        rounded = rounded_away(regions[:, 1:].float())
        low, high = rounded[:, :2] * self.scale, (rounded[:, 2:] + 1) * self.scale
        part = (high - low).clamp(min=0.1)[:, :, None] / size
        index = torch.arange(size, device=features.device)
        limits = part.new_tensor([width, height])[:, None]
        starts = (index * part + low[:, :, None]).floor().clamp(min=0).minimum(limits).long()
        ends = ((index + 1) * part + low[:, :, None]).ceil().clamp(min=0).minimum(limits).long()
        # The sum over any rectangle is that of four corners of the sums from the first pixel on.
        sums = F.pad(features.double().cumsum(2).cumsum(3), (1, 0, 1, 0))
        sums = sums.reshape(-1, self.channels, size, size, height + 1, width + 1).permute(0, 2, 3, 4, 5, 1)
        image, row = regions[:, 0].long()[:, None, None], index[:, None]

        def corner(rows: Tensor, columns: Tensor) -> Tensor:
            return sums[image, row, index, rows[:, 1, :, None], columns[:, 0, None, :]]

        total = corner(ends, ends) - corner(starts, ends) - corner(ends, starts) + corner(starts, starts)
        sides = (ends - starts).clamp(min=0)
        area = sides[:, 1, :, None] * sides[:, 0, None, :]
        means: Tensor = torch.where((area > 0)[..., None], total / area.clamp(min=1)[..., None], 0)
        return means.permute(0, 3, 1, 2).to(features.dtype)

    def extra_repr(self) -> str:
        return f"{self.channels}, {self.size}, scale={self.scale}"


class PositionSensitiveAlign(PositionSensitivePool):
    """The mean of 2 x 2 interpolated values in each part, of regions whose corners are not rounded.

    Values at places outside of the map's pixels are 0. The arguments are those of PositionSensitivePool.

    Source: fallingdust/caffe-fast-rcnn src/caffe/layers/psroi_align_layer.cu, PSROIAlignForward.
    """

    def _pooled(self, features: Tensor, regions: Tensor) -> Tensor:
        size = self.size
        corners = regions[:, 1:].float() * self.scale
        within = (torch.arange(2 * size, device=features.device) + 0.5) / (2 * size)
        tops = []
        for image, (left, upper, right, lower) in zip(regions[:, 0].int().tolist(), corners, strict=True):
            y, x = upper + within * (lower - upper), left + within * (right - left)
            rows = (y >= 0) & (y <= features.shape[2] - 1) & (lower > upper)
            inside = rows[:, None] & (x >= 0) & (x <= features.shape[3] - 1) & (right > left)
            values = interpolated(features[image], y, x) * inside
            # (channels, row and column of the channel's part, row and column of all parts)
            means = values.reshape(self.channels, size, size, size, 2, size, 2).mean((4, 6))
            tops.append(means.diagonal(dim1=1, dim2=3).diagonal(dim1=1, dim2=2))
        return torch.stack(tops)


class PositionSensitiveSamples(PositionSensitivePool):
    """The sum of interpolated values in each part, divided by their number, of regions cut to the map's pixels.

    The samples of a part lie as far from each other as from where the part starts and ends before it is cut; those
    beyond its end are 0. An end is one pixel behind the region's last.

    Args:
        channels, size, scale: as of PositionSensitivePool.
        samples: the number of samples of a part along each axis.

    Source: afantideng/R-FCN-PSROIAlign caffe/src/caffe/layers/psroi_align_layer.cu, PSROIAlignForward.
    """

    def __init__(self, channels: int, size: int, scale: float = 1, samples: int = 2):
        super().__init__(channels, size, scale)
        self.samples = samples

    def _pooled(self, features: Tensor, regions: Tensor) -> Tensor:
        size, count = self.size, self.samples
        corners = regions[:, 1:].float() + regions.new_tensor([0, 0, 1, 1])
        tops = []
        for image, (left, upper, right, lower) in zip(regions[:, 0].int().tolist(), corners * self.scale, strict=True):
            y, rows = self._samples(upper, lower, features.shape[2])
            x, columns = self._samples(left, right, features.shape[3])
            values = interpolated(features[image], y, x) * (rows[:, None] & columns)
            means = values.reshape(self.channels, size, size, size, count, size, count).mean((4, 6))
            tops.append(means.diagonal(dim1=1, dim2=3).diagonal(dim1=1, dim2=2))
        return torch.stack(tops)

    def _samples(self, start: Tensor, end: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Where the samples of all parts lie along an axis, and whether each lies before its part's end."""
        part = (end - start).clamp(min=0.1) / self.size
        index = torch.arange(self.size, device=part.device)[:, None]
        low, high = ((index + ahead) * part + start for ahead in (0, 1))
        within = torch.arange(1, self.samples + 1, device=part.device) * (part / (self.samples + 1))
        places = low.clamp(0, length - 1) + within
        return places.flatten(), (places < high.clamp(0, length - 1)).flatten()

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, samples={self.samples}"


class RegionAlign(nn.Module):
    """The mean of interpolated values in each of height x width parts of regions, whose corners are not rounded.

    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image.

    Args:
        height, width: the number of parts of each region along each axis.
        scale: pixels of the map per pixel of the image.
        samples: values per part along each axis; 0 for as many as there are pixels in a part, rounded up.

    Source: Cambricon/caffe src/caffe/layers/roi_align_layer.cpp, Forward_cpu.
    """

    def __init__(self, height: int, width: int, scale: float = 1, samples: int = 0):
        super().__init__()
        self.height, self.width, self.scale, self.samples = height, width, scale, samples

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = region_rows(features, regions)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height, self.width))
        corners = regions[:, 1:].float() * self.scale
        sizes = (corners[:, 2:] - corners[:, :2]).clamp(min=1)
        tops = []
        for image, start, size in zip(regions[:, 0].int().tolist(), corners[:, :2], sizes, strict=True):
            x, columns = self._places(start[0], size[0], self.width)
            y, rows = self._places(start[1], size[1], self.height)
            inside = ((y >= -1) & (y <= features.shape[2]))[:, None] & ((x >= -1) & (x <= features.shape[3]))
            values = interpolated(features[image], y, x) * inside
            tops.append(values.reshape(-1, self.height, rows, self.width, columns).mean((2, 4)))
        return torch.stack(tops)

    def _places(self, start: Tensor, size: Tensor, parts: int) -> tuple[Tensor, int]:
        """Where the samples of all parts lie along an axis, and how many each part has."""
        part = size / parts
        samples = self.samples or int(part.ceil())
        within = (torch.arange(samples, device=size.device) + 0.5) * part / samples
        return (start + torch.arange(parts, device=size.device)[:, None] * part + within).flatten(), samples

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}, samples={self.samples}"


class RegionGrid(nn.Module):
    """Interpolated values at the corners of height x width parts of regions; 0 beyond the map.

    The top is one higher and wider than the number of parts. Regions are rows (image, xmin, ymin, xmax, ymax) in
    pixels of the image.

    Args:
        height, width: the number of parts of each region along each axis.
        scale: pixels of the map per pixel of the image.
        margin: widths and heights of a region by which it is enlarged on each side.

    Source: zhaoweicai/mscnn src/caffe/layers/roi_align_layer.cpp, Forward_cpu.
    """

    def __init__(self, height: int, width: int, scale: float = 1, margin: float = 0):
        super().__init__()
        self.height, self.width, self.scale, self.margin = height, width, scale, margin

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = region_rows(features, regions)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height + 1, self.width + 1))
        corners = _enlarged(regions[:, 1:].float(), self.margin) * self.scale - 0.5
        tops = []
        for image, (left, upper, right, lower) in zip(regions[:, 0].int().tolist(), corners, strict=True):
            x = left + torch.arange(self.width + 1, device=corners.device) * (right - left) / self.width
            y = upper + torch.arange(self.height + 1, device=corners.device) * (lower - upper) / self.height
            rows = (y >= -0.5) & (y <= features.shape[2] - 0.5) & (lower > upper)
            inside = rows[:, None] & (x >= -0.5) & (x <= features.shape[3] - 0.5) & (right > left)
            tops.append(interpolated(features[image], y, x) * inside)
        return torch.stack(tops)

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}, margin={self.margin}"


def interpolated(plane: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear interpolation of (channels, height, width) at all pairs of rows y and columns x, clipped to the plane.

    Returns:
        (channels, len(y), len(x)).
    """
    values = plane
    for axis, places in ((1, y), (2, x)):
        last = plane.shape[axis] - 1
        places = places.clamp(0, last)
        low = places.floor()
        share = (places - low).reshape(-1, *[1] * (2 - axis)).to(plane.dtype)
        values = torch.lerp(
            values.index_select(axis, low.long()), values.index_select(axis, (low.long() + 1).clamp(max=last)), share
        )
    return values


def region_rows(features: Tensor, regions: Tensor, numbers: int = 5) -> Tensor:
    """Regions as rows of numbers, of which the first is that of the image.

    Raises:
        RuntimeError: they have another length, or are of images that the features lack.
    """
    regions = regions.flatten(1)
    if regions.shape[1] != numbers:
        raise RuntimeError(f"a region has {numbers} numbers, an image and corners: not {regions.shape[1]}")
    if len(regions) and not features.is_meta:
        first, last = int(regions[:, 0].min()), int(regions[:, 0].max())
        if not 0 <= first <= last < len(features):
            raise RuntimeError(f"there are {len(features)} images, the regions are of {first} to {last}")
    return regions


def _enlarged(corners: Tensor, margin: float) -> Tensor:
    """Regions (n, 4) with a margin in their own widths and heights, ends included, on each side."""
    low, high = corners.chunk(2, -1)
    pad = (high - low + 1) * margin
    return torch.cat([low - pad, high + pad], -1)


def rounded_away(values: Tensor) -> Tensor:
    """Whole numbers as C rounds to them: halves away from zero."""
    return values.trunc() + (values.frac().abs() >= 0.5) * values.sign()


def part_bounds(start: Tensor, end: Tensor, parts: int, length: int) -> list[list[list[int]]]:
    """Where each part of each region starts and ends along an axis of a map of `length`."""
    part = (end - start + 1).clamp(min=1)[:, None] / parts
    index = torch.arange(parts, device=start.device)
    bounds = torch.stack([(index * part).floor(), ((index + 1) * part).ceil()], -1) + start[:, None, None]
    found: list[list[list[int]]] = bounds.clamp(0, length).int().tolist()
    return found


def largest_of_parts(values: Tensor, axis: int, parts: Sequence[Sequence[int]]) -> Tensor:
    """The largest value of each part of an axis, 0 for an empty part."""
    nothing = torch.zeros_like(values.select(axis, 0))
    return torch.stack(
        [values.narrow(axis, start, end - start).amax(axis) if start < end else nothing for start, end in parts], axis
    )
