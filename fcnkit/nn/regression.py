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


class MaskedL1Loss(nn.Module):
    """The sum of absolute differences of two blobs, or of absolute values of one; those that are NaN do not count.

    Args:
        plateau: smaller differences do not count.
        entries: divide by the number of differences that are not NaN, per channel; else by that of items.

    Source: lmb-freiburg/flownet2 src/caffe/layers/l1loss_layer.cu, Forward_gpu and Backward_gpu.
    """

    def __init__(self, plateau: float = 0, entries: bool = False):
        super().__init__()
        self.plateau, self.entries = plateau, entries

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        distances, valid, divisor = _distances(first, second, self.entries)
        return torch.where(valid & (distances >= self.plateau), distances, 0).sum() / divisor


class LpqLoss(nn.Module):
    """The sum over locations of a power of the sum over channels of powers of differences.

    A location costs (factor * sum (|d| + p_shift)^p + q_shift)^q; a difference that is NaN counts as 0.

    Args:
        p, q, p_shift, q_shift: see above.
        mean: the factor is 1 / channels; else 1.
        entries: see `MaskedL1Loss`.
        plateau: smaller sums count as 0.

    Source: lmb-freiburg/flownet2 src/caffe/layers/lpq_loss_layer.cu and l1loss_layer.cu, Forward_gpu.
    """

    def __init__(
        self,
        p: float,
        q: float,
        p_shift: float = 0,
        q_shift: float = 0.01,
        mean: bool = False,
        entries: bool = False,
        plateau: float = 0,
    ):
        super().__init__()
        self.p, self.q, self.p_shift, self.q_shift = p, q, p_shift, q_shift
        self.mean, self.entries, self.plateau = mean, entries, plateau

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        distances, valid, divisor = _distances(first, second, self.entries)
        sums = torch.where(valid, (distances + self.p_shift) ** self.p, self.p_shift**self.p).sum(1)
        if self.mean:
            sums = sums / first.shape[1]
        sums = torch.where(sums < self.plateau, 0, sums)
        return ((sums + self.q_shift) ** self.q).sum() / divisor


def _distances(first: Tensor, second: Tensor | None, entries: bool) -> tuple[Tensor, Tensor, Tensor | int]:
    """Absolute differences, 1 for a NaN; where there are none; and the divisor of a loss."""
    if second is not None:
        require_equal_batches(first, second, whole=True)
    difference = first if second is None else first - second.reshape(first.shape)
    valid = ~difference.isnan()
    difference = torch.where(valid, difference, 1)
    # The forks' sign of 0 is -1.
    distances = torch.where(difference > 0, difference, -difference)
    return distances, valid, valid.sum() / first.shape[1] if entries else len(first)


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
