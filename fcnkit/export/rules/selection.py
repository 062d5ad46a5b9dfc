"""Parts of a tensor along an axis: slices, in any order, repeated or left out."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def taken(net: Writer, view: View, axis: int, indices: Sequence[int], role: str = "") -> View:
    """The values at some indices of an axis.

    A Slice and a Concat of runs of neighbouring indices; if there are many, a matrix of ones and zeros.
    """
    if list(indices) == list(range(view.shape[axis])):
        return view
    start, stop = indices[0], indices[-1] + 1
    points = [point for point in (start, stop) if 0 < point < view.shape[axis]]
    settings = {"axis": axis, "slice_point": points}
    tops = net.add_several("Slice", len(points) + 1, view, role=role, slice_param=settings)
    return tops[1 if start else 0]
