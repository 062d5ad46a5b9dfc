"""Modules that scale or shift a blob along some of its axes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def broadcast(values: Tensor, bottom: Tensor, axis: int) -> Tensor:
    """Append to values, whose axes match those of bottom from `axis` on, the axes that broadcasting needs.

    Raises:
        RuntimeError: the sizes along those axes differ; Caffe does not broadcast along them.

    Source: BVLC/caffe src/caffe/layers/bias_layer.cpp, Reshape.
    """
    if not values.dim():
        return values  # one value for all: the axis does not matter
    start = axis % bottom.dim()
    along = bottom.shape[start : start + values.dim()]
    if values.shape != along:
        raise RuntimeError(f"the shape {tuple(values.shape)} must be that of the bottom from axis {start} on")
    return values.reshape(values.shape + (1,) * (bottom.dim() - start - values.dim()))


class Bias(nn.Module):
    """Add a bias along some axes of a bottom.

    Args:
        shape: shape of the bias, or None if a second bottom replaces it.
        axis: the bottom's axis that corresponds to the first axis of the bias.

    Source: BVLC/caffe src/caffe/layers/bias_layer.cpp.
    """

    def __init__(self, shape: Sequence[int] | None, axis: int = 1):
        super().__init__()
        self.axis = axis
        self.bias = None if shape is None else nn.Parameter(torch.zeros(tuple(shape)))

    def forward(self, bottom: Tensor, bias: Tensor | None = None) -> Tensor:
        if bias is None:
            bias = self.bias
        assert bias is not None
        return bottom + broadcast(bias, bottom, self.axis)

    def extra_repr(self) -> str:
        return f"bias={None if self.bias is None else tuple(self.bias.shape)}, axis={self.axis}"


class Scale(nn.Module):
    """Multiply a bottom by weights along some of its axes, and add a bias.

    Args:
        shape: shape of the weight, or None if a second bottom replaces it.
        axis: the bottom's axis that corresponds to the first axis of the weight.
        bias: shape of the bias, or None for no bias.

    Source: BVLC/caffe src/caffe/layers/scale_layer.cpp.
    """

    def __init__(self, shape: Sequence[int] | None, axis: int = 1, bias: Sequence[int] | None = None):
        super().__init__()
        self.axis = axis
        self.weight = None if shape is None else nn.Parameter(torch.ones(tuple(shape)))
        self.bias = None if bias is None else nn.Parameter(torch.zeros(tuple(bias)))

    def forward(self, bottom: Tensor, factor: Tensor | None = None) -> Tensor:
        if factor is None:
            factor = self.weight
        assert factor is not None
        result = bottom * broadcast(factor, bottom, self.axis)
        return result if self.bias is None else result + broadcast(self.bias, bottom, self.axis)

    def extra_repr(self) -> str:
        shapes = [None if p is None else tuple(p.shape) for p in (self.weight, self.bias)]
        return f"weight={shapes[0]}, bias={shapes[1]}, axis={self.axis}"


class Axpy(nn.Module):
    """Multiply the channels of x by factors (batch, channels) or (batch, channels, 1, 1), and add y.

    Source: hujie-frank/SENet src/caffe/layers/axpy_layer.cpp.
    """

    def forward(self, factors: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if x.shape != y.shape:
            raise RuntimeError("the second and the third bottom must have equal shapes")
        if factors.shape[:2] != x.shape[:2] or factors.shape[2:].numel() != 1:
            raise RuntimeError("the first bottom must have a number for each channel of each item")
        return factors.reshape(factors.shape[:2] + (1,) * (x.dim() - 2)) * x + y


class MovingAverageNorm(nn.Module):
    """Mean 0 and variance 1 of each channel, by moving averages in eval mode, then a weight and a bias.

    Args:
        channels: of the bottom.
        eps: added to the variance of a batch in training; nothing is added to the moving average.
        momentum: the share of a batch's statistics in the moving averages. Variances are those of the batch itself.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/layers/bn_layer.cpp, Forward_cpu.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-10, momentum: float = 0.05):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, bottom: Tensor) -> Tensor:
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = bottom.mean((0, 2, 3)), bottom.var((0, 2, 3), correction=0)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach(), self.momentum)
            variance = variance + self.eps
        shape = (1, -1, 1, 1)
        factor = (self.weight / variance.sqrt()).view(shape)
        return (bottom - mean.view(shape)) * factor + self.bias.view(shape)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, eps={self.eps}, momentum={self.momentum}"
