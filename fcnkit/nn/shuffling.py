"""Modules that move values from channels to pixels, or channels among each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Interleave(nn.Module):
    """The first channels of all bottoms, then their second channels, and so on.

    Source: zlthinker/caffe src/caffe/layers/rearrange_layer.cu.
    """

    def forward(self, *bottoms: Tensor) -> Tensor:
        return torch.stack(bottoms, 2).flatten(1, 2)
