"""A net that runs on parts of images that are too large for memory: tiles, or bands of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from fcnkit.aliases import Pair
from fcnkit.errors import ArgumentError, InputError
from fcnkit.fast import Optimized
from fcnkit.fast.bands import Bands
from fcnkit.geometry.tile_plans import TilePlan, cheapest, plan
from fcnkit.geometry.tiles import Tiling, TilingError
from fcnkit.net import CaffeNet
from fcnkit.segment.memory import budget, sizes

# The side of a tile in pixels of the image, or that tiles are as large as memory allows.
Tile = int | Literal["auto"]


class BandPlan(NamedTuple):
    """A division of an image into bands; image and output are (height, width), of the image and of the net's output."""

    image: Pair
    output: Pair
    bands: Bands

    def __str__(self) -> str:
        height, width = self.image
        parts = self.bands.bands
        rows = max(band.rows.length for band in parts)
        work = f"about {self.bands.work:.1f} x the work of an untiled run"
        return f"{height} x {width} pixels in {len(parts)} bands of up to {rows} rows, {work}"


Division = TilePlan | BandPlan


class Tiles:
    """The tiles, or the bands of rows, in which a net runs on images of each size."""

    def __init__(
        self,
        net: CaffeNet,
        output: str,
        tile: Tile,
        *,
        memory: int | None = None,
        prepared: Optimized | None = None,
        coarse: bool = False,
        watch: Callable[[Division], object] | None = None,
    ):
        """Check that the net can run in tiles.

        Args:
            net: maps one image to scores, on its device.
            output: the name of the scores.
            tile: height and width of the part that a tile makes, in pixels of the image; or "auto" for none if the
                image fits into memory, else for bands, else for the tiles with the least work that fit.
            memory: the most bytes that blobs take, for "auto"; by default half of what is free.
            prepared: the net with prepared weights, where it runs so; bands need it.
            coarse: the scores may have another stride than the image.
            watch: is called with the division of each size of image that runs in tiles.

        Raises:
            ArgumentError: tile is neither a whole number from 1 up nor "auto", or memory is no number of bytes.
            TilingError: the net cannot run in tiles, and tile is a number.
        """
        if tile != "auto" and not _is_count(tile):
            raise ArgumentError(f"`tile` is {tile!r}; give a number of pixels from 1 up, or 'auto'")
        if memory is not None and not _is_count(memory):
            raise ArgumentError(f"`memory` is {memory!r}; give a number of bytes from 1 up")
        self._net, self._output, self._tile, self._memory, self._watch = net, output, tile, memory, watch
        self._device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
        self._coarse, self._prepared = coarse, prepared
        self._fast = prepared is not None and self._device.type == "cpu"
        self._plans: dict[tuple[Pair, int], Division | None] = {}
        self._tiling: Tiling | TilingError
        try:
            self._tiling = Tiling(net.definition(), net.inputs[0], output, coarse)
        except TilingError as error:
            if tile != "auto":
                raise
            self._tiling = error

    def plan(self, image: Pair, batch: int = 1) -> Division | None:
        """The division of an image of this height and width; None for a run of the whole image.

        Args:
            image: (height, width).
            batch: the number of images that run at once.

        Raises:
            TilingError: the image does not fit into memory, and the net cannot run in tiles.
            InputError: not even small tiles fit into memory.
        """
        key = image, batch
        if key not in self._plans:
            found = self._plans[key] = self._choose(image, batch)
            if found is not None and self._watch is not None:
                self._watch(found)
        return self._plans[key]

    def _choose(self, image: Pair, batch: int) -> Division | None:
        shapes, needed = sizes(self._net, image, self._fast)
        height, width = shapes[self._output][2:]
        if self._tile != "auto":
            self._check(image, (height, width))
            assert isinstance(self._tiling, Tiling)
            down, across = (max(1, int(self._tile * scale)) for scale in self._tiling.scale)
            chosen = plan(self._tiling, image, (height, width), (down, across))
            return None if chosen.tiles == 1 else chosen
        room = budget(self._memory, self._device)
        if batch * needed <= room.bytes:
            return None
        lack = f"{image[0]} x {image[1]} pixels need {_amount(batch * needed)}, and the limit is {_amount(room.bytes)}"
        lack += f", {room.origin}"
        if self._prepared is not None and (self._coarse or image == (height, width)):
            bands = self._prepared.bands(image, self._output, lambda needed: batch * needed <= room.bytes)
            if bands is not None:
                return BandPlan(image, (height, width), bands)
        if isinstance(self._tiling, TilingError):
            raise InputError(f"{lack}; {str(self._tiling).replace('; run it without tiles', '')}") from None
        self._check(image, (height, width))
        best = cheapest(
            self._tiling,
            image,
            (height, width),
            lambda read: batch * sizes(self._net, read, self._fast)[1] <= room.bytes,
        )
        if best is None:
            raise InputError(f"{lack}; tiles need more than that too: raise it with `memory`")
        return best

    def _check(self, image: Pair, output: Pair) -> None:
        if not self._coarse and image != output:
            found, wanted = (f"{height} x {width}" for height, width in (output, image))
            raise InputError(f"the output has {found} pixels for an image of {wanted}; run it without tiles")

    def parts(
        self,
        division: Division,
        batch: Sequence[Image.Image],
        read: Callable[[Sequence[Image.Image]], Tensor],
        run: Callable[[Tensor], Tensor],
    ) -> Iterator[tuple[slice, slice, Tensor]]:
        """The scores of images by parts: rows and columns of the whole scores, and their values for each image.

        Args:
            division: of the images' size, from `plan`.
            batch: images of one size.
            read: the net's input for images, on its device.
            run: computes the scores, (N, classes, height, width).
        """
        if isinstance(division, BandPlan):
            assert self._prepared is not None
            for rows, scores in self._prepared.in_bands(division.bands, read(batch)):
                yield rows, slice(None), scores
            return
        assert isinstance(self._tiling, Tiling)
        for tile in self._tiling.tiles(division.image, division.make, division.output):
            (top, bottom), (left, right) = tile.read
            scores = run(read([image.crop((left, top, right, bottom)) for image in batch]))
            rows, columns = (slice(*span) for span in tile.make)
            yield rows, columns, scores[:, :, slice(*tile.inside[0]), slice(*tile.inside[1])]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _amount(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
