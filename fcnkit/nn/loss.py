"""Losses and metrics, as Caffe computes them."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The smallest probabilities whose logarithm Caffe takes: the first in SoftmaxWithLoss, the second elsewhere.
_LOG_FLT_MIN = math.log(torch.finfo(torch.float32).tiny)
_THRESHOLD = 1e-20


def normalizer(mode: str, outer: int, inner: int, valid: Tensor) -> Tensor:
    """The divisor of a summed loss: at least 1.

    Args:
        mode: "FULL", "VALID", "BATCH_SIZE" or "NONE".
        outer, inner: number of elements before and after the class axis.
        valid: number of labels that are not ignored.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp, get_normalizer.
    """
    count = {"FULL": outer * inner, "BATCH_SIZE": outer, "NONE": 1}.get(mode)
    return valid.clamp(min=1) if count is None else torch.full_like(valid, max(count, 1))


class Labels(NamedTuple):
    """Whole numbers (outer, inner), for the elements before and after the class axis, and a mask of ignored ones."""

    target: Tensor
    ignored: Tensor


def labels_for(scores: Tensor, label: Tensor, axis: int, ignore_label: int | None) -> Labels:
    """A blob of labels in the order of the scores' elements; ignored labels are replaced by 0.

    Raises:
        RuntimeError: the number of labels differs from the number of elements.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp, Reshape.
    """
    axis = axis % scores.dim()
    outer, inner = math.prod(scores.shape[:axis]), math.prod(scores.shape[axis + 1 :])
    if label.numel() != outer * inner:
        raise RuntimeError(f"{outer * inner} labels are needed, {label.numel()} are given")
    target = label.long().reshape(outer, inner)
    ignored = torch.zeros_like(target, dtype=torch.bool) if ignore_label is None else target == ignore_label
    return Labels(target.masked_fill(ignored, 0), ignored)


def require_equal_batches(first: Tensor, second: Tensor, whole: bool = False) -> None:
    """Refuse two blobs with different numbers of items.

    Args:
        first, second: the blobs.
        whole: the items must have as many elements, too; their shapes may differ.

    Source: BVLC/caffe src/caffe/layers/loss_layer.cpp, Reshape.
    """
    if not first.dim() or first.shape[:1] != second.shape[:1]:
        raise RuntimeError("both bottoms need the same number of items")
    if whole and first.numel() != second.numel():
        raise RuntimeError("both bottoms need the same number of elements")


def with_gradient_of(gradient: Tensor, value: Tensor) -> Tensor:
    """The value of one expression with the gradient of another, where Caffe's gradient is not that of the value."""
    return gradient + (value - gradient).detach()


class SoftmaxWithLoss(nn.Module):
    """Multinomial logistic loss of the softmax over one axis; returns the loss and optionally the probabilities.

    Args:
        axis: the class axis of the scores.
        ignore_label: a label that is ignored, or None.
        normalization: see `normalizer`.
        tops: 1 for the loss alone, 2 for the loss and the probabilities.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp.
    """

    def __init__(self, axis: int = 1, ignore_label: int | None = None, normalization: str = "VALID", tops: int = 1):
        super().__init__()
        self.axis, self.ignore_label, self.normalization, self.tops = axis, ignore_label, normalization, tops

    def forward(self, scores: Tensor, label: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self._loss(scores, label, None)

    def _loss(self, scores: Tensor, label: Tensor, matrix: Tensor | None) -> Tensor | tuple[Tensor, ...]:
        require_equal_batches(scores, label)
        target, ignored = labels_for(scores, label, self.axis, self.ignore_label)
        log_probabilities = F.log_softmax(scores, self.axis)
        rows = log_probabilities.reshape(target.shape[0], -1, target.shape[1])
        # The floor applies to the value only; Caffe's gradient is that of the plain softmax.
        if matrix is None:
            picked = rows.gather(1, target.unsqueeze(1)).squeeze(1)
            terms = with_gradient_of(picked, picked.clamp(min=_LOG_FLT_MIN))
        else:
            rows = with_gradient_of(rows, rows.clamp(min=math.log(_THRESHOLD)))
            terms = (rows.movedim(1, -1) * matrix[target]).sum(-1)
        outer, inner = target.shape
        divisor = normalizer(self.normalization, outer, inner, (~ignored).sum())
        loss = -terms.masked_fill(ignored, 0).sum() / divisor.to(scores.dtype)
        return loss if self.tops == 1 else (loss, log_probabilities.exp())

    def extra_repr(self) -> str:
        return f"axis={self.axis}, ignore_label={self.ignore_label}, normalization={self.normalization}"


class InfogainLoss(SoftmaxWithLoss):
    """SoftmaxWithLoss that weights every class, not only the label's, by a matrix with a row for each label.

    Args:
        matrix: (classes, classes), or None if it is a third bottom, of any shape with as many elements.
        axis, ignore_label, normalization, tops: as in `SoftmaxWithLoss`.

    Source: BVLC/caffe src/caffe/layers/infogain_loss_layer.cpp.
    """

    matrix: Tensor | None

    def __init__(
        self,
        matrix: Tensor | None,
        axis: int = 1,
        ignore_label: int | None = None,
        normalization: str = "VALID",
        tops: int = 1,
    ):
        super().__init__(axis, ignore_label, normalization, tops)
        # Caffe keeps it in a file of its own, not among the weights.
        self.register_buffer("matrix", matrix, persistent=False)

    def forward(self, scores: Tensor, label: Tensor, matrix: Tensor | None = None) -> Tensor | tuple[Tensor, ...]:
        matrix = self.matrix if matrix is None else matrix
        assert matrix is not None
        classes = scores.shape[self.axis]
        if matrix.numel() != classes * classes:
            raise RuntimeError(f"the matrix needs {classes} x {classes} elements, it has {matrix.numel()}")
        return self._loss(scores, label, matrix.reshape(classes, classes))


def _one_label_each(scores: Tensor, label: Tensor) -> Tensor:
    """The scores as one row for each item."""
    require_equal_batches(scores, label)
    if label.numel() != scores.shape[0]:
        raise RuntimeError(f"{scores.shape[0]} labels are needed, {label.numel()} are given")
    return scores.flatten(1)


class MultinomialLogisticLoss(nn.Module):
    """The mean of -log of the probability that the first bottom gives each item's label.

    Source: BVLC/caffe src/caffe/layers/multinomial_logistic_loss_layer.cpp.
    """

    def forward(self, probabilities: Tensor, label: Tensor) -> Tensor:
        rows = _one_label_each(probabilities, label)
        picked = rows.gather(1, label.long().reshape(-1, 1))
        # Below the floor Caffe's gradient is that at the floor.
        picked = with_gradient_of(picked, picked.clamp(min=_THRESHOLD))
        return -picked.log().sum() / rows.shape[0]


class HingeLoss(nn.Module):
    """One-versus-all hinge loss: each item's label should score over 1, every other class below -1.

    Args:
        squared: sum the squares of the missed margins (Caffe's L2) instead of the margins (L1).

    Source: BVLC/caffe src/caffe/layers/hinge_loss_layer.cpp.
    """

    def __init__(self, squared: bool = False):
        super().__init__()
        self.squared = squared

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        rows = _one_label_each(scores, label)
        sign = torch.ones_like(rows).scatter(1, label.long().reshape(-1, 1), -1)
        missed = F.relu(1 + sign * rows)
        return (missed.square() if self.squared else missed).sum() / rows.shape[0]

    def extra_repr(self) -> str:
        return f"squared={self.squared}"


class SigmoidCrossEntropyLoss(nn.Module):
    """Cross entropy of the sigmoid of scores with targets from 0 to 1.

    Args:
        ignore_label: a target, compared without its fraction, that is ignored, or None.
        normalization: see `normalizer`.

    Source: BVLC/caffe src/caffe/layers/sigmoid_cross_entropy_loss_layer.cpp.
    """

    def __init__(self, ignore_label: int | None = None, normalization: str = "BATCH_SIZE"):
        super().__init__()
        self.ignore_label, self.normalization = ignore_label, normalization

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        require_equal_batches(scores, target, whole=True)
        # As in Caffe, targets get no gradient.
        target = target.detach().reshape(scores.shape)
        terms = F.binary_cross_entropy_with_logits(scores, target, reduction="none")
        ignored = torch.zeros_like(target, dtype=torch.bool)
        if self.ignore_label is not None:
            ignored = target.long() == self.ignore_label
        divisor = normalizer(self.normalization, scores.shape[0], math.prod(scores.shape[1:]), (~ignored).sum())
        return terms.masked_fill(ignored, 0).sum() / divisor.to(scores.dtype)

    def extra_repr(self) -> str:
        return f"ignore_label={self.ignore_label}, normalization={self.normalization}"


class BalancedSigmoidCrossEntropyLoss(nn.Module):
    """Cross entropy of the sigmoid of scores with targets 0 and 1, summed over each image, averaged over the batch.

    In each image the targets 1 are weighted by the fraction of those that are 0, and the other way round. Other targets
    add nothing to the loss, but as in the fork the gradient of their plain cross entropy.

    Source: kmaninis/OSVOS-caffe caffe-osvos/src/caffe/layers/sigmoid_cross_entropy_balance_loss_layer.cpp.
    """

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        require_equal_batches(scores, target, whole=True)
        target = target.detach().reshape(scores.shape).flatten(1)
        terms = F.binary_cross_entropy_with_logits(scores.flatten(1), target, reduction="none")
        ones, zeros = (target == 1).to(terms), (target == 0).to(terms)
        count, others = (ones + zeros).sum(1, keepdim=True).clamp(min=1), (1 - ones - zeros) * terms
        weights = (ones * zeros.sum(1, keepdim=True) + zeros * ones.sum(1, keepdim=True)) / count
        return (weights * terms + others - others.detach()).sum() / len(scores)


class ContrastiveLoss(nn.Module):
    """Half the squared distance of similar pairs, or the squared shortfall of dissimilar ones from a margin; per pair.

    Args:
        margin: the distance that dissimilar pairs should have.
        legacy: compare the margin with the squared distance, and do not square the shortfall.

    Source: BVLC/caffe src/caffe/layers/contrastive_loss_layer.cpp.
    """

    def __init__(self, margin: float = 1, legacy: bool = False):
        super().__init__()
        self.margin, self.legacy = margin, legacy

    def forward(self, first: Tensor, second: Tensor, similar: Tensor) -> Tensor:
        require_equal_batches(first, second, whole=True)
        if any(size != 1 for blob in (first, second) for size in blob.shape[2:]) or similar.numel() != first.shape[0]:
            raise RuntimeError("pairs of shape (N, C) and N marks of similarity are needed")
        squared = (first.flatten(1) - second.flatten(1)).square().sum(1)
        distance = squared.detach().sqrt()
        if self.legacy:
            value = lack = (self.margin - squared.detach()).clamp(min=0)
            slope = -(lack > 0).to(squared.dtype)
        else:
            lack = (self.margin - distance).clamp(min=0)
            value = lack.square()
            # Caffe avoids the division by a distance of 0 in the same way.
            slope = -lack / (distance + 1e-4)
        alike = similar.long().flatten() != 0
        slope, value = slope.masked_fill(alike, 1), torch.where(alike, squared.detach(), value)
        return with_gradient_of(squared * slope, value).sum() / (2 * first.shape[0])

    def extra_repr(self) -> str:
        return f"margin={self.margin}, legacy={self.legacy}"


class Accuracy(nn.Module):
    """Fraction of labels that are among the top_k scores; with two tops also the fraction per class.

    Args:
        axis: the class axis of the scores.
        top_k: how many of the highest scores count.
        ignore_label: a label that is ignored, or None.
        tops: 1 for the overall fraction, 2 for the fraction per class as well.

    Source: BVLC/caffe src/caffe/layers/accuracy_layer.cpp.
    """

    def __init__(self, axis: int = 1, top_k: int = 1, ignore_label: int | None = None, tops: int = 1):
        super().__init__()
        self.axis, self.top_k, self.ignore_label, self.tops = axis, top_k, ignore_label, tops

    def forward(self, scores: Tensor, label: Tensor) -> Tensor | tuple[Tensor, ...]:
        classes = scores.shape[self.axis]
        if self.top_k > classes:
            raise RuntimeError(f"top_k {self.top_k} is more than the {classes} classes")
        target, ignored = (found.flatten() for found in labels_for(scores, label, self.axis, self.ignore_label))
        counted = ~ignored
        rows = scores.movedim(self.axis, -1).reshape(-1, classes)
        own = rows.gather(1, target.unsqueeze(1))
        # A label is correct if fewer than top_k other classes score at least as high.
        right = ((rows >= own).sum(1) <= self.top_k) & counted
        overall = right.sum() / counted.sum().clamp(min=1)
        if self.tops == 1:
            return overall.to(scores.dtype)
        zeros = scores.new_zeros(classes)
        found = zeros.index_add(0, target, counted.to(scores.dtype))
        return overall.to(scores.dtype), zeros.index_add(0, target, right.to(scores.dtype)) / found.clamp(min=1)
