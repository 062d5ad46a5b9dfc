"""Modules that read an image at computed positions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.warping import read_bilinearly

Size = tuple[int, int]


class Remap(nn.Module):
    """Each pixel of the top is the first bottom at the column and row that the second states, interpolated.

    What lies outside of the image is 0. The top has the second bottom's height and width.

    Source: tinghuiz/appearance-flow caffe/src/caffe/layers/remap_layer.cpp, Forward_cpu.
    """

    def forward(self, image: Tensor, places: Tensor) -> Tensor:
        if places.shape[1] != 2 or len(places) != len(image):
            raise RuntimeError("the second bottom must have as many images, and 2 channels: columns and rows")
        return read_bilinearly(image, places[:, 0], places[:, 1])


class Resize(nn.Module):
    """Interpolate linearly along the last two axes, with aligned corners; before it shrinks, a tent filter blurs.

    Args:
        size: (height, width) of the top, None for an axis whose size a scale or a second bottom gives.
        scale: (height, width), factors of the distances between the first and last pixels; None where not stated.
        crop: (height, width), pixels cut off at both ends.

    Source: tinghuiz/appearance-flow caffe/src/caffe/layers/resize_layer.cpp, Reshape and Forward_cpu.
    """

    def __init__(
        self,
        size: tuple[int | None, int | None] = (None, None),
        scale: tuple[float | None, float | None] = (None, None),
        crop: tuple[float, float] = (0, 0),
    ):
        super().__init__()
        self.size, self.scale, self.crop = tuple(size), tuple(scale), tuple(crop)

    def forward(self, bottom: Tensor, like: Tensor | None = None) -> Tensor:
        matrices = []
        for axis in (0, 1):
            length, crop = bottom.shape[axis - 2], self.crop[axis]
            span = length - 2 * crop - 1
            made, scale = self.size[axis], self.scale[axis]
            if like is not None:
                made = like.shape[axis - 2]
            if scale is None and made is not None and span > 0:
                scale = (made - 1) / span
            if scale is None or scale <= 0:
                raise RuntimeError("an axis of one pixel, or one cut to a pixel, cannot be resized")
            if made is None:
                made = int(scale * span + 1.5)
            matrices.append(_interpolation(length, made, scale, crop).to(bottom))
        rows, columns = matrices
        return torch.matmul(torch.matmul(rows, bottom), columns.t())

    def extra_repr(self) -> str:
        return f"{self.size}, scale={self.scale}, crop={self.crop}"


class CornerResize(nn.Module):
    """Interpolate linearly along the last two axes, with the first corner at the first corner.

    A pixel behind the last one is 0, so that the last pixels are darker where their places are between two.

    Args:
        size: (height, width) of the top.
        factors: (height, width), in place of the size.

    Source: Liusifei/caffe-lowlevel src/caffe/util/util_img.cpp, BiLinearResizeMat_cpu.
    """

    def __init__(self, size: Size = (0, 0), factors: tuple[float, float] | None = None):
        super().__init__()
        self.size, self.factors = tuple(size), factors

    def forward(self, bottom: Tensor) -> Tensor:
        matrices = []
        for axis in (0, 1):
            length = bottom.shape[axis - 2]
            made = self.size[axis] if self.factors is None else int(self.factors[axis] * length)
            if not made:
                raise RuntimeError(f"no pixel is left of {length}")
            places = torch.arange(made, dtype=torch.float64) * (length / made)
            low = places.floor().long()
            # One column more, for what lies behind the last pixel.
            weights = torch.zeros(made, length + 1, dtype=torch.float64)
            weights[torch.arange(made), low] = 1 - (places - low)
            weights[torch.arange(made), low + 1] = places - low
            matrices.append(weights[:, :length].to(bottom))
        rows, columns = matrices
        return torch.matmul(torch.matmul(rows, bottom), columns.t())

    def extra_repr(self) -> str:
        return f"{self.size}, factors={self.factors}"


def _interpolation(length: int, made: int, scale: float, crop: float) -> Tensor:
    """The weights (made, length) of pixels for those of the top."""
    places = (torch.arange(made, dtype=torch.float64) / scale + crop).clamp(0, length - 1)
    low = places.floor().long()
    weights = torch.zeros(made, length, dtype=torch.float64)
    index = torch.arange(made)
    weights[index, low] += 1 - (places - low)
    weights[index, (low + 1).clamp(max=length - 1)] += places - low
    if scale >= 1:
        return weights
    radius = 1 / max(scale, 0.01)
    whole = int(radius)
    tent = torch.zeros(length, length, dtype=torch.float64)
    pixels = torch.arange(length)
    tent[pixels, pixels] += radius
    for distance in range(1, math.ceil(radius)):
        for other in (pixels - distance, pixels + distance):
            tent[pixels, other.clamp(0, length - 1)] += radius - distance
    return weights @ (tent / ((2 * whole + 1) * radius - whole * (whole + 1)))


class Normalized(nn.Module):
    """Subtract a mean from each channel and multiply by a factor.

    Args:
        mean: of each channel, or one for all; none for 0.
        factor: of the differences.

    Source: tinghuiz/appearance-flow caffe/src/caffe/layers/transformation_layer.cpp, Forward_cpu, without a crop.
    """

    mean: Tensor

    def __init__(self, mean: Sequence[float] = (), factor: float = 1):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean or [0.0]), persistent=False)
        self.factor = factor

    def forward(self, bottom: Tensor) -> Tensor:
        return (bottom - self.mean[:, None, None].to(bottom.dtype)) * self.factor

    def extra_repr(self) -> str:
        return f"{self.mean.tolist()}, {self.factor}"


class Positions(nn.Module):
    """The column and the row of each pixel: (batch, 2, height, width).

    Source: tinghuiz/appearance-flow caffe/python/python_layers.py, Meshgrid.
    """

    def __init__(self, batch: int, height: int, width: int):
        super().__init__()
        self.batch, self.height, self.width = batch, height, width
        # It is on the device of the module, and not among its weights.
        self.register_buffer("grid", torch.stack(list(self._grid())), persistent=False)

    def _grid(self) -> Sequence[Tensor]:
        rows, columns = torch.meshgrid(torch.arange(self.height), torch.arange(self.width), indexing="ij")
        return columns.float(), rows.float()

    def forward(self) -> Tensor:
        return self.get_buffer("grid").repeat(self.batch, 1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.batch}, {self.height}, {self.width}"


class MeanPixels(Positions):
    """The mean of ImageNet's images at each pixel, in BGR: (batch, 3, height, width).

    Source: tinghuiz/appearance-flow caffe/python/python_layers.py, MeanVals.
    """

    def _grid(self) -> Sequence[Tensor]:
        return [torch.full((self.height, self.width), value) for value in (104.0, 117.0, 123.0)]
