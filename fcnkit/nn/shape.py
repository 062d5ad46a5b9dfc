"""Modules that give a blob another shape."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Permute(nn.Module):
    """Reorder the axes: axis i of the top is axis order[i] of the bottom.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/permute_layer.cpp.
    """

    def __init__(self, order: Sequence[int]):
        super().__init__()
        self.order = tuple(order)

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.permute(self.order)

    def extra_repr(self) -> str:
        return f"{self.order}"
