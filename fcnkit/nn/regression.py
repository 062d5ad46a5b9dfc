"""Losses that compare numbers with numbers, as Caffe computes them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.nn.loss import require_equal_batches


class EuclideanLoss(nn.Module):
    """Half the squared distance of two blobs, per item.

    Source: BVLC/caffe src/caffe/layers/euclidean_loss_layer.cpp.
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        require_equal_batches(first, second, whole=True)
        return (first.flatten() - second.flatten()).square().sum() / (2 * first.shape[0])


class L1Loss(nn.Module):
    """The sum of absolute differences of two blobs, per item.

    Source: NVIDIA/caffe src/caffe/layers/l1_loss_layer.cpp.
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        require_equal_batches(first, second, whole=True)
        return (first.flatten() - second.flatten()).abs().sum() / first.shape[0]


class SmoothL1Loss(nn.Module):
    """The sum of a loss of differences that is quadratic near 0 and linear beyond, per item.

    With sigma, a difference d costs (sigma d)^2 / 2 where |d| < 1 / sigma^2, else |d| - 1 / (2 sigma^2).

    Source: rbgirshick/caffe-fast-rcnn src/caffe/layers/smooth_L1_loss_layer.cu.
    """

    def __init__(self, sigma: float = 1.0):
        super().__init__()
        self.sigma = sigma

    def forward(
        self, first: Tensor, second: Tensor, inside: Tensor | None = None, outside: Tensor | None = None
    ) -> Tensor:
        """The loss of first against second.

        Args:
            first, second: blobs of equal numbers of items and elements.
            inside: factors of the differences; None for 1.
            outside: factors of the differences' losses; None for 1.
        """
        require_equal_batches(first, second, whole=True)
        difference = first.flatten() - second.flatten()
        if inside is not None:
            difference = inside.flatten() * difference
        zero = torch.zeros_like(difference)
        each = F.smooth_l1_loss(difference, zero, reduction="none", beta=1 / self.sigma**2)
        if outside is not None:
            each = outside.flatten() * each
        return each.sum() / first.shape[0]
