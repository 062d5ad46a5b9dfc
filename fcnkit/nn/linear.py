"""Modules with a matrix: fully connected ones, and tables of rows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class InnerProduct(nn.Linear):
    """A Linear layer on a bottom that is flattened, in C, H, W order, from one axis on.

    Source: BVLC/caffe src/caffe/layers/inner_product_layer.cpp.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, axis: int = 1):
        super().__init__(in_features, out_features, bias)
        self.axis = axis

    def forward(self, bottom: Tensor) -> Tensor:
        return super().forward(bottom.flatten(self.axis))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, axis={self.axis}"


class CosineProduct(InnerProduct):
    """An InnerProduct whose rows of weights are divided by their lengths.

    Source: happynear/caffe-windows src/caffe/layers/inner_product_layer.cpp, Forward_cpu.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return F.linear(bottom.flatten(self.axis), _rows(self.weight), self.bias)


class CenterProjection(InnerProduct):
    """An InnerProduct whose rows of weights have one length; a single row of the bottom meets them as they are.

    Training divides the stored rows by their lengths in every forward, so that a trained net has rows of length 1.

    Args:
        in_features, out_features, bias, axis: as for InnerProduct.
        length: of the rows.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/layers/center_projection_layer.cu, Forward_gpu; the code for CPUs beside
    it writes into its bottom.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, axis: int = 1, length: float = 1):
        super().__init__(in_features, out_features, bias, axis)
        self.length = length

    def forward(self, bottom: Tensor) -> Tensor:
        rows = bottom.flatten(self.axis)
        if rows.numel() == rows.shape[-1]:
            return F.linear(rows, self.weight, self.bias)
        lengths = self.weight.square().sum(1, keepdim=True).sqrt() + 1e-6
        return F.linear(rows, self.length * self.weight / lengths, self.bias)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, length={self.length}"


class InnerDistance(nn.Module):
    """The squared, or absolute, distances of a bottom that is flattened from one axis on to each row of a weight.

    Args:
        inputs: numbers in a row.
        rows: of the weight; 0 to read the rows from a second bottom.
        axis: the first axis that is flattened.
        order: 2 for the sum of squared differences, 1 for that of absolute ones.
        normalize: divide the weight's own rows by their lengths.

    Source: happynear/caffe-windows src/caffe/layers/inner_distance_layer.cpp, Forward_cpu.
    """

    def __init__(self, inputs: int, rows: int, axis: int = 1, order: int = 2, normalize: bool = False):
        super().__init__()
        self.axis, self.order, self.normalize = axis, order, normalize
        self.weight = nn.Parameter(torch.zeros(rows, inputs)) if rows else None

    def forward(self, bottom: Tensor, rows: Tensor | None = None, *others: Tensor) -> Tensor:
        if self.weight is not None:
            rows = _rows(self.weight) if self.normalize else self.weight
        if rows is None:
            raise RuntimeError("without weights it needs a second bottom")
        differences = bottom.flatten(self.axis).unsqueeze(-2) - rows.flatten(1)
        return differences.abs().pow(self.order).sum(-1)

    def extra_repr(self) -> str:
        return f"axis={self.axis}, order={self.order}, normalize={self.normalize}"


def _rows(weight: Tensor) -> Tensor:
    return weight / (weight.square().sum(1, keepdim=True) + 1e-6).sqrt()


class Embed(nn.Embedding):
    """A row of the weight for each value of the bottom (whole numbers of any type), plus a bias.

    Source: BVLC/caffe src/caffe/layers/embed_layer.cpp.
    """

    def __init__(self, rows: int, columns: int, bias: bool = True):
        super().__init__(rows, columns)
        self.bias = nn.Parameter(torch.zeros(columns)) if bias else None

    def forward(self, bottom: Tensor) -> Tensor:
        picked = super().forward(bottom.long())
        return picked if self.bias is None else picked + self.bias

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, bias={self.bias is not None}"


class EmbedOfNumbers(Embed):
    """`Embed` that reads a last axis of length 1 as the axis of one number: the row takes its place.

    Source: peteanderson80/caffe src/caffe/layers/embed_layer.cpp, Reshape.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return super().forward(bottom.squeeze(-1))
