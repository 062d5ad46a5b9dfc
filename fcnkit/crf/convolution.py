"""Convolutions on the permutohedral lattice: learned filters between points of any coordinates."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn

from fcnkit.crf.lattice import neighbours_of, simplices

_LEAST = 1e-20


def taps(dimensions: int, reach: int) -> list[tuple[int, ...]]:
    """The steps along each of dimensions + 1 axes to the vertices that a filter covers, the centre first.

    Steps along all axes lead back to a vertex, so that one of them is 0.

    Source: MPI-IS/bilateralNN bilateralnn_code/src/caffe/util/permutohedral.cpp, LatticeTraversal.
    """
    return [steps for steps in product(range(reach + 1), repeat=dimensions + 1) if 0 in steps]


def gaussian_filter(dimensions: int, reach: int) -> Tensor:
    """The weights (taps) that blurring along each axis by (1/2, 1, 1/2) gives the vertices of a filter.

    They are divided by the weight of the centre; nothing is blurred beyond the filter.

    Source: MPI-IS/bilateralNN bilateralnn_code/src/caffe/util/permutohedral.cpp, GaussianFilter.
    """
    places = taps(dimensions, reach)
    index = {place: number for number, place in enumerate(places)}
    weights = torch.zeros(len(places), dtype=torch.float64)
    weights[0] = 1
    for axis in range(dimensions + 1):
        blurred = weights.clone()
        for number, place in enumerate(places):
            for step in (-1, 1):
                moved = [count + (step if other == axis else 0) for other, count in enumerate(place)]
                other = index.get(tuple(count - min(moved) for count in moved))
                if reach and other is not None:
                    blurred[number] += weights[other] / 2
        weights = blurred
    return weights / weights[0]


class LatticeConvolution(nn.Module):
    """Splat values onto a lattice, convolve them there with learned filters, and slice them at other points.

    Args:
        channels: of the values.
        outputs: the number of filters.
        dimensions: the number of coordinates of a point.
        reach: the steps of the filters along each axis.
        groups: of channels and outputs, convolved apart.
        bias: whether a bias is added.
        symmetric: divide by the roots of the sums of a Gaussian filter's weights before and after; else by the sums
            after.
        offset: the Gaussian filter is added to all filters ("FULL"), to those from a channel to itself ("DIAG"), or to
            none ("NONE").
        skip: do not convolve.
        lattice: whether there is a second top, in which the fork keeps the address of its lattice; here it is 0.

    Source: MPI-IS/bilateralNN bilateralnn_code/src/caffe/layers/permutohedral_layer.cpp and
    src/caffe/util/permutohedral.cpp.
    """

    gaussian: Tensor

    def __init__(
        self,
        channels: int,
        outputs: int,
        dimensions: int,
        reach: int = 1,
        groups: int = 1,
        bias: bool = False,
        symmetric: bool = True,
        offset: str = "FULL",
        skip: bool = False,
        lattice: bool = False,
    ):
        super().__init__()
        self.channels, self.outputs, self.dimensions, self.reach = channels, outputs, dimensions, reach
        self.groups, self.symmetric, self.offset, self.skip, self.lattice = groups, symmetric, offset, skip, lattice
        gaussian = gaussian_filter(dimensions, reach).float()
        self.register_buffer("gaussian", gaussian, persistent=False)
        self.weight = nn.Parameter(torch.zeros(outputs, channels // groups, 1, len(gaussian)))
        self.bias = nn.Parameter(torch.zeros(1, 1, 1, outputs)) if bias else None

    def forward(
        self, values: Tensor, sources: Tensor, targets: Tensor, given: Tensor | None = None
    ) -> Tensor | tuple[Tensor, ...]:
        """The filtered values (images, outputs, height, width).

        Args:
            values: (images, channels, source height, source width).
            sources: (images, dimensions, source height, source width), the points of the values.
            targets: (images, dimensions, height, width), the points of the top.
            given: the lattice of the same points, which is not read.
        """
        if values.shape[::2] != sources.shape[::2] or values.shape[3] != sources.shape[3]:
            raise RuntimeError("values and the features of their points must have as many images, rows and columns")
        if values.shape[1] != self.channels or {sources.shape[1], targets.shape[1]} != {self.dimensions}:
            raise RuntimeError(f"{self.channels} channels and {self.dimensions} features are read")
        if len(targets) != len(values):
            raise RuntimeError("there must be as many images at both ends")
        shape = (len(values), self.outputs, *targets.shape[2:])
        top = values.new_empty(shape)
        if not values.is_meta and len(values):
            each = [self._filtered(*image) for image in zip(values, sources, targets, strict=True)]
            top = torch.stack(each).reshape(shape)
        if self.bias is not None:
            top = top + self.bias.reshape(-1, 1, 1)
        return (top, values.new_zeros(len(values), 3, 1, 8)) if self.lattice else top

    def _filtered(self, values: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        """(outputs, targets) of one image."""
        values, count = values.flatten(1), sources[0].numel()
        points = torch.cat([sources.flatten(1), targets.flatten(1)], 1).t().detach()
        keys, weights, steps = simplices(points.double())
        vertices, vertex = torch.unique(keys, return_inverse=True)
        weights = weights.to(values.dtype)
        ends = ((vertex[:count], weights[:count]), (vertex[count:], weights[count:]))
        # A step from a missing vertex leads nowhere, whatever lies beyond.
        beside = [neighbours_of(vertices, step)[:, 1].long() for step in steps]
        neighbours = []
        for tap in taps(self.dimensions, self.reach):
            place = torch.arange(len(vertices), device=values.device)
            for axis, moves in enumerate(tap):
                for _ in range(moves):
                    place = beside[axis][place]
            neighbours.append(place)

        def convolved(splatted: Tensor, filters: Tensor) -> Tensor:
            """(outputs of filters, vertices), from (channels, vertices) with one vertex more for all missing ones."""
            parts = splatted.reshape(self.groups if len(filters) > 1 else 1, -1, splatted.shape[1])
            kernels = filters.reshape(len(parts), -1, parts.shape[1], filters.shape[-1])
            found = [kernels[..., tap] @ parts[..., place] for tap, place in enumerate(neighbours)]
            return torch.stack(found).sum(0).flatten(0, 1)

        def total(start: int, end: int) -> Tensor:
            """The sum of the weights of a Gaussian filter for each point at an end."""
            ones = values.new_ones(1, len(ends[start][0]))
            blurred = convolved(_splatted(ones, *ends[start], len(vertices)), self.gaussian.to(values)[None, None])
            return _sliced(blurred, *ends[end]) + _LEAST

        if self.symmetric:
            before, after = total(0, 0).rsqrt(), total(1, 1).rsqrt()
        else:
            before, after = values.new_ones(1), 1 / total(0, 1)
        splatted = _splatted(values * before, *ends[0], len(vertices))
        blurred = splatted[:, :-1] if self.skip else convolved(splatted, self._filters())
        return _sliced(blurred, *ends[1]) * after

    def _filters(self) -> Tensor:
        gaussian = self.gaussian.to(self.weight.dtype)
        if self.offset == "NONE":
            return self.weight
        if self.offset == "FULL":
            return self.weight + gaussian
        return self.weight + torch.eye(self.outputs).to(gaussian)[:, :, None, None] * gaussian

    def extra_repr(self) -> str:
        shape = f"{self.channels}, {self.outputs}, {self.dimensions}, reach={self.reach}, groups={self.groups}"
        how = f"bias={self.bias is not None}, symmetric={self.symmetric}, offset={self.offset}, skip={self.skip}"
        return f"{shape}, {how}, lattice={self.lattice}"


def _splatted(values: Tensor, vertex: Tensor, weights: Tensor, vertices: int) -> Tensor:
    """(channels, vertices + 1) of values (channels, points)."""
    shares = (values[:, :, None] * weights).flatten(1)
    return values.new_zeros(len(values), vertices + 1).index_add(1, vertex.flatten(), shares)


def _sliced(values: Tensor, vertex: Tensor, weights: Tensor) -> Tensor:
    """(channels, points) of values (channels, vertices)."""
    return (values[:, vertex] * weights).sum(2)
