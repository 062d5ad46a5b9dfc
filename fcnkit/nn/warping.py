"""Modules that read blobs at positions that other blobs state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn


def read_bilinearly(image: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The values of an image at positions between its pixels; pixels outside of it count as 0.

    Args:
        image: (batch, channels, H, W).
        x, y: (batch, height, width), the columns and rows in pixels of the image.

    Returns:
        (batch, channels, height, width).
    """
    batch, channels, height, width = image.shape
    pixels = image.flatten(2)
    left, upper = x.detach().floor(), y.detach().floor()
    total = image.new_zeros(())
    for column, row in ((left, upper), (left + 1, upper), (left, upper + 1), (left + 1, upper + 1)):
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        weight = torch.where(inside, (1 - (x - column).abs()) * (1 - (y - row).abs()), 0.0)
        index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).nan_to_num().long()
        places = index.reshape(batch, 1, x.shape[1] * x.shape[2]).expand(-1, channels, -1)
        total = total + weight[:, None] * pixels.gather(2, places).reshape(batch, channels, *x.shape[1:])
    return total


class Warp(nn.Module):
    """Move an image: each pixel is read, bilinearly, at the position that a field states for it.

    The field is a bottom of 2 channels, x and y in pixels, or two bottoms of 1.

    Args:
        absolute: whether the field states positions; else displacements from each pixel.
        border: "pixels" where pixels outside of the image count as 0; "inside" where all is 0 that is read at a
            position outside of the centres of the image's pixels; "below" where the last row and column are out too.

    Source: NVlabs/PWC-Net Caffe/warping_code/warp_layer.cu; twhui/LiteFlowNet src/caffe/layers/warp_layer.cu;
    bryanyzhu/Hidden-Two-Stream src/caffe/layers/flow_transformer_layer.cu; Ravi-Garg/Unsupervised_Depth_Estimation
    src/caffe/layers/warping_layer.cu.
    """

    def __init__(self, absolute: bool = False, border: Literal["pixels", "inside", "below"] = "pixels"):
        super().__init__()
        self.absolute, self.border = absolute, border

    def forward(self, image: Tensor, *field: Tensor) -> Tensor:
        whole = torch.cat(field, 1)
        height, width = image.shape[2:]
        if whole.shape[:2] != (image.shape[0], 2) or not (self.absolute or whole.shape[2:] == image.shape[2:]):
            raise RuntimeError("the field must have 2 channels, and the size of the image")
        x, y = whole.unbind(1)
        if not self.absolute:
            x = x + torch.arange(width, device=x.device, dtype=x.dtype)
            y = y + torch.arange(height, device=y.device, dtype=y.dtype)[:, None]
        top = read_bilinearly(image, x, y)
        if self.border == "pixels":
            return top
        inside = (x >= 0) & (y >= 0)
        if self.border == "inside":
            inside = inside & (x <= width - 1) & (y <= height - 1)
        else:
            inside = inside & (x < width - 1) & (y < height - 1)
        return torch.where(inside[:, None], top, 0.0)

    def extra_repr(self) -> str:
        return f"absolute={self.absolute}, border={self.border}"


class Grid(nn.Module):
    """The column and the row of each pixel of a bottom, as 2 channels.

    Source: twhui/LiteFlowNet src/caffe/layers/grid_layer.cpp.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        batch, _, height, width = bottom.shape
        rows = torch.arange(height, device=bottom.device, dtype=bottom.dtype)[:, None].expand(height, width)
        columns = torch.arange(width, device=bottom.device, dtype=bottom.dtype).expand(height, width)
        return torch.stack([columns, rows]).expand(batch, 2, height, width)


class PixelColumns(nn.Module):
    """The values of several maps, one after the other, at pixels of the image that a list names.

    The list is (pixels, 3): the item, the row and the column. Maps are read bilinearly; before the first pixel they
    have its value.

    Args:
        rates: for each map, the pixels of the image between two of its own.
        padded: whether a pixel of a map lies at the middle of those, not at the first.

    Source: aayushbansal/PixelNet tools/caffe/src/caffe/layers/rand_bi_layer.cpp.
    """

    def __init__(self, rates: Sequence[int], padded: bool = False):
        super().__init__()
        self.rates, self.padded = tuple(rates), padded

    def forward(self, *bottoms: Tensor) -> Tensor:
        *maps, pixels = bottoms
        item = pixels[:, 0].long()
        tops = []
        for each, rate in zip(maps, self.rates, strict=True):
            shift = (rate - 1) / 2 if self.padded else 0.0
            y, x = (((pixels[:, axis] - shift) / rate).clamp(min=0) for axis in (1, 2))
            up, left, down, right = (place.long() for place in (y.floor(), x.floor(), y.ceil(), x.ceil()))
            alpha, beta = (x - left)[:, None], (y - up)[:, None]
            upper = (1 - alpha) * each[item, :, up, left] + alpha * each[item, :, up, right]
            lower = (1 - alpha) * each[item, :, down, left] + alpha * each[item, :, down, right]
            tops.append((1 - beta) * upper + beta * lower)
        return torch.cat(tops, 1)

    def extra_repr(self) -> str:
        return f"{self.rates}, padded={self.padded}"
