"""Convolutions by Winograd's minimal filtering: a fraction of the multiplications of the direct way.

F(m x m, r x r) computes tiles of m x m pixels of the top with filters of r x r taps. The pixels of the bottom under a
tile are transformed; then each of the transformed values takes part in a matrix product over the channels of its own,
and the products are transformed back. All of it is matrix products, so that it pays from plain PyTorch where the
channels are many. The algorithm is that of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015;
the matrices follow Toom and Cook, with points that keep rounding low: over 512 channels errors are at most 3e-6 of the
largest value for 3 x 3 taps and 2e-6 for 7 x 7, where those of a direct convolution are 3e-7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

Points = tuple[Fraction | int, ...]

# Below, the transforms and the reading of more weights cost more than they save: measured with oneDNN's direct
# convolution beside it.
_LEAST_CHANNELS, _LEAST_TILES = 96, 36
# Tiles that are multiplied at once, and channels of the top: few, so that they stay in the processor's cache.
_TILES_AT_ONCE, _OUTPUTS_AT_ONCE = 160, 512


@dataclass(frozen=True)
class _Way:
    """How filters of one size are computed.

    Attributes:
        tile: pixels of the top in a tile, along each axis.
        parts: (points, taps) for each part of the filter along one axis. The parts are computed side by side: with
            fewer points rounding is lower than with one part. The last point of each, infinity, is left out.
    """

    tile: int
    parts: tuple[tuple[Points, int], ...]


# By the taps along one axis; the points are those with the least error among small fractions.
_WAYS = {
    3: _Way(4, (((0, 1, -1, 2, Fraction(-1, 2)), 3),)),
    7: _Way(2, (((0, 1, -1, Fraction(1, 2)), 4), ((0, 1, -1), 3))),
}


def pays(num_output: int, channels: int, kernel: tuple[int, int], top: tuple[int, int]) -> bool:
    """Whether a convolution of stride 1 and one group is faster in this way.

    Args:
        kernel: (height, width) in taps.
        top: (height, width) of what is computed, in pixels.
    """
    way = _WAYS.get(kernel[0])
    if way is None or kernel[0] != kernel[1]:
        return False
    tiles = -(-top[0] // way.tile) * -(-top[1] // way.tile)
    return min(num_output, channels) >= _LEAST_CHANNELS and tiles >= _LEAST_TILES


class Winograd:
    """A convolution of stride 1 and one group with its filters transformed.

    They take 4 times the memory for 3 x 3 taps, and 1.7 times for 7 x 7.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, slope: float | None):
        """Transform the filters.

        Args:
            weight: (num_output, channels, r, r), with r of 3 or 7.
            bias: (num_output,).
            slope: of a ReLU behind it below 0; None for no ReLU.
        """
        num_output, channels, self.taps = weight.shape[:3]
        self.tile = _WAYS[self.taps].tile
        self.side = self.tile + self.taps - 1
        into, filters, out_of = _matrices(self.taps)
        self.into, self.out_of = (torch.kron(each, each).float() for each in (into, out_of))
        both = torch.kron(filters, filters)
        # For each part of the outputs: (products, channels, outputs).
        self.filters = []
        for part in torch.split(weight.flatten(2), _OUTPUTS_AT_ONCE):
            made = torch.empty(len(both), channels * len(part))
            for start in range(0, channels, 8):  # in float64, some at a time, which stay in the cache
                taps = part[:, start : start + 8].permute(2, 1, 0).flatten(1).double()
                made[:, start * len(part) :][:, : taps.shape[1]] = both @ taps
            self.filters.append(made.view(len(both), channels, len(part)))
        self.bias = bias if bias is not None else torch.zeros(num_output)
        self.slope = slope

    def __call__(self, bottom: Tensor, pads: Sequence[Sequence[int]]) -> Tensor:
        """The top, (N, num_output, H, W) with its channels last in memory.

        Args:
            bottom: (N, channels, h, w) with its channels last in memory.
            pads: zeros (before, behind) along height and along width.
        """
        batch, _, *sizes = bottom.shape
        height, width = (size + sum(pad) - self.taps + 1 for size, pad in zip(sizes, pads, strict=True))
        down, across = -(-height // self.tile), -(-width // self.tile)
        more = down * self.tile - height, across * self.tile - width
        bottom = F.pad(bottom, (pads[1][0], pads[1][1] + more[1], pads[0][0], pads[0][1] + more[0]))
        bottom = bottom.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
        top = bottom.new_empty((batch, height, width, len(self.bias)))
        step = min(max(_TILES_AT_ONCE // across, 1), down)
        compute = _Blocks(self, bottom, top, step, across)
        for image in range(batch):
            for first in range(0, down, step):
                compute(image, first)
        return top.permute(0, 3, 1, 2)


class _Blocks:
    """Computes blocks of rows of tiles, with memory for one of them."""

    def __init__(self, layer: Winograd, bottom: Tensor, top: Tensor, step: int, across: int):
        self._layer, self._bottom, self._top, self._step, self._across = layer, bottom, top, step, across
        channels, outputs = bottom.shape[3], layer.filters[0].shape[2]
        side, tile, count = layer.side, layer.tile, len(layer.into)
        # One row of tiles: its pixels by their place in the tile, and what becomes of them.
        self._gathered = bottom.new_empty((side, side, across, channels))
        self._made = bottom.new_empty(tile * tile * across * outputs)
        self._ready = bottom.new_empty(tile * tile * across * outputs)
        self._values, self._products = (bottom.new_empty(count * step * across * each) for each in (channels, outputs))

    def __call__(self, image: int, first: int) -> None:
        """Compute the block of an image from a row of tiles on."""
        layer, across = self._layer, self._across
        channels, count = self._bottom.shape[3], len(layer.into)
        rows = min(self._step, -(-self._top.shape[1] // layer.tile) - first)
        values = self._values[: count * rows * across * channels].view(count, -1)
        for row in range(rows):
            self._gathered.copy_(self._tiles(image, first + row))
            there = values[:, row * across * channels : (row + 1) * across * channels]
            torch.mm(layer.into, self._gathered.flatten(0, 1).flatten(1), out=there)
        values = values.view(count, rows * across, channels)
        place = 0
        for filters in layer.filters:
            outputs = filters.shape[2]
            product = self._products[: count * rows * across * outputs].view(count, -1, outputs)
            torch.bmm(values, filters, out=product)
            for row in range(rows):
                self._finish(product[:, row * across : (row + 1) * across], image, first + row, place)
            place += outputs

    def _finish(self, product: Tensor, image: int, row: int, place: int) -> None:
        """Transform the products of a row of tiles back, into channels of the top from `place` on."""
        layer, tile, (count, across, outputs) = self._layer, self._layer.tile, product.shape
        size = tile * tile * across * outputs
        made, ready = self._made[:size].view(tile * tile, -1), self._ready[:size].view(tile, across, tile, outputs)
        torch.mm(layer.out_of, product.reshape(count, -1), out=made)
        torch.add(made.view(tile, tile, across, -1).transpose(1, 2), layer.bias[place : place + outputs], out=ready)
        if layer.slope is not None:
            F.leaky_relu_(ready, layer.slope)
        lines = self._top[image, row * tile : (row + 1) * tile, :, place : place + outputs]
        lines.copy_(ready.view(tile, across * tile, -1)[: len(lines), : self._top.shape[2]])

    def _tiles(self, image: int, row: int) -> Tensor:
        """A row of tiles of the bottom, as a view: (side, side, tiles, channels)."""
        side, tile, bottom = self._layer.side, self._layer.tile, self._bottom[image]
        line, pixel, channel = bottom.stride()
        start = bottom.storage_offset() + row * tile * line
        return bottom.as_strided(
            (side, side, self._across, bottom.shape[2]), (line, pixel, tile * pixel, channel), start
        )


@cache
def _matrices(taps: int) -> tuple[Tensor, Tensor, Tensor]:
    """The transforms along one axis, in float64: of pixels (n, side), filters (n, taps), and products (tile, n)."""
    way = _WAYS[taps]
    into, filters, out_of = [], [], []
    before = 0
    for points, own in way.parts:
        behind = taps - own - before
        part_into, part_filters, part_out_of = _part(points, own, way.tile)
        into.append(F.pad(part_into, (before, behind)))
        filters.append(F.pad(part_filters, (before, behind)))
        out_of.append(part_out_of)
        before += own
    return torch.cat(into), torch.cat(filters), torch.cat(out_of, 1)


def _part(points: Points, taps: int, tile: int) -> tuple[Tensor, Tensor, Tensor]:
    """The transforms for a part of the filter, as those of `_matrices`.

    A product of two polynomials is known from its values at some points: these are the transforms; the transpose of
    the interpolation gives the correlation that a convolution layer is.
    """
    into, filters = [], []
    for number, point in enumerate(points):
        others = [other for place, other in enumerate(points) if place != number]
        scale = math.prod((point - other for other in others), start=Fraction(1))
        into.append([*_polynomial(others), Fraction(0)])
        filters.append([point**power / scale for power in range(taps)])
    into.append(_polynomial(points))
    filters.append([Fraction(int(power == taps - 1)) for power in range(taps)])
    out_of = [
        [*(Fraction(point) ** power for point in points), Fraction(int(power == tile - 1))] for power in range(tile)
    ]
    into_, filters_, out_of_ = (
        torch.tensor([[float(value) for value in row] for row in matrix], dtype=torch.float64)
        for matrix in (into, filters, out_of)
    )
    return into_, filters_, out_of_


def _polynomial(roots: Sequence[Fraction | int]) -> list[Fraction]:
    """The coefficients of the polynomial with these roots, of the lowest power first."""
    result = [Fraction(1)]
    for root in roots:
        result = [low - root * high for low, high in zip([Fraction(0), *result], [*result, Fraction(0)], strict=True)]
    return result
