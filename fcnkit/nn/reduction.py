"""Modules that reduce axes: sums, and the positions of the largest values."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ArgMax(nn.Module):
    """The indices of the largest values, in the bottom's type; of equal values the last comes first.

    Args:
        top_k: the number of indices to return, that of the largest value first.
        axis: the axis to search along; None for all axes after the batch, flattened.
        values: with an axis return the values instead of their indices, without one return both.

    Returns:
        With an axis the bottom's shape, with top_k as the length of that axis. Without one (batch, 1, top_k), or with
        values (batch, 2, top_k), indices first; axes of length 1 are appended up to the bottom's number of axes.

    Source: BVLC/caffe src/caffe/layers/argmax_layer.cpp.
    """

    def __init__(self, top_k: int = 1, axis: int | None = None, values: bool = False):
        super().__init__()
        self.top_k, self.axis, self.values = top_k, axis, values

    def forward(self, bottom: Tensor) -> Tensor:
        if self.axis is not None:
            largest, places = self._search(bottom, self.axis)
            return largest if self.values else places
        largest, places = self._search(bottom.flatten(1) if bottom.dim() > 1 else bottom.unsqueeze(1), 1)
        found = torch.stack((places, largest), 1) if self.values else places.unsqueeze(1)
        return found.reshape(found.shape + (1,) * (bottom.dim() - 3))

    def _search(self, bottom: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        # From the back: PyTorch returns the first of equal values.
        backwards = bottom.flip(axis)
        if self.top_k == 1:
            places = backwards.argmax(axis, keepdim=True)
            largest = backwards.gather(axis, places)
        else:
            largest, places = (
                found.narrow(axis, 0, self.top_k) for found in backwards.sort(dim=axis, descending=True, stable=True)
            )
        return largest, (bottom.shape[axis] - 1 - places).to(bottom.dtype)

    def extra_repr(self) -> str:
        return f"top_k={self.top_k}, axis={self.axis}, values={self.values}"


class Reduction(nn.Module):
    """Reduce all axes from one on to a single number, times a factor.

    Args:
        operation: "SUM", "MEAN", "ASUM" (of absolute values) or "SUMSQ" (of squares).
        axis: the first axis that is reduced.
        coeff: the factor.

    Source: BVLC/caffe src/caffe/layers/reduction_layer.cpp.
    """

    def __init__(self, operation: str = "SUM", axis: int = 0, coeff: float = 1):
        super().__init__()
        self.operation, self.axis, self.coeff = operation, axis, coeff

    def forward(self, bottom: Tensor) -> Tensor:
        rows = bottom.flatten(self.axis)
        if self.operation == "ASUM":
            rows = rows.abs()
        elif self.operation == "SUMSQ":
            rows = rows.square()
        return (rows.mean(-1) if self.operation == "MEAN" else rows.sum(-1)) * self.coeff

    def extra_repr(self) -> str:
        return f"{self.operation}, axis={self.axis}, coeff={self.coeff}"


class ScalesMaxout(nn.Module):
    """The largest positive values of regions over the scales of an image.

    The first bottom has all regions of the first scale, then all of the second; the second bottom has a row of the
    image's height, width and scales.

    Source: beacandler/R2CNN src/lib/maxout_layer/layer.py, forward.
    """

    def forward(self, regions: Tensor, info: Tensor) -> Tensor:
        scales = info.shape[1] - 2
        if scales < 1 or len(regions) % scales:
            raise RuntimeError(f"{len(regions)} regions cannot be of {scales} scales each")
        return regions.reshape(scales, -1, *regions.shape[1:]).amax(0).clamp(min=0)
