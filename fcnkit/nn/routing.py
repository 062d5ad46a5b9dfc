"""Modules that choose: regions for a map of their size, channels for a label."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class ScaleRoute(nn.Module):
    """The regions of some sizes, and the rows of further blobs that belong to them.

    If there is none of these sizes, the one nearest to the middle of the sizes is taken.

    Args:
        low, high: the least size, and the size from which on a region is too large, in pixels: the root of its area.

    Source: zhaoweicai/cascade-rcnn src/caffe/layers/scale_route_layer.cpp, Forward_cpu.
    """

    def __init__(self, low: float | None = None, high: float | None = None):
        super().__init__()
        self.low, self.high = low, high

    def forward(self, regions: Tensor, *others: Tensor) -> Tensor | tuple[Tensor, ...]:
        tops = self._routed(regions, *others)
        return tops if others else tops[0]

    def _routed(self, regions: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        corners = regions.flatten(1)
        if corners.shape[1] != 5 or any(len(other) != len(regions) for other in others):
            raise RuntimeError("a region has 5 numbers and a row in each bottom")
        if regions.is_meta:
            return tuple(torch.empty_like(blob[:1]) for blob in (regions, *others))
        sides = corners[:, 3:] - corners[:, 1:3]
        sizes = ((sides + 1).prod(1) * (sides >= 0).all(1)).sqrt()
        low, high = self.low or 0, math.inf if self.high is None else self.high
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        middle = math.prod(bounds) ** (1 / len(bounds)) if bounds else 256
        chosen = ((sizes >= low) & (sizes < high)).nonzero()[:, 0]
        if not len(chosen):
            chosen = (sizes / middle).log2().abs().argmin(0, keepdim=True)
        return tuple(blob[chosen] for blob in (regions, *others))

    def extra_repr(self) -> str:
        return f"{self.low}, {self.high}"


class MaskOutputs(nn.Module):
    """One group of channels of each item.

    Args:
        size: channels in a group.

    Source: shubhtuls/viewpointsAndKeypoints external/caffe/src/caffe/layers/mask_outputs_layer.cpp, Forward_cpu.
    """

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, bottom: Tensor, groups: Tensor) -> Tensor:
        """Choose channels.

        Args:
            bottom: (batch, channels, ...).
            groups: the number of a group for each item, first in its row: (batch, ...).

        Returns:
            (batch, size, height, width).
        """
        bottom = bottom.reshape(bottom.shape + (1,) * (4 - bottom.dim()))
        if len(groups) != len(bottom):
            raise RuntimeError("each item of the bottom needs a group")
        first = groups.reshape(-1)[: len(bottom)].long() * self.size
        channels = first[:, None] + torch.arange(self.size, device=bottom.device)
        return bottom.gather(1, channels[:, :, None, None].expand(-1, -1, *bottom.shape[2:]))

    def extra_repr(self) -> str:
        return f"{self.size}"
