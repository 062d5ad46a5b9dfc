"""Convolutions of 3 x 3 by Winograd's minimal filtering: a quarter of the multiplications of the direct way.

F(4 x 4, 3 x 3) computes tiles of 4 x 4 pixels of the top from 6 x 6 pixels of the bottom: both are transformed, and in
between each of the 36 transformed values is a matrix product over the channels. All of it is matrix products, so that
it pays from plain PyTorch where the channels are many. The algorithm is that of Lavin and Gray, "Fast Algorithms for
Convolutional Neural Networks", 2015; the matrices follow Toom and Cook, with points that keep rounding low: the error
is about twice that of a direct convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor

# Pixels of the top in a tile, taps of a filter, pixels of the bottom in a tile, each along one axis.
_TILE, _TAPS = 4, 3
_SIDE = _TILE + _TAPS - 1
# Those with the least error among small fractions; the last point of the algorithm is infinity.
_POINTS = (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(-1, 2))
# Below, the transforms and the reading of four times the weights cost more than they save: measured with oneDNN's
# direct convolution beside it.
_LEAST_CHANNELS, _LEAST_TILES = 96, 36
# Tiles that are multiplied at once; few, so that they stay in the processor's cache.
_TILES_AT_ONCE = 160


def pays(num_output: int, channels: int, top: tuple[int, int]) -> bool:
    """Whether a filter of 3 x 3 is faster in this way.

    Args:
        top: (height, width) of what is computed, in pixels.
    """
    tiles = -(-top[0] // _TILE) * -(-top[1] // _TILE)
    return min(num_output, channels) >= _LEAST_CHANNELS and tiles >= _LEAST_TILES


class Winograd:
    """A convolution of 3 x 3, stride 1, one group, with its filters transformed; they take four times the memory."""

    def __init__(self, weight: Tensor, bias: Tensor | None, slope: float | None):
        """Transform the filters.

        Args:
            weight: (num_output, channels, 3, 3).
            bias: (num_output,).
            slope: of a ReLU behind it below 0; None for no ReLU.
        """
        into, filters, out_of = _matrices()
        self._into, self._out_of = (torch.kron(each, each).float() for each in (into, out_of))
        num_output, channels = weight.shape[:2]
        self._filters = torch.empty(_SIDE * _SIDE, channels, num_output)
        both = torch.kron(filters, filters)
        for part in range(0, num_output, 64):  # in float64, some at a time for the sake of memory
            taps = weight[part : part + 64].double().permute(2, 3, 1, 0).reshape(_TAPS * _TAPS, -1)
            self._filters[:, :, part : part + 64] = (both @ taps).view(_SIDE * _SIDE, channels, -1)
        self._bias = bias if bias is not None else torch.zeros(num_output)
        self._slope = slope

    def __call__(self, bottom: Tensor, pads: Sequence[Sequence[int]]) -> Tensor:
        """The top, (N, num_output, H, W) with its channels last in memory.

        Args:
            bottom: (N, channels, h, w) with its channels last in memory.
            pads: zeros (before, behind) along height and along width.
        """
        batch, channels, *sizes = bottom.shape
        height, width = (size + sum(pad) - _TAPS + 1 for size, pad in zip(sizes, pads, strict=True))
        down, across = -(-height // _TILE), -(-width // _TILE)
        more = down * _TILE - height, across * _TILE - width
        bottom = F.pad(bottom, (pads[1][0], pads[1][1] + more[1], pads[0][0], pads[0][1] + more[0]))
        bottom = bottom.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
        num_output = len(self._bias)
        top = bottom.new_empty((batch, height, width, num_output))
        step = min(max(_TILES_AT_ONCE // across, 1), down)
        # One row of tiles: its pixels by their place in the tile, and what becomes of them.
        gathered = bottom.new_empty((_SIDE, _SIDE, across, channels))
        made = bottom.new_empty((_TILE * _TILE, across * num_output))
        ready = bottom.new_empty((_TILE, across, _TILE, num_output))
        transformed, products = (bottom.new_empty(_SIDE**2 * step * across * each) for each in (channels, num_output))
        for image, result in zip(bottom, top, strict=True):
            for first in range(0, down, step):
                rows = min(step, down - first)
                tiles = rows * across
                values = transformed[: _SIDE**2 * tiles * channels].view(_SIDE**2, -1)
                product = products[: _SIDE**2 * tiles * num_output].view(_SIDE**2, tiles, num_output)
                for row in range(rows):
                    gathered.copy_(_tiles(image, first + row, across))
                    part = values[:, row * across * channels : (row + 1) * across * channels]
                    torch.mm(self._into, gathered.view(_SIDE**2, -1), out=part)
                torch.bmm(values.view(_SIDE**2, tiles, channels), self._filters, out=product)
                for row in range(rows):
                    torch.mm(self._out_of, product[:, row * across : (row + 1) * across].flatten(1), out=made)
                    torch.add(made.view(_TILE, _TILE, across, -1).transpose(1, 2), self._bias, out=ready)
                    if self._slope is not None:
                        F.leaky_relu_(ready, self._slope)
                    start = (first + row) * _TILE
                    lines = result[start : start + _TILE]
                    lines.copy_(ready.view(_TILE, across * _TILE, -1)[: len(lines), :width])
        return top.permute(0, 3, 1, 2)


def _tiles(image: Tensor, row: int, across: int) -> Tensor:
    """A row of tiles of an image (height, width, channels), as a view: (6, 6, tiles, channels)."""
    line, pixel, channel = image.stride()
    start = image.storage_offset() + row * _TILE * line
    return image.as_strided((_SIDE, _SIDE, across, image.shape[2]), (line, pixel, _TILE * pixel, channel), start)


def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """The transforms along one axis, in float64: of pixels (6, 6), of filters (6, 3), and of products (4, 6).

    A product of two polynomials is known from its values at six points: these are the transforms; the transpose of
    the interpolation gives the correlation that a convolution layer is.
    """
    points = _POINTS
    into, filters = [], []
    for number, point in enumerate(points):
        others = [other for place, other in enumerate(points) if place != number]
        scale = Fraction(1)
        for other in others:
            scale *= point - other
        into.append([*_polynomial(others), Fraction(0)])
        filters.append([point**power / scale for power in range(_TAPS)])
    into.append(_polynomial(points))
    filters.append([Fraction(0)] * (_TAPS - 1) + [Fraction(1)])
    out_of = [[*(point**power for point in points), Fraction(int(power == _TILE - 1))] for power in range(_TILE)]
    into_, filters_, out_of_ = (
        torch.tensor([[float(value) for value in row] for row in matrix], dtype=torch.float64)
        for matrix in (into, filters, out_of)
    )
    return into_, filters_, out_of_


def _polynomial(roots: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients of the polynomial with these roots, of the lowest power first."""
    result = [Fraction(1)]
    for root in roots:
        result = [low - root * high for low, high in zip([Fraction(0), *result], [*result, Fraction(0)], strict=True)]
    return result
