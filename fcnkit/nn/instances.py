"""Modules of nets that segment objects in stages."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import moved
from fcnkit.nn.regions import interpolated, region_rows, rounded_away


class RegionWarp(nn.Module):
    """Interpolated values at height x width places of regions, from their upper left corners on; 0 beyond the map.

    Regions are rows (image, xmin, ymin, xmax, ymax) in pixels of the image; on the map their corners are rounded.

    Args:
        height, width: the number of places along each axis.
        scale: pixels of the map per pixel of the image.

    Source: daijifeng001/caffe-mnc src/caffe/layers/roi_warping_layer.cu, ROIWarpingForward.
    """

    def __init__(self, height: int, width: int, scale: float = 1):
        super().__init__()
        self.height, self.width, self.scale = height, width, scale

    def forward(self, features: Tensor, regions: Tensor) -> Tensor:
        regions = region_rows(features, regions)
        if features.is_meta or not len(regions):
            return features.new_empty((len(regions), features.shape[1], self.height, self.width))
        corners = rounded_away(regions[:, 1:].float() * self.scale)
        tops = []
        for image, (left, upper, right, lower) in zip(regions[:, 0].int().tolist(), corners, strict=True):
            x = left + torch.arange(self.width, device=corners.device) * ((right - left).clamp(min=0) / self.width)
            y = upper + torch.arange(self.height, device=corners.device) * ((lower - upper).clamp(min=0) / self.height)
            tops.append(_inside(features[image], y, x))
        return torch.stack(tops)

    def extra_repr(self) -> str:
        return f"{self.height}, {self.width}, scale={self.scale}"


class MaskResize(nn.Module):
    """Bilinear resizing that aligns the upper left corners; 0 more than half a pixel beyond the last row or column.

    Source: daijifeng001/caffe-mnc src/caffe/layers/mask_resize_layer.cu, MaskResizeForward.
    """

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self.size = size

    def forward(self, bottom: Tensor) -> Tensor:
        y, x = (
            torch.arange(size, device=bottom.device) * (length / size)
            for size, length in zip(self.size, bottom.shape[2:], strict=True)
        )
        return _inside(bottom.flatten(0, 1), y, x).reshape(*bottom.shape[:2], *self.size)

    def extra_repr(self) -> str:
        return f"{self.size}"


class Squared(nn.Module):
    """Rows of values as square maps: (batch, side * side, ...) becomes (batch, 1, side, side).

    Source: daijifeng001/MNC lib/pylayer/mask_layer.py, forward_test; lib/mnc_config.py, MASK_SIZE, for a side of 21.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        count = math.prod(bottom.shape[1:])
        side = math.isqrt(count)
        if side * side != count:
            raise RuntimeError(f"{count} values are no square mask")
        return bottom.reshape(len(bottom), 1, side, side)


class NextRegions(nn.Module):
    """The regions of the next stage: each moved as its best class states, and clipped to the image.

    Source: daijifeng001/MNC lib/pylayer/stage_bridge_layer.py, forward_test.
    """

    def forward(self, regions: Tensor, offsets: Tensor, scores: Tensor, info: Tensor) -> Tensor:
        """Regions (n, 5), offsets (n, 4 * classes), scores (n, classes) and (1, height, width, ...) of the image."""
        corners = region_rows(regions, regions)[:, 1:]
        classes = scores.flatten(1).shape[1]
        if offsets.flatten(1).shape != (len(corners), 4 * classes) or len(scores) != len(corners):
            raise RuntimeError(f"{classes} classes need {4 * classes} offsets for each region")
        best = scores.flatten(1).argmax(1)
        chosen = offsets.reshape(len(corners), classes, 4)[torch.arange(len(corners), device=best.device), best]
        last = info.flatten()[[1, 0, 1, 0]] - 1
        boxes = moved(corners, chosen).minimum(last).clamp(min=0)
        return torch.cat([torch.zeros_like(boxes[:, :1]), boxes], 1)


def _inside(plane: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Bilinear interpolation at rows y and columns x, 0 more than half a pixel outside of the plane."""
    rows, columns = ((at >= -0.5) & (at <= size - 0.5) for at, size in zip((y, x), plane.shape[1:], strict=True))
    return interpolated(plane, y, x) * (rows[:, None] & columns)
