"""Tiles of an image for which a net computes exactly the values of the whole image.

A pixel of the output depends on an interval of the image along each axis, which is traced back through the net's
windows. A tile gives the whole image's value if it contains the interval and begins at a multiple of the net's stride:
no window reaches a border that only the tile has, and at the image's own borders pads and rounded sizes are the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from fcnkit.aliases import Pair
from fcnkit.errors import DefinitionError
from fcnkit.geometry.grids import AxisWindow, square, windows
from fcnkit.geometry.spans import Span, hull, read_span
from fcnkit.types import is_input, kind_of, type_of
from fcnkit.types.looks import WHOLE, Around, Aside, Everything, Look, Pixel, Shifted, Sliding

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter, NetParameter

_SAME = AxisWindow(1)


class TilingError(DefinitionError):
    """A net that tiles cannot compute exactly; the message names the layer."""


class Tile(NamedTuple):
    """The part of the image that a tile reads and the part of the output that it makes.

    Both are (height, width), read in pixels of the whole image, make in pixels of the whole output. inside is the part
    that it makes in pixels of the tile's own output.
    """

    read: tuple[Span, Span]
    make: tuple[Span, Span]
    inside: tuple[Span, Span]


class Tiling:
    """The tiles of a net.

    Attributes:
        stride: (height, width) in pixels of the image; tiles begin at multiples of it.
        scale: (height, width), the output's pixels for each pixel of the image.
    """

    def __init__(self, definition: NetParameter, image: str, output: str, coarse: bool = False):
        """Trace the output back to the image.

        Args:
            definition: a net as CaffeNet.definition returns it.
            image, output: names of the input and of the output.
            coarse: the output may have another stride than the image.

        Raises:
            TilingError: a pixel of the output depends on the whole image, or the output is not on the image's grid.
        """
        self._image, self._output = image, output
        self._links: list[tuple[LayerParameter, dict[str, tuple[AxisWindow, AxisWindow]]]] = []
        layers = _needed(definition, output)
        # Inputs of the form of Caffe's first years are not layers.
        grids = dict.fromkeys(definition.input, (Fraction(1), Fraction(1)))
        strides = [1, 1]
        for layer in layers:
            if is_input(layer):
                grids.update(dict.fromkeys(layer.top, (Fraction(1), Fraction(1))))
                continue
            links = _links(layer)
            scales = {tuple(link.map.scale * g for link, g in zip(links[b], grids[b], strict=True)) for b in links}
            if _is_crop(layer):
                scales.add(grids[layer.bottom[1]])
            if len(scales) != 1:
                raise TilingError(f"layer {layer.name!r} ({kind_of(layer)}) joins blobs of different strides")
            height, width = scales.pop()
            grids.update(dict.fromkeys(layer.top, (height, width)))
            strides = [math.lcm(s, scale.denominator) for s, scale in zip(strides, (height, width), strict=True)]
            self._links.append((layer, links))
        self.stride = (strides[0], strides[1])
        self.scale = grids.get(output, (Fraction(0), Fraction(0)))
        if not all(self.scale) or not (coarse or self.scale[0] == self.scale[1] == 1):
            raise TilingError(f"its output {output!r} does not have one pixel for each pixel of the image")

    def tiles(self, image: Pair, size: int | Pair, output: Pair | None = None) -> Iterator[Tile]:
        """The tiles of an image, row by row; the parts that they make cover the output without overlap.

        Args:
            image: height and width of the image, in pixels.
            size: height and width of the part that a tile makes, in pixels of the output; the part that it reads is
                larger.
            output: height and width of the net's output for the image; the image's by default.
        """
        sizes = (size, size) if isinstance(size, int) else size
        rows, columns = (
            self.along(axis, image[axis], sizes[axis], (output or image)[axis]) for axis in (0, 1)
        )  # fmt: skip
        for row in rows:
            for column in columns:
                yield Tile(*((down, across) for down, across in zip(row, column, strict=True)))

    def along(self, axis: int, image: int, size: int, output: int) -> list[tuple[Span, Span, Span]]:
        """The tiles' spans along one axis: what each reads, makes, and makes in its own pixels; as for `tiles`."""
        spans = []
        for start in range(0, output, size):
            make = Span(start, min(start + size, output))
            read = self.read(axis, make, image)
            # Tiles begin at multiples of the stride, so that this is a whole number.
            first = int(read.start * self.scale[axis])
            spans.append((read, make, Span(make.start - first, make.stop - first)))
        return spans

    def read(self, axis: int, make: Span, length: int) -> Span:
        """The part of an image `length` pixels long that a tile must read to make a part of the output."""
        spans = {self._output: make}
        for layer, links in reversed(self._links):
            tops = [spans.pop(top) for top in dict.fromkeys(layer.top) if top in spans]
            if tops:
                seen = hull(tops)
                for bottom, link in links.items():
                    span = read_span(link[axis], seen)
                    spans[bottom] = hull([span, spans[bottom]]) if bottom in spans else span
        pixel = Span(math.floor(make.start / self.scale[axis]), math.ceil(make.stop / self.scale[axis]))
        start, stop = hull([pixel, spans.get(self._image, pixel)])
        start = max(start, 0)
        return Span(start - start % self.stride[axis], min(stop, length))


def _needed(definition: NetParameter, output: str) -> list[LayerParameter]:
    """The layers that the output depends on, in order."""
    wanted, layers = {output}, []
    for layer in reversed(definition.layer):
        if wanted.intersection(layer.top):
            wanted.difference_update(layer.top)
            wanted.update(layer.bottom)
            layers.append(layer)
    return layers[::-1]


def _is_crop(layer: LayerParameter) -> bool:
    record = type_of(layer)
    return record is not None and any(isinstance(look, Shifted) for look in record.looks(layer))


def _links(layer: LayerParameter) -> dict[str, tuple[AxisWindow, AxisWindow]]:
    """How the tops of a layer depend on its bottoms, by bottom, along height and width.

    Raises:
        TilingError: they depend on all pixels of a bottom, or on none.
    """
    where = f"layer {layer.name!r} ({kind_of(layer)})"
    record = type_of(layer)
    try:
        looks = record.looks(layer) if record is not None else [WHOLE]
    except DefinitionError as error:
        raise TilingError(f"{error}; run it without tiles") from None
    links = {}
    for bottom, look in zip(layer.bottom, looks, strict=False):
        if not isinstance(look, Aside):
            links[bottom] = link(layer, look)
    if not links:
        raise TilingError(f"{where} reads no pixels of the image; run it without tiles")
    return links


def link(layer: LayerParameter, look: Look) -> tuple[AxisWindow, AxisWindow]:
    """A layer's look into a bottom of four axes, as windows along height and along width.

    Raises:
        TilingError: it is not a look through windows.
    """
    match look:
        case Pixel():
            return _SAME, _SAME
        case Around():
            return square(look)
        case Shifted() if layer.crop_param.axis % 4:
            return _cropped(layer, 2), _cropped(layer, 3)
        case Sliding(positions=False):
            return windows(look)
    why = "gives positions in the whole image"
    if not isinstance(look, Sliding):
        why = look.why if isinstance(look, Everything) else "may look at the whole image at once"
    raise TilingError(f"layer {layer.name!r} ({kind_of(layer)}) {why}; run it without tiles")


def _cropped(layer: LayerParameter, axis: int) -> AxisWindow:
    """A Crop's shift along one axis, as a window of one pixel."""
    first, offsets = layer.crop_param.axis % 4, list(layer.crop_param.offset) or [0]
    if axis < first:
        return _SAME
    return AxisWindow(1, pad=-offsets[axis - first if len(offsets) > 1 else 0])
