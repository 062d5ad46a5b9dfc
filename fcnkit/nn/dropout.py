"""Dropouts that differ from PyTorch's in eval mode."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SampledDropout(nn.Dropout):
    """Dropout that drops in eval mode too, so that several runs sample the net's weights.

    Source: alexgkendall/caffe-segnet src/caffe/layers/dropout_layer.cpp, sample_weights_test.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return F.dropout(bottom, self.p)


class UnscaledDropout(nn.Dropout):
    """Dropout that does not scale the kept values; in eval mode all values are multiplied by the kept fraction.

    Source: rbgirshick/caffe-fast-rcnn (branch faster-rcnn) src/caffe/layers/dropout_layer.cpp, scale_train.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return super().forward(bottom) * (1 - self.p)


class SpatialDropout(nn.Dropout2d):
    """Dropout of whole channels; in eval mode it drops none, but still divides by the kept fraction.

    Source: TimoSaemann/caffe-enet python/spatial_dropout.py.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return super().forward(bottom) if self.training else bottom / (1 - self.p)


class _AddedNorm(torch.autograd.Function):
    """Identity, whose gradient has that of coef times a sum added, of absolute values or of half the squares."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, coef: float, squares: bool) -> Tensor:
        ctx.save_for_backward(values)
        ctx.coef, ctx.squares = coef, squares
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (values,) = ctx.saved_tensors
        return gradients[0] + ctx.coef * (values if ctx.squares else values.sign()), None, None


class Sparsify(nn.Module):
    """Move values towards 0 by a threshold.

    Args:
        threshold: values up to it become 0.
        coef: the strength of an L1 norm of the result, whose gradient is added in training.

    Source: wenwei202/caffe src/caffe/layers/sparsify_layer.cpp.
    """

    def __init__(self, threshold: float = 0.0, coef: float = 0.0):
        super().__init__()
        self.threshold, self.coef = threshold, coef

    def forward(self, bottom: Tensor) -> Tensor:
        top = F.softshrink(bottom, self.threshold) if self.threshold else bottom
        if not (self.training and self.coef):
            return top
        added: Tensor = _AddedNorm.apply(top, self.coef, False)  # type: ignore[no-untyped-call]
        return added

    def extra_repr(self) -> str:
        return f"{self.threshold}, coef={self.coef}"


class OutputDecay(nn.Module):
    """Identity; in training the gradient of a norm of the values is added.

    Args:
        decay: the strength of the norm.
        squares: whether it is half the sum of the squares (L2), else that of the absolute values (L1).

    Source: yi94code/HRSOD caffe-master/src/caffe/layers/output_decay_layer.cpp.
    """

    def __init__(self, decay: float, squares: bool):
        super().__init__()
        self.decay, self.squares = decay, squares

    def forward(self, bottom: Tensor) -> Tensor:
        if not self.training:
            return bottom
        added: Tensor = _AddedNorm.apply(bottom, self.decay, self.squares)  # type: ignore[no-untyped-call]
        return added

    def extra_repr(self) -> str:
        return f"{self.decay}, squares={self.squares}"


class GuidedDropout(nn.Module):
    """Keep the channels that a second bottom states, and scale them by all channels per kept one.

    Args:
        sampled: in train mode a channel is kept with the probability sigmoid(steepness * guide), and in eval mode all
            are; else those whose guide is above the threshold are kept in both.
        threshold, steepness: see above.

    Source: minhpvo/Caffe src/caffe/layers/guided_dropout_layer.cpp, Forward_cpu.
    """

    def __init__(self, sampled: bool = False, threshold: float = 0, steepness: float = 1):
        super().__init__()
        self.sampled, self.threshold, self.steepness = sampled, threshold, steepness

    def forward(self, bottom: Tensor, guide: Tensor) -> Tensor:
        if guide.numel() != bottom.shape[0] * bottom.shape[1] or guide.shape[:2] != bottom.shape[:2]:
            raise RuntimeError("the second bottom must have a number for each channel of each item")
        guide = guide.detach().reshape(bottom.shape[:2])
        if not self.sampled:
            kept = (guide > self.threshold).to(bottom)
            weights = kept
        elif self.training:
            weights = (self.steepness * guide).sigmoid()
            kept = (torch.rand_like(weights) <= weights).to(bottom)
        else:
            return bottom
        total = weights.sum(1, keepdim=True)
        factor = torch.where(total > 0, bottom.shape[1] / total.where(total > 0, 1), 1)
        return bottom * (kept * factor).reshape(*guide.shape, *[1] * (bottom.dim() - 2))

    def extra_repr(self) -> str:
        return f"sampled={self.sampled}, threshold={self.threshold}, steepness={self.steepness}"
