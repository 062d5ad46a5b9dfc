"""Filters in groups and the same filters without: a grouped layer is a dense one that is zero off its diagonal."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fcnkit.layers.fillers import bilinear_kernel


def regroup(filters: Tensor, shape: Sequence[int], group: int) -> Tensor | None:
    """Give filters another number of groups, where they compute the same.

    Args:
        filters: (rows, columns / groups, kernel...), a Convolution's or a Deconvolution's weight.
        shape: wanted; it differs in the second size only.
        group: the number of groups that shape is of.

    Returns:
        The filters in that shape, or None: values would be lost, or the sizes do not fit.
    """
    rows, columns = shape[0], shape[1] * group
    given, rest = divmod(columns, filters.shape[1])
    if rest or rows % given or rows % group or filters.shape[0] != rows or filters.shape[2:] != tuple(shape[2:]):
        return None
    dense = filters.new_zeros(rows, columns, *shape[2:])
    for block, values in zip(_blocks(dense, given), filters.chunk(given), strict=True):
        block.copy_(values)
    grouped = torch.cat(_blocks(dense, group))
    return grouped if grouped.count_nonzero() == filters.count_nonzero() else None


def bilinear_filters(shape: Sequence[int]) -> Tensor | None:
    """The weight of a Deconvolution that upsamples each channel by itself, in groups or dense; None if none can.

    Args:
        shape: (channels, channels / groups, kernel, kernel).
    """
    channels, each, *kernel = shape
    if len(kernel) != 2 or kernel[0] != kernel[1] or channels % each:
        return None
    filters = torch.zeros(tuple(shape))
    index = torch.arange(channels)
    filters[index, index % each] = bilinear_kernel(kernel[0])
    return filters


def _blocks(dense: Tensor, group: int) -> list[Tensor]:
    """The blocks on the diagonal, as views."""
    rows, columns = dense.shape[0] // group, dense.shape[1] // group
    return [dense[k * rows : (k + 1) * rows, k * columns : (k + 1) * columns] for k in range(group)]
