"""Modules that make blobs without reading any."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Parameter(nn.Module):
    """A learned blob.

    Source: BVLC/caffe include/caffe/layers/parameter_layer.hpp.
    """

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(tuple(shape)))

    def forward(self) -> Tensor:
        # A copy, so that no caller can change the parameter itself.
        return self.weight.clone()


class DummyData(nn.Module):
    """Blobs that a function fills: in every forward if they are random, else once.

    Args:
        shapes: shapes of the tops.
        fill: for each top a function that fills a tensor in place.
        random: for each top whether to fill it in every forward.

    Source: BVLC/caffe src/caffe/layers/dummy_data_layer.cpp.
    """

    def __init__(
        self, shapes: Sequence[Sequence[int]], fill: Sequence[Callable[[Tensor], None]], random: Sequence[bool]
    ):
        super().__init__()
        self.fill, self.random = tuple(fill), tuple(random)
        for index, shape in enumerate(shapes):
            blob = torch.zeros(tuple(shape))
            if not self.random[index]:
                self.fill[index](blob)
            # A buffer moves with the net to its device; it is not a weight, so the state dict omits it.
            self.register_buffer(f"top{index}", blob, persistent=False)

    def forward(self) -> tuple[Tensor, ...]:
        tops = []
        for index, (fill, random) in enumerate(zip(self.fill, self.random, strict=True)):
            top = self.get_buffer(f"top{index}")
            if random:
                top = torch.empty_like(top)
                fill(top)
            tops.append(top)
        return tuple(tops)
