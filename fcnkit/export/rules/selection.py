"""Maps along one axis: parts of it in any order, and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from fcnkit.export.views import View
from fcnkit.export.writer import Writer

# The most runs of neighbouring indices that are cut out and joined; more are selected by a matrix.
_MOST_RUNS = 16


def taken(net: Writer, view: View, axis: int, indices: Sequence[int], role: str = "") -> View:
    """The values at some indices of an axis, in any order, repeated or left out.

    Neighbours are cut out by a Slice and joined by a Concat; many runs of them are selected by a matrix of ones and
    zeros.
    """
    size = view.shape[axis]
    if list(indices) == list(range(size)):
        return view
    runs = _runs(indices)
    if len(runs) <= _MOST_RUNS:
        return net.on_axes(view, [axis], lambda base, axes: _sliced(net, base, axes[0], runs, role))
    step = indices[1] - indices[0]
    even = step > 0 and all(b - a == step for a, b in pairwise(indices)) and indices[-1] + step >= size
    if even and axis >= 2 and len(view.shape) == 4 and view.in_order:
        return _strided(net, view, axis, indices[0], step, role)
    return along(net, view, axis, torch.eye(size)[list(indices)], None, role)


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Indices as ranges (start, stop)."""
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = runs[-1][0], index + 1
        else:
            runs.append((index, index + 1))
    return runs


def _sliced(net: Writer, view: View, axis: int, runs: Sequence[tuple[int, int]], role: str) -> View:
    size = view.shape[axis]
    points = sorted({point for run in runs for point in run if 0 < point < size})
    bounds = [0, *points, size]
    parts = [view]
    if points:
        own = "part" if len(runs) > 1 else role
        key = "Slice", net.blob(view), axis, tuple(points)
        settings = {"axis": axis, "slice_point": points}
        parts = net.once(key, lambda: net.add_several("Slice", len(points) + 1, view, role=own, slice_param=settings))
    wanted = [
        parts[index]
        for start, stop in runs
        for index in range(len(parts))
        if start <= bounds[index] and bounds[index + 1] <= stop
    ]
    return wanted[0] if len(wanted) == 1 else net.add("Concat", *wanted, role=role, concat_param={"axis": axis})


def _strided(net: Writer, view: View, axis: int, start: int, step: int, role: str) -> View:
    """Every step-th row or column of each channel, by a Convolution with a 1 at the place of the first."""
    channels = view.shape[1]
    kernel, stride = [1, 1], [1, 1]
    kernel[axis - 2], stride[axis - 2] = start + 1, step
    weight = torch.zeros(channels, 1, *kernel)
    weight[:, :, -1, -1] = 1
    window = {"kernel_h": kernel[0], "kernel_w": kernel[1], "stride_h": stride[0], "stride_w": stride[1]}
    settings = {"num_output": channels, "group": channels, "bias_term": False, **window}
    key = "Convolution", net.blob(view), axis, start, step
    return net.once(key, lambda: net.add("Convolution", view, weights=[weight], role=role, convolution_param=settings))


def along(net: Writer, view: View, axis: int, matrix: Tensor, bias: Tensor | None, role: str = "") -> View:
    """An axis times a matrix (outputs, inputs), plus a bias: a 1 x 1 Convolution; on the last axis an InnerProduct."""
    weights = [matrix] if bias is None else [matrix, bias]
    settings: dict[str, Any] = {"num_output": len(matrix)}
    if bias is None:
        settings["bias_term"] = False

    def multiplied(base: View, axes: list[int]) -> View:
        (own,) = axes
        shape = base.shape
        if own == len(shape) - 1 > 0:
            place = {} if own == 1 else {"axis": own}
            return net.add("InnerProduct", base, weights=weights, role=role, inner_product_param={**settings, **place})
        filters = [matrix.reshape(*matrix.shape, 1, 1), *weights[1:]]
        if not (len(shape) == 4 and own == 1):
            # The blob of a view of (N, C, L) may be (N, C, 1, L).
            plane = base.blob.shape
            if not (len(plane) == 4 and own == 1 and plane[:2] == shape[:2]):
                plane = (math.prod(shape[:own]), shape[own], 1, math.prod(shape[own + 1 :]))
            base = net.reshaped(base, plane)
        window = {**settings, "kernel_size": [1]}
        top = net.add("Convolution", base, weights=filters, role=role, convolution_param=window)
        return net.reshaped(top, (*shape[:own], len(matrix), *shape[own + 1 :]))

    return net.on_axes(view, [axis], multiplied)
