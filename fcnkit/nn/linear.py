"""Modules with a matrix: fully connected ones, and tables of rows."""

from __future__ import annotations

import torch
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
