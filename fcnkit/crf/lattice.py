"""The permutohedral lattice: Gaussian filters between points of several coordinates, in time linear in their number."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# How the sums of a filter are normalized.
NORMALIZATIONS = ("symmetric", "before", "after", "none")


class Lattice:
    """Sums over all points, weighted approximately by exp(-distance^2 / 2).

    Values are splatted onto the vertices around each point, blurred along each axis of the lattice, and sliced at the
    points again. All three are sums over a few rows with fixed weights, so the filter is linear in the values. Its
    transpose blurs along the axes in reverse order.

    Attributes:
        vertices: the number of vertices around all points.

    Source: Adams, Baek and Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice", Computer Graphics
    Forum 29(2), 2010; lucasb-eyer/pydensecrf pydensecrf/densecrf/src/permutohedral.cpp for the scale of the sums, and
    pairwise.cpp there, DenseKernel, for their normalization.
    """

    def __init__(self, points: Tensor, normalization: str = "none", dtype: torch.dtype = torch.float32):
        """Place the points on the lattice.

        Args:
            points: (points, dimensions), in standard deviations of the filter. They get no gradient.
            normalization: "after" divides each sum by the sum of its weights; "before" divides each value by that
                sum instead; "symmetric" divides both by its root; "none" leaves the sums.
            dtype: of the values that are filtered, float32 or float64.

        Raises:
            ValueError: the points lie too far apart to number the vertices between them.
        """
        count, dimensions = points.shape
        keys, weights, steps = simplices(points.detach().double())
        weights = weights.to(dtype)
        ordered, order = torch.sort(keys.flatten(), stable=True)
        first = torch.ones_like(ordered, dtype=torch.bool)
        first[1:] = ordered[1:] != ordered[:-1]
        vertex = torch.empty_like(order).scatter_(0, order, first.cumsum(0) - 1)
        keys = ordered[first]
        self.vertices = len(keys)
        # A further vertex, whose value is 0, stands for all that are missing.
        starts = torch.cat([first.nonzero().flatten(), order.new_full((2,), len(order))])
        self._splat = (order // (dimensions + 1)).int(), starts.int()
        self._slice = vertex.view(count, dimensions + 1).int(), None
        self._blur = weights.new_tensor([1, 0.5, 0.5]).repeat(self.vertices + 1, 1)
        self._neighbours = [neighbours_of(keys, step) for step in steps]
        # Steps along all axes lead back to a vertex: without the scale, it would have the weight 1 + 2^-d to itself.
        scale = 1 / (1 + 2.0**-dimensions)
        self._weights = [(weights.flatten()[order], weights * scale)] * 2
        if normalization != "none":
            total = self.filter(torch.ones(count, 1, dtype=dtype, device=points.device), reverse=False)
            powers = {"symmetric": (-0.5, -0.5), "before": (-1, 0), "after": (0, -1)}[normalization]
            before, after = (weights * total**power for power in powers)
            # In reverse, both change places.
            self._weights = [(one.flatten()[order], other * scale) for one, other in ((before, after), (after, before))]

    def __call__(self, values: Tensor) -> Tensor:
        """Filter values.

        Args:
            values: (points, channels).

        Returns:
            (points, channels).
        """
        return _filtered(values, self, reverse=False)

    def filter(self, values: Tensor, reverse: bool) -> Tensor:
        """The filter or, in reverse, its transpose."""
        splat, slices = self._weights[reverse]
        values = _sums(values.contiguous(), *self._splat, splat)
        for neighbours in reversed(self._neighbours) if reverse else self._neighbours:
            values = _sums(values, neighbours, None, self._blur)
        return _sums(values, *self._slice, slices)


class _Filter(torch.autograd.Function):
    """The filter, with the transposed filter as its gradient."""

    @staticmethod
    def forward(context: Any, values: Tensor, lattice: Lattice, reverse: bool) -> Tensor:
        context.lattice, context.reverse = lattice, reverse
        return lattice.filter(values, reverse)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        return _filtered(gradient, context.lattice, not context.reverse), None, None


def _filtered(values: Tensor, lattice: Lattice, reverse: bool) -> Tensor:
    found: Tensor = _Filter.apply(values, lattice, reverse)  # type: ignore[no-untyped-call]
    return found


def _sums(rows: Tensor, indices: Tensor, starts: Tensor | None, weights: Tensor) -> Tensor:
    """Weighted sums of rows; each sum has the indices of a row, or those between two starts."""
    return F.embedding_bag(
        indices, rows, starts, mode="sum", per_sample_weights=weights, include_last_offset=starts is not None
    )


def simplices(points: Tensor) -> tuple[Tensor, Tensor, list[int]]:
    """The simplex of the lattice around each point.

    Returns:
        keys: (points, dimensions + 1), a number for each vertex.
        weights: (points, dimensions + 1), the barycentric coordinates of the point.
        steps: the difference of the keys of two neighbouring vertices, for each axis.
    """
    count, d = points.shape
    # Point p is y = E p in the hyperplane of d + 1 coordinates with the sum 0 (Adams et al., page 5), scaled so that
    # splatting, blurring and slicing together have a standard deviation of 1 (page 6).
    axis = torch.arange(1, d + 1, dtype=points.dtype, device=points.device)
    scaled = points * (math.sqrt(2 / 3) * (d + 1) / (axis * (axis + 1)).sqrt())
    y = F.pad(scaled.flip(1).cumsum(1).flip(1), (0, 1))
    y[:, 1:] -= axis * scaled
    # The nearest vertex of remainder 0 has multiples of d + 1 as coordinates, which must sum to 0 as well. The order
    # of the differences states the simplex, and which coordinates to correct.
    nearest = (y / (d + 1)).round()
    difference = y - nearest * (d + 1)
    order = difference.argsort(dim=1, descending=True, stable=True)
    places = torch.arange(d + 1, device=points.device).expand(count, -1)
    rank = torch.empty_like(order).scatter_(1, order, places) + nearest.sum(1, keepdim=True).long()
    correction = (rank < 0).long() - (rank > d).long()
    rank += correction * (d + 1)
    nearest += correction
    # By rank, from the last to the first: what each coordinate adds to one vertex and takes from the next.
    share = torch.empty_like(y).scatter_(1, d - rank, y / (d + 1) - nearest)
    weights = share - share.roll(1, 1)
    weights[:, 0] += 1
    # A vertex is numbered by its first d coordinates, which determine the last, as digits of a mixed radix that leaves
    # room for all neighbours.
    corner = nearest[:, :d].long() * (d + 1)
    low = corner.amin(0) - 2 * (d + 1)
    sizes = (corner.amax(0) + 2 * (d + 1) - low + 1).tolist()
    if math.prod(sizes) >= 2**63:
        raise ValueError("the points lie too far apart for their lattice; choose larger standard deviations")
    strides = [math.prod(sizes[:place]) for place in range(d)]
    digits = torch.tensor([*strides, 0], device=points.device)
    # The vertex of remainder k + 1 is that of k plus 1 in each coordinate, less d + 1 in the one of rank d - k.
    falls = torch.empty_like(rank).scatter_(1, d - rank, digits.expand(count, -1))
    keys = ((corner - low) * digits[:d]).sum(1, keepdim=True) + places * sum(strides)
    keys[:, 1:] -= (d + 1) * falls[:, :d].cumsum(1)
    return keys, weights, [(d + 1) * stride - sum(strides) for stride in [*strides, 0]]


def neighbours_of(keys: Tensor, step: int) -> Tensor:
    """Each vertex with its two neighbours along an axis, (vertices + 1, 3); a missing one is the last.

    Args:
        keys: of the vertices, ascending.
        step: the difference of the keys of neighbours.
    """
    missing = len(keys)
    wanted = keys + step
    place = torch.searchsorted(keys, wanted).clamp_(max=missing - 1)
    vertices = torch.arange(missing + 1, device=keys.device)
    found = torch.stack([vertices, *[torch.full_like(vertices, missing)] * 2], 1)
    here = (keys[place] == wanted).nonzero().flatten()
    found[here, 1] = place[here]
    found[place[here], 2] = here
    return found.int()
