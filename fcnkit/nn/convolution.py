"""Convolutions that PyTorch lacks: other pads on opposite sides, filters for each pixel, taps that move."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.aliases import Pair
from fcnkit.nn.pooling import Sides, same_sides


class PaddedConv2d(nn.Module):
    """A convolution with a pad for each side.

    Args:
        channels, num_output, kernel, stride, dilation, groups, bias: as of nn.Conv2d.
        sides: zeros at the top, bottom, left and right; None for `same_sides`.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/conv_layer.cpp, compute_output_shape.
    """

    def __init__(
        self,
        channels: int,
        num_output: int,
        kernel: Pair,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        groups: int = 1,
        bias: bool = True,
        sides: Sides | None = None,
    ):
        super().__init__()
        self.stride, self.dilation, self.groups, self.sides = stride, dilation, groups, sides
        self.weight = nn.Parameter(torch.empty(num_output, channels // groups, *kernel))
        self.bias = nn.Parameter(torch.empty(num_output)) if bias else None

    def forward(self, bottom: Tensor) -> Tensor:
        spans = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.weight.shape[2:], strict=True)]
        above, below, left, right = self.sides or same_sides(bottom.shape[2:], spans, self.stride)
        padded = F.pad(bottom, (left, right, above, below))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, stride={self.stride}, dilation={self.dilation}, sides={self.sides}"


class Local2d(nn.Module):
    """Filters that slide over a blob, with weights of their own at each place.

    Args:
        channels, num_output: of the bottom and the top.
        size: (height, width) of the bottom.
        kernel, stride, pad: for both axes.

    weight: (num_output, 1, channels * kernel * kernel, places), bias: (1, 1, num_output, places), where the values of
    a window are in the order channel, row, column, and places are in the order row, column.

    Source: happynear/caffe-windows src/caffe/layers/local_layer.cpp, LayerSetUp and Forward_cpu.
    """

    def __init__(
        self,
        channels: int,
        num_output: int,
        size: Pair,
        kernel: int,
        stride: int = 1,
        pad: int = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.kernel, self.stride, self.pad = kernel, stride, pad
        self.size = tuple((side + 2 * pad - kernel) // stride + 1 for side in size)
        places = self.size[0] * self.size[1]
        self.weight = nn.Parameter(torch.empty(num_output, 1, channels * kernel**2, places))
        self.bias = nn.Parameter(torch.empty(1, 1, num_output, places)) if bias else None

    def forward(self, bottom: Tensor) -> Tensor:
        windows = F.unfold(bottom, self.kernel, 1, self.pad, self.stride)
        if windows.shape[2] != self.weight.shape[3]:
            raise RuntimeError(f"the filters are for a top of {self.size[0]} x {self.size[1]} pixels")
        top = torch.einsum("nkp,okp->nop", windows, self.weight[:, 0])
        biased = top if self.bias is None else top + self.bias[0]
        return biased.reshape(*biased.shape[:2], *self.size)

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, kernel={self.kernel}, stride={self.stride}, pad={self.pad}"


class DeformableConv2d(nn.Module):
    """A convolution that reads each tap, bilinearly, at a place moved by its own offset; 0 outside of the bottom.

    Within the last row or column and half open beyond, values are those of the last row or column.

    Args:
        channels, filters: of the bottom and the top.
        kernel, stride, pad, dilation: pairs.
        groups: of the filters.
        parts: groups of channels of the bottom, each with its own offsets.
        bias: whether the top gets one.

    Source: unsky/Deformable-ConvNets-caffe caffe/src/caffe/util/deformable_im2col.cu, deformable_im2col_gpu_kernel.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: Pair,
        stride: Pair,
        pad: Pair,
        dilation: Pair,
        groups: int = 1,
        parts: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.kernel, self.stride, self.pad, self.dilation = kernel, stride, pad, dilation
        self.groups, self.parts = groups, parts
        self.weight = nn.Parameter(torch.empty(filters, channels // groups, *kernel))
        self.bias = nn.Parameter(torch.empty(filters)) if bias else None

    def forward(self, bottom: Tensor, offsets: Tensor) -> Tensor:
        """The top of a bottom (batch, channels, H, W).

        Args:
            bottom: the bottom.
            offsets: (batch, parts * taps * 2, H, W): down and right by tap. A top of another size reads those of an
                image one after the other, as if they had its size.
        """
        batch, channels, *size = bottom.shape
        height, width = (
            (length + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for length, kernel, stride, pad, dilation in zip(
                size, self.kernel, self.stride, self.pad, self.dilation, strict=True
            )
        )
        taps = self.kernel[0] * self.kernel[1]
        if offsets.shape != (batch, self.parts * taps * 2, *size) or height * width > size[0] * size[1]:
            wanted = f"be as large as the bottom and have {self.parts * taps * 2} channels"
            raise RuntimeError(f"the offsets must {wanted}, and the top, {height} x {width}, no larger")
        read = offsets.flatten(1)[:, : self.parts * taps * 2 * height * width]
        moves = read.reshape(batch, self.parts, taps, 2, height, width)
        rows, columns = (self._places(axis, length) for axis, length in ((0, height), (1, width)))
        y = moves[:, :, :, 0] + rows.to(bottom).repeat_interleave(self.kernel[1], 0)[:, :, None]
        x = moves[:, :, :, 1] + columns.to(bottom).repeat(self.kernel[0], 1)[:, None]
        taken = _read(bottom.reshape(batch, self.parts, channels // self.parts, *size), y, x)
        values = taken.reshape(batch, self.groups, channels // self.groups * taps, height * width)
        filters = self.weight.reshape(self.groups, -1, channels // self.groups * taps)
        top = torch.einsum("gok,bgkp->bgop", filters, values).reshape(batch, len(self.weight), height, width)
        return top if self.bias is None else top + self.bias[:, None, None]

    def _places(self, axis: int, length: int) -> Tensor:
        """Where the taps along an axis lie without offsets: (kernel, length)."""
        taps = torch.arange(self.kernel[axis]) * self.dilation[axis] - self.pad[axis]
        return taps[:, None] + torch.arange(length) * self.stride[axis]

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, stride={self.stride}, pad={self.pad}, dilation={self.dilation}"


def _read(planes: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Planes (batch, parts, channels, H, W) read at places (batch, parts, taps, height, width) of each part.

    Returns:
        (batch, parts, channels, taps * height * width).
    """
    height, width = planes.shape[3:]
    inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.detach().floor(), x.detach().floor()
    pixels = planes.flatten(3)

    def at(row: Tensor, column: Tensor, share: Tensor) -> Tensor:
        index = (row.clamp(max=height - 1) * width + column.clamp(max=width - 1)).nan_to_num().long().flatten(2)
        found = pixels.gather(3, index[:, :, None].expand(-1, -1, planes.shape[2], -1))
        return found * torch.where(inside, share, 0).flatten(2)[:, :, None]

    low, right = y - top, x - left
    return (
        at(top, left, (1 - low) * (1 - right))
        + at(top, left + 1, (1 - low) * right)
        + at(top + 1, left, low * (1 - right))
        + at(top + 1, left + 1, low * right)
    )
