"""How an image is divided into tiles, and what that costs: the margins of tiles are computed more than once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fcnkit.aliases import Pair
from fcnkit.geometry.tiles import Tiling

# The most tiles along an axis.
_MOST = 64


class TilePlan(NamedTuple):
    """A division of an image into tiles.

    image is (height, width) in pixels, output and make those of the whole output and of the part that a tile makes,
    in pixels of the output, and read that of the largest part of the image that a tile reads. work is the number of
    pixels that all tiles read, for each pixel of the image.
    """

    image: Pair
    output: Pair
    make: Pair
    read: Pair
    tiles: int
    work: float

    def __str__(self) -> str:
        size, read = (f"{height} x {width}" for height, width in (self.image, self.read))
        work = f"about {self.work:.1f} x the work of an untiled run"
        return f"{size} pixels in {self.tiles} tiles of up to {read}, {work}"


def plan(tiling: Tiling, image: Pair, output: Pair, make: Pair) -> TilePlan:
    """The division of an image into tiles that make a part of a given size.

    Args:
        tiling: of the net.
        image, output: (height, width) of the image, and of the net's output for it.
        make: (height, width) of the part that a tile makes, in pixels of the output.
    """
    return _plan(image, output, make, *(_reads(tiling, axis, image, output, make[axis]) for axis in (0, 1)))


def cheapest(tiling: Tiling, image: Pair, output: Pair, fits: Callable[[Pair], bool]) -> TilePlan | None:
    """The division with the least work of which every tile fits into memory; None if not even small tiles fit.

    Args:
        tiling, image, output: as for `plan`.
        fits: whether the net can run on an image of this height and width. What is larger than a size that does not
            fit does not fit either.
    """
    sides = []
    for axis, length in enumerate(output):
        makes = dict.fromkeys(-(-length // count) for count in range(1, _MOST + 1))
        sides.append([(make, _reads(tiling, axis, image, output, make)) for make in makes])
    plans = [_plan(image, output, (down, across), rows, columns)
             for down, rows in sides[0] for across, columns in sides[1]]  # fmt: skip
    refused: list[Pair] = []
    for each in sorted(plans, key=lambda each: (each.work, each.tiles)):
        if any(each.read[0] >= height and each.read[1] >= width for height, width in refused):
            continue
        if fits(each.read):
            return each
        refused.append(each.read)
    return None


def _reads(tiling: Tiling, axis: int, image: Pair, output: Pair, make: int) -> list[int]:
    """The lengths that tiles read along an axis."""
    return [read.length for read, _, _ in tiling.along(axis, image[axis], make, output[axis])]


def _plan(image: Pair, output: Pair, make: Pair, rows: list[int], columns: list[int]) -> TilePlan:
    work = sum(rows) * sum(columns) / (image[0] * image[1])
    return TilePlan(image, output, make, (max(rows), max(columns)), len(rows) * len(columns), work)
