"""Convolution whose pad differs between opposite sides."""

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
