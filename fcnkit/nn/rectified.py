"""Rectifiers that make more channels, or learn their shape."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CReLU(nn.Module):
    """The channels, and behind them the channels of the bottom times -1, each after a ReLU.

    Args:
        axis: of the channels.
        slope: the factor of negative values.

    Source: winggan/caffe src/caffe/layers/crelu_layer.cpp; Cambricon/caffe, the same file, for the axis and the slope.
    """

    def __init__(self, axis: int = 1, slope: float = 0):
        super().__init__()
        self.axis, self.slope = axis, slope

    def forward(self, bottom: Tensor) -> Tensor:
        return F.leaky_relu(torch.cat([bottom, -bottom], self.axis), self.slope)

    def extra_repr(self) -> str:
        return f"axis={self.axis}, slope={self.slope}"


class PiecewiseLinear(nn.Module):
    """max(x, 0) and, for each value of an item, a sum of learned slopes times max(offset - x, 0).

    Args:
        values: the number of values in an item.
        hinges: the number of slopes for each.

    Source: forestagostinelli/Learned-Activation-Functions-Source src/caffe/layers/apl_layer.cpp, Forward_cpu.
    """

    def __init__(self, values: int, hinges: int = 1):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(values, hinges))
        self.offset = nn.Parameter(torch.zeros(values, hinges))

    def forward(self, bottom: Tensor) -> Tensor:
        flat = bottom.flatten(1)
        if flat.shape[1] != len(self.weight):
            raise RuntimeError(f"an item has {flat.shape[1]} values, and there are weights for {len(self.weight)}")
        top = F.relu(flat)
        for weight, offset in zip(self.weight.unbind(1), self.offset.unbind(1), strict=True):
            top = top + weight * F.relu(offset - flat)
        return top.reshape(bottom.shape)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, hinges={self.weight.shape[1]}"
