"""Exact positions of a blob's pixels among those of its source blob, one axis at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from fcnkit.types.looks import Around, Sliding
from fcnkit.types.windows import pooled_size


def exactly(value: Fraction) -> str:
    """A number as a short exact decimal if it has one, else as a fraction."""
    decimals = f"{float(value):.10g}"
    return decimals if Fraction(decimals) == value else str(value)


@dataclass(frozen=True)
class Map:
    """Pixel x of one blob lies at pixel scale * x + shift of another."""

    scale: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)

    def after(self, first: Map) -> Map:
        """The composition: `first`, then this map."""
        return Map(self.scale * first.scale, self.scale * first.shift + self.shift)

    def inverse(self) -> Map:
        return Map(1 / self.scale, -self.shift / self.scale)

    def __str__(self) -> str:
        numerator, denominator = self.scale.as_integer_ratio()
        scaled = ("" if numerator == 1 else str(numerator)) + "x" + ("" if denominator == 1 else f"/{denominator}")
        return scaled + (f" {'-' if self.shift < 0 else '+'} {exactly(abs(self.shift))}" if self.shift else "")


@dataclass(frozen=True)
class AxisWindow:
    """A window along one axis: a kernel that reads a bottom or, with up, writes into a top; all lengths in pixels.

    kernel includes the dilation; ceil: the output size is rounded up, as in pooling; padded: the window has a pad
    along any axis.
    """

    kernel: int
    stride: int = 1
    pad: int = 0
    up: bool = False
    ceil: bool = False
    padded: bool = False

    @property
    def map(self) -> Map:
        """From the bottom to the top, centre to centre.

        Source: BVLC/caffe python/caffe/coord_map.py.
        """
        half = Fraction(self.kernel - 1, 2)
        if self.up:
            return Map(Fraction(self.stride), half - self.pad)
        return Map(Fraction(1, self.stride), (self.pad - half) / self.stride)

    @property
    def reach(self) -> int:
        """The number of pixels of the bottom, beyond the first, that a pixel of the top can depend on."""
        return -(-self.kernel // self.stride) - 1 if self.up else self.kernel - 1

    def size(self, bottom: int) -> int:
        """Size of the top for a size of the bottom; below 1 if the window does not fit.

        Source: BVLC/caffe src/caffe/layers/{conv,deconv,pooling}_layer.cpp.
        """
        if self.up:
            return self.stride * (bottom - 1) + self.kernel - 2 * self.pad
        if not self.ceil:
            return (bottom + 2 * self.pad - self.kernel) // self.stride + 1
        return pooled_size(bottom, self.kernel, self.stride, self.pad, self.ceil, self.padded)


@dataclass(frozen=True)
class WindowStep:
    """A window on the path to a blob; jump is the stride of the window's bottom in pixels of the source."""

    layer: str
    window: AxisWindow
    jump: Fraction


@dataclass(frozen=True)
class Grid:
    """Positions of a blob's pixels along one axis: map leads from the source to the blob, through the steps.

    field is the receptive field in pixels of the source; where branches join, that of the widest branch.
    """

    map: Map = Map()
    field: Fraction = Fraction(1)
    steps: tuple[WindowStep, ...] = ()

    @property
    def stride(self) -> Fraction:
        """The distance between neighbouring pixels of the blob, in pixels of the source."""
        return 1 / self.map.scale

    @property
    def start(self) -> Fraction:
        """The pixel of the source on which the blob's first pixel is centred."""
        return self.map.inverse().shift

    def through(self, layer: str, window: AxisWindow) -> Grid:
        """The grid of the top that a window makes."""
        steps = (*self.steps, WindowStep(layer, window, self.stride))
        return Grid(window.map.after(self.map), self.field + window.reach * self.stride, steps)

    def around(self, size: int) -> Grid:
        """The same grid, seen through a square `size` pixels wide around each pixel."""
        return Grid(self.map, self.field + (size - 1) * self.stride, self.steps)

    def cropped(self, offset: int) -> Grid:
        """The grid of a crop that begins at pixel `offset`."""
        return Grid(Map(self.map.scale, self.map.shift - offset), self.field, self.steps)


# Grids along height and width by source; a blob can come from several, such as color and depth.
Grids = Mapping[str, tuple[Grid, Grid]]


def windows(sliding: Sliding) -> tuple[AxisWindow, AxisWindow]:
    """A window along height and along width."""
    height, width = (
        AxisWindow((kernel - 1) * dilation + 1, stride, pad, sliding.up, sliding.ceil, any(sliding.pad))
        for kernel, stride, pad, dilation in zip(
            sliding.kernel, sliding.stride, sliding.pad, sliding.dilation, strict=True
        )
    )
    return height, width


def square(around: Around) -> tuple[AxisWindow, AxisWindow]:
    """The square that a layer looks at around each pixel, as a window along height and along width."""
    window = AxisWindow(around.size, 1, around.size // 2)
    return window, window
