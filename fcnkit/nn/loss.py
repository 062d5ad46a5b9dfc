"""Losses and scores on labels, as Caffe counts them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Caffe takes the logarithm of no probability below the smallest normal float.
_LOG_FLT_MIN = math.log(torch.finfo(torch.float32).tiny)


def normalizer(mode: str, outer: int, inner: int, valid: Tensor) -> Tensor:
    """What a summed loss is divided by: at least 1.

    Args:
        mode: "FULL", "VALID", "BATCH_SIZE" or "NONE".
        outer, inner: elements before and behind the class axis.
        valid: number of labels that are not ignored.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp, get_normalizer.
    """
    count = {"FULL": outer * inner, "BATCH_SIZE": outer, "NONE": 1}.get(mode)
    return valid.clamp(min=1) if count is None else torch.full_like(valid, max(count, 1))


def _equal(target: Tensor, label: int | None) -> Tensor:
    return torch.zeros_like(target, dtype=torch.bool) if label is None else target == label


class SoftmaxWithLoss(nn.Module):
    """Multinomial logistic loss of the softmax over one axis; gives the loss and the probabilities.

    Args:
        axis: the class axis of the scores.
        ignore_label: a label that counts for nothing, or None.
        normalization: see `normalizer`.
        tops: 1 for the loss alone, 2 for the loss and the probabilities.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp.
    """

    def __init__(self, axis: int = 1, ignore_label: int | None = None, normalization: str = "VALID", tops: int = 1):
        super().__init__()
        self.axis, self.ignore_label, self.normalization, self.tops = axis, ignore_label, normalization, tops

    def forward(self, scores: Tensor, label: Tensor) -> Tensor | tuple[Tensor, ...]:
        log_probabilities = F.log_softmax(scores, self.axis)
        axis = self.axis % scores.dim()
        outer, inner = math.prod(scores.shape[:axis]), math.prod(scores.shape[axis + 1 :])
        target = label.long().reshape(outer, inner)
        ignored = _equal(target, self.ignore_label)
        rows = log_probabilities.reshape(outer, -1, inner)
        picked = rows.gather(1, target.masked_fill(ignored, 0).unsqueeze(1)).squeeze(1)
        # Caffe's floor under the logarithm holds for the value; its gradient is that of the plain softmax.
        picked = picked + (picked.clamp(min=_LOG_FLT_MIN) - picked).detach()
        total = -picked.masked_fill(ignored, 0).sum()
        loss = total / normalizer(self.normalization, outer, inner, (~ignored).sum()).to(total.dtype)
        return loss if self.tops == 1 else (loss, log_probabilities.exp())

    def extra_repr(self) -> str:
        return f"axis={self.axis}, ignore_label={self.ignore_label}, normalization={self.normalization}"


class Accuracy(nn.Module):
    """Share of labels that are among the top_k scores; with two tops also the share per class.

    Args:
        axis: the class axis of the scores.
        top_k: how many of the highest scores count.
        ignore_label: a label that counts for nothing, or None.
        tops: 1 for the overall share, 2 for the share per class as well.

    Source: BVLC/caffe src/caffe/layers/accuracy_layer.cpp.
    """

    def __init__(self, axis: int = 1, top_k: int = 1, ignore_label: int | None = None, tops: int = 1):
        super().__init__()
        self.axis, self.top_k, self.ignore_label, self.tops = axis, top_k, ignore_label, tops

    def forward(self, scores: Tensor, label: Tensor) -> Tensor | tuple[Tensor, ...]:
        axis = self.axis % scores.dim()
        classes = scores.shape[axis]
        rows = scores.movedim(axis, -1).reshape(-1, classes)
        target = label.long().reshape(-1)
        counted = ~_equal(target, self.ignore_label)
        own = rows.gather(1, target.masked_fill(~counted, 0).unsqueeze(1))
        # A label is right while fewer than top_k other classes score at least as much as it does.
        right = ((rows >= own).sum(1) <= self.top_k) & counted
        overall = right.sum() / counted.sum().clamp(min=1)
        if self.tops == 1:
            return overall.to(scores.dtype)
        weight = counted.to(scores.dtype)
        zeros = torch.zeros(classes, dtype=scores.dtype, device=scores.device)
        index = target.masked_fill(~counted, 0)
        per_class = zeros.index_add(0, index, right.to(scores.dtype)) / zeros.index_add(0, index, weight).clamp(min=1)
        return overall.to(scores.dtype), per_class
