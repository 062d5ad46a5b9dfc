"""Modules of nets for optical flow and stereo."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Correlation(nn.Module):
    """Compare squares of one bottom with displaced squares of another, one channel for each displacement.

    Displacements (dy, dx) are multiples of stride_2 up to max_displacement, row by row. A value is the mean over the
    channels and the square of the products of both bottoms, or of their absolute differences.

    Args:
        kernel: the side of the squares, odd, in pixels like all further numbers.
        max_displacement: the largest displacement, which is also cut off at each border of the padded bottoms.
        pad: zeros around both bottoms.
        stride_1, stride_2: distances of the squares, and of the displacements.
        subtract: absolute differences in place of products.
        vertical: whether squares are also displaced, padded and cut off vertically; Correlation1D does none of it.
        direction: -1 or 1 for displacements to the left or the right only, 0 for both.

    Source: lmb-freiburg/flownet2 src/caffe/layers/correlation_layer.cu, correlation_layer1d.cu.
    """

    def __init__(
        self,
        kernel: int,
        max_displacement: int,
        pad: int = 0,
        stride_1: int = 1,
        stride_2: int = 1,
        subtract: bool = False,
        vertical: bool = True,
        direction: int = 0,
    ):
        super().__init__()
        self.kernel, self.max_displacement, self.pad = kernel, max_displacement, pad
        self.stride_1, self.stride_2 = stride_1, stride_2
        self.subtract, self.vertical, self.direction = subtract, vertical, direction

    def displacements(self) -> tuple[list[int], list[int]]:
        """Those along height and width, in pixels."""
        reach = self.max_displacement // self.stride_2
        # To the left the fork leaves the displacement 0 out, and has one more than max_displacement in exchange.
        first, last = {-1: (-reach - 1, -1), 0: (-reach, reach), 1: (0, reach)}[self.direction]
        columns = [self.stride_2 * step for step in range(first, last + 1)]
        rows = [self.stride_2 * step for step in range(-reach, reach + 1)] if self.vertical else [0]
        return rows, columns

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        if first.shape != second.shape:
            raise RuntimeError("both bottoms must have equal shapes")
        around = (self.pad, self.pad, *(self.pad, self.pad) * self.vertical)
        first = F.pad(first, around)
        rows, columns = self.displacements()
        top, left = self.max_displacement * self.vertical, self.max_displacement
        height, width = first.shape[2] - 2 * top, first.shape[3] - 2 * left
        if min(height, width) < self.kernel:
            raise RuntimeError("the displacements and the kernel do not fit into the padded bottoms")
        # A displacement to the left can begin before the padding, in memory of the row before; it is read as 0 here.
        beyond = max(0, -(left + columns[0]))
        second = F.pad(F.pad(second, around), (beyond, 0))
        first = first[:, :, top : top + height, left : left + width]
        tops = []
        for row in rows:
            for column in columns:
                start = left + column + beyond
                other = second[:, :, top + row : top + row + height, start : start + width]
                tops.append(self._compare(first, other).mean(1))
        squares = torch.stack(tops, 1)
        return F.avg_pool2d(squares, self.kernel, self.stride_1, ceil_mode=False)

    def _compare(self, first: Tensor, second: Tensor) -> Tensor:
        if not self.subtract:
            return first * second
        difference = first - second
        # Unlike that of abs, the gradient at 0 is Caffe's, 1.
        return torch.where(difference >= 0, difference, -difference)

    def extra_repr(self) -> str:
        return f"{self.kernel}, {self.max_displacement}, pad={self.pad}, strides={self.stride_1, self.stride_2}"


class FlowWarp(nn.Module):
    """Move an image by a flow: each pixel is read, bilinearly, at its own position plus its flow (x, y) in pixels.

    Args:
        fill: the value of pixels that are read outside of the image.

    Source: lmb-freiburg/flownet2 src/caffe/layers/flow_warp_layer.cpp, Forward_cpu.
    """

    def __init__(self, fill: float = 0.0):
        super().__init__()
        self.fill = fill

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        batch, channels, height, width = image.shape
        if flow.shape != (batch, 2, height, width):
            raise RuntimeError("the flow must have 2 channels, and the size of the image")
        x = torch.arange(width, device=flow.device, dtype=flow.dtype) + flow[:, 0]
        y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None] + flow[:, 1]
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        x, y = torch.where(inside, x, 0.0), torch.where(inside, y, 0.0)
        left, upper = x.detach().floor(), y.detach().floor()
        alpha, beta = (x - left)[:, None], (y - upper)[:, None]
        pixels = image.flatten(2)

        def at(row: Tensor, column: Tensor) -> Tensor:
            index = row.clamp(max=height - 1).long() * width + column.clamp(max=width - 1).long()
            index = index.reshape(batch, 1, height * width).expand(-1, channels, -1)
            return pixels.gather(2, index).reshape(image.shape)

        upper_row = (1 - alpha) * at(upper, left) + alpha * at(upper, left + 1)
        lower_row = (1 - alpha) * at(upper + 1, left) + alpha * at(upper + 1, left + 1)
        return torch.where(inside[:, None], (1 - beta) * upper_row + beta * lower_row, self.fill)

    def extra_repr(self) -> str:
        return f"fill={self.fill}"


class Accum(nn.Module):
    """Enlarge all bottoms to one size, bilinearly with aligned corners, and join their channels.

    Args:
        size: (height, width) of the top where it is larger than all bottoms along both axes.
        multiple: take the next multiples of this number above the largest bottom as the size; 0 for none.
        reference: whether the last bottom gives the size, and nothing else.

    Source: lmb-freiburg/flownet2 src/caffe/layers/accum_layer.cpp, Reshape.
    """

    def __init__(self, size: Sequence[int] = (0, 0), multiple: int = 0, reference: bool = False):
        super().__init__()
        self.size, self.multiple, self.reference = tuple(size), multiple, reference

    def forward(self, *bottoms: Tensor) -> Tensor:
        if self.reference:
            *bottoms, like = bottoms  # type: ignore[assignment]
            size = tuple(like.shape[2:])
        else:
            largest = tuple(max(bottom.shape[axis] for bottom in bottoms) for axis in (2, 3))
            size = tuple(-(-side // self.multiple) * self.multiple for side in largest) if self.multiple else self.size
            if any(side <= most for side, most in zip(size, largest, strict=True)):
                size = largest
        tops = [F.interpolate(bottom, size, mode="bilinear", align_corners=True) for bottom in bottoms]
        return torch.cat(tops, 1)

    def extra_repr(self) -> str:
        return f"size={self.size}, multiple={self.multiple}, reference={self.reference}"


class ChannelNorm(nn.Module):
    """The length of the vector of channels at each pixel.

    Source: lmb-freiburg/flownet2 src/caffe/layers/channel_norm_layer.cu.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(bottom, dim=1, keepdim=True)
        return norm


class Mean(nn.Module):
    """Add values to the channels, in turn where there are more channels than values.

    Args:
        values: what to add.
        input_scale, output_scale: factors before and after.

    Source: lmb-freiburg/flownet2 src/caffe/layers/mean_layer.cpp.
    """

    def __init__(self, values: Sequence[float], input_scale: float = 1.0, output_scale: float = 1.0):
        super().__init__()
        self.values, self.input_scale, self.output_scale = tuple(values), input_scale, output_scale

    def forward(self, bottom: Tensor) -> Tensor:
        channels = bottom.shape[1]
        if channels % len(self.values):
            raise RuntimeError(f"{len(self.values)} values do not fit {channels} channels")
        values = bottom.new_tensor(self.values * (channels // len(self.values)))
        shift = values.reshape(-1, *(1,) * (bottom.dim() - 2))
        return self.output_scale * (self.input_scale * bottom + shift)

    def extra_repr(self) -> str:
        return f"{self.values}, {self.input_scale}, {self.output_scale}"


class NegReLU(nn.Module):
    """min(x, 0), or slope * x above 0.

    Source: lmb-freiburg/flownet2 src/caffe/layers/neg_relu_layer.cpp.
    """

    def __init__(self, slope: float = 0.0):
        super().__init__()
        self.slope = slope

    def forward(self, bottom: Tensor) -> Tensor:
        return torch.where(bottom < 0, bottom, self.slope * bottom)

    def extra_repr(self) -> str:
        return f"{self.slope}"


class NegSquare(nn.Module):
    """-x * x.

    Source: twhui/LiteFlowNet src/caffe/layers/negsquare_layer.cu.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return -bottom * bottom


class ExpMax(nn.Module):
    """factor * exp(scale * x), with x less the largest value of each pixel's channels.

    Source: twhui/LiteFlowNet src/caffe/layers/expmax_layer.cu.
    """

    def __init__(self, scale: float = 1.0, factor: float = 1.0):
        super().__init__()
        self.scale, self.factor = scale, factor

    def forward(self, bottom: Tensor) -> Tensor:
        return self.factor * (self.scale * (bottom - bottom.amax(1, keepdim=True))).exp()

    def extra_repr(self) -> str:
        return f"{self.scale}, {self.factor}"


class MeanSubtraction(nn.Module):
    """The inference of DataAugmentation: cut out the middle, and subtract a mean.

    Args:
        channels: of the bottom.
        size: (height, width) of the part to cut out; () for all.
        pixelwise: whether the mean is of each pixel, of the given plane, instead of one number for each channel.
        plane: (height, width) of that mean.
        values: the mean by channel where the definition states it.

    Source: lmb-freiburg/flownet2 src/caffe/layers/data_augmentation_layer.cpp and .cu.
    """

    def __init__(
        self,
        channels: int,
        size: Sequence[int] = (),
        pixelwise: bool = False,
        plane: Sequence[int] = (1, 1),
        values: Sequence[float] = (),
    ):
        super().__init__()
        self.size, self.pixelwise = tuple(size), pixelwise
        # Caffe counts the images that the mean was taken from.
        self.register_buffer("iterations", torch.zeros(1, 1, 1, 1))
        self.register_buffer("mean_of_pixels", torch.zeros(1, channels, *plane))
        self.register_buffer("mean", torch.tensor(values or [0.0] * channels).reshape(1, channels, 1, 1))

    def forward(self, bottom: Tensor) -> Tensor:
        if self.size:
            spare = [length - side for length, side in zip(bottom.shape[2:], self.size, strict=True)]
            if min(spare) < 0 or any(length % 2 for length in spare):
                raise RuntimeError(f"the part {self.size} must be smaller than the image by even numbers")
            for axis, length in zip((2, 3), spare, strict=True):
                bottom = bottom.narrow(axis, length // 2, bottom.shape[axis] - length)
        mean = self.mean_of_pixels if self.pixelwise else self.mean
        assert isinstance(mean, Tensor)
        return bottom - mean

    def extra_repr(self) -> str:
        return f"size={self.size}, pixelwise={self.pixelwise}"
