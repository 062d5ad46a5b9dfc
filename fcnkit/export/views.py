"""Tensors of a traced module as views on Caffe's blobs.

A reshape or a permutation adds no layer: it gives another view on the same blob. Layers that bring a blob into a view's
own order are added only when an operation needs the values in that order, and layers that act on each value alone
never do. A permutation that a later one undoes thus disappears.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from fcnkit.aliases import Shape


class Blob(NamedTuple):
    """A blob of the net."""

    name: str
    shape: Shape


@dataclass(frozen=True, eq=False)
class View:
    """A tensor of the traced module: all values of a blob, each once, in an order of its own.

    Attributes:
        blob: the blob.
        layout: a tensor on the meta device, with the view's shape and its strides over the blob's values.
    """

    blob: Blob
    layout: Tensor

    @classmethod
    def of(cls, blob: Blob) -> View:
        """The blob itself."""
        return cls(blob, torch.empty(blob.shape, device="meta"))

    @property
    def shape(self) -> Shape:
        return tuple(self.layout.shape)

    @property
    def in_order(self) -> bool:
        """Whether the view has the values in the blob's order, whatever the shapes."""
        return self.layout.is_contiguous()

    @property
    def is_blob(self) -> bool:
        """Whether the view is the blob itself."""
        return self.in_order and self.shape == self.blob.shape

    def on(self, blob: Blob) -> View:
        """The same view on another blob of the same shape."""
        return View(blob, self.layout)

    def permuted(self, order: Iterable[int]) -> View:
        return View(self.blob, self.layout.permute(tuple(order)))

    def reshaped(self, shape: Shape) -> View | None:
        """The view in another shape of as many values, or None if its order makes that impossible."""
        try:
            return View(self.blob, self.layout.view(shape))
        except RuntimeError:
            return None

    def like(self, other: View) -> bool:
        """Whether both views show blobs of one shape in the same way."""
        return self.blob.shape == other.blob.shape and self._key() == other._key()

    def _key(self) -> object:
        return self.shape, [stride for size, stride in zip(self.shape, self.layout.stride(), strict=True) if size > 1]

    def straight(self) -> tuple[View, tuple[int, ...]]:
        """The view with its axes in the blob's order, so that it is in order; and the axes of this view in it."""
        order = tuple(range(len(self.shape)))
        if not self.in_order:
            strides = self.layout.stride()
            order = tuple(sorted(order, key=lambda axis: -strides[axis]))
        return self.permuted(order), order

    def permutation(self) -> tuple[Shape, tuple[int, ...]]:
        """The blob's values as the fewest axes, in the blob's order; and the order of these axes in the view."""
        runs: list[tuple[int, int]] = []  # (size, stride)
        for size, stride in zip(self.shape, self.layout.stride(), strict=True):
            if runs and size > 1 and runs[-1][1] == size * stride:
                runs[-1] = runs[-1][0] * size, stride
            elif size > 1:
                runs.append((size, stride))
        in_blob = sorted(range(len(runs)), key=lambda run: -runs[run][1])
        return tuple(runs[run][0] for run in in_blob), tuple(in_blob.index(run) for run in range(len(runs)))
