"""Normalizations that PyTorch lacks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LRNWithinChannel(nn.Module):
    """Local response normalization over a square window of each channel.

    bottom * (1 + alpha * mean of squares) ** -beta, where the mean counts zero padding.

    Source: BVLC/caffe src/caffe/layers/lrn_layer.cpp, WithinChannelForward.
    """

    def __init__(self, size: int, alpha: float, beta: float):
        super().__init__()
        self.size, self.alpha, self.beta = size, alpha, beta

    def forward(self, bottom: Tensor) -> Tensor:
        mean = F.avg_pool2d(bottom * bottom, self.size, stride=1, padding=self.size // 2)
        return bottom * (1 + self.alpha * mean) ** -self.beta

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}"


class L2Norm(nn.Module):
    """Divide by the root of the sum of squares, and multiply with a weight.

    Args:
        channels: number of weights, or None for one without axes.
        across_spatial: one sum for each item, else one for each place of it.
        eps: added to the sum, inside the root.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/normalize_layer.cpp, Forward_cpu.
    """

    def __init__(self, channels: int | None, across_spatial: bool = True, eps: float = 1e-10):
        super().__init__()
        self.across_spatial, self.eps = across_spatial, eps
        self.weight = nn.Parameter(torch.ones(() if channels is None else (channels,)))

    def forward(self, bottom: Tensor) -> Tensor:
        axes = tuple(range(1, bottom.dim())) if self.across_spatial else (1,)
        norm = (bottom.square().sum(axes, keepdim=True) + self.eps).sqrt()
        weight = self.weight.reshape(self.weight.shape + (1,) * (bottom.dim() - 2))
        return bottom / norm * weight

    def extra_repr(self) -> str:
        return f"weight={tuple(self.weight.shape)}, across_spatial={self.across_spatial}, eps={self.eps}"


class BatchStatisticsNorm(nn.Module):
    """Normalize each channel with the batch's own mean and variance in both modes, then scale and shift it.

    Args:
        channels: of the bottom.
        eps: added to the variance.
        tops: 1 for the result alone, 2 for the means too, 3 for the variances as well: (1, channels, 1, 1) each.

    Source: alexgkendall/caffe-segnet src/caffe/layers/bn_layer.cpp, Forward_cpu.
    """

    def __init__(self, channels: int, eps: float = 1e-9, tops: int = 1):
        super().__init__()
        self.eps, self.tops = eps, tops
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, bottom: Tensor) -> Tensor | tuple[Tensor, ...]:
        variance, mean = torch.var_mean(bottom, (0, 2, 3), correction=0, keepdim=True)
        weight, bias = (values.view(1, -1, 1, 1) for values in (self.weight, self.bias))
        result = (bottom - mean) / (variance + self.eps).sqrt() * weight + bias
        return result if self.tops == 1 else (result, mean, variance)[: self.tops]

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, eps={self.eps}, tops={self.tops}"


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """Batch normalization that uses the stored statistics, and learns nothing, in training mode too.

    Source: hszhao/PSPNet src/caffe/layers/bn_layer.cpp, frozen.
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(channels, eps, momentum)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> FrozenBatchNorm2d:
        super().train(False)
        return self
