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
