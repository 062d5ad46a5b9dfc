"""Modules that make one item of a set of images, weighted by their quality."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SetPool(nn.Module):
    """The mean or the largest values of all items of a batch; with a second bottom their sum with these weights.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/layers/batch_pool_layer.cpp, Forward_cpu.
    """

    def __init__(self, largest: bool = False):
        super().__init__()
        self.largest = largest

    def forward(self, items: Tensor, weights: Tensor | None = None) -> Tensor:
        if weights is None:
            return items.amax(0, keepdim=True) if self.largest else items.mean(0, keepdim=True)
        if weights.numel() != len(items):
            raise RuntimeError(f"{len(items)} items need a weight each, not {weights.numel()}")
        return torch.einsum("n,n...->...", weights.flatten(), items)[None]

    def extra_repr(self) -> str:
        return f"largest={self.largest}"


class SetSum(nn.Module):
    """The sum of all items of a batch.

    Source: haochen-rye/LSTD src/caffe/layers/global_sum_pooling_layer.cpp, Forward_cpu.
    """

    def forward(self, items: Tensor) -> Tensor:
        return items.sum(0, keepdim=True)


class SharesOfSet(nn.Module):
    """Numbers, one of each item of a batch, divided by the sum of their absolute values.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/layers/normalization_layer.cpp, Forward_cpu, where further numbers of the
    items stay undefined.
    """

    def forward(self, numbers: Tensor) -> Tensor:
        if numbers.numel() != len(numbers):
            raise RuntimeError(f"each item has one number with the norm L1, not the shape {tuple(numbers.shape)}")
        return numbers / numbers.abs().sum()
