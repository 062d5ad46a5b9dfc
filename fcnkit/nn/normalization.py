"""Normalizations that PyTorch lacks."""

from __future__ import annotations

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
