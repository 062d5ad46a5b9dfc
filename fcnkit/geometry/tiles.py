"""Tiles of an image in which a net computes just what it would in the whole.

A pixel of the output depends on an interval of the image along each axis; walking back through the net's windows finds
it. A tile that holds the interval and begins a whole number of the net's strides into the image gives the whole image's
value: no window reaches a border that only the tile has, and at the image's own borders pads and rounded sizes are the
same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.geometry.grids import WINDOWED, AxisWindow, windows

# A pixel of their top depends on the same pixel of each bottom, and on no other.
POINTWISE = frozenset(
    (
        "AbsVal",
        "BNLL",
        "Clip",
        "Dropout",
        "Eltwise",
        "ELU",
        "Exp",
        "Log",
        "Power",
        "PReLU",
        "ReLU",
        "ReLU6",
        "ShuffleChannel",
        "Sigmoid",
        "Split",
        "Swish",
        "TanH",
        "Threshold",
    )
)
# Likewise where they work along the channels; the field that tells.
_ALONG_CHANNELS = {"Concat": "concat_param", "Slice": "slice_param", "Softmax": "softmax_param"}
_OLD_AXIS = {"Concat": "concat_dim", "Slice": "slice_dim"}


_SAME = AxisWindow(1)


class TilingError(DefinitionError):
    """A net that tiles cannot run exactly; says which layer stands in the way."""


class Span(NamedTuple):
    """Pixels along one axis: from start up to, not including, stop."""

    start: int
    stop: int


class Tile(NamedTuple):
    """What of the image a tile reads and what of the output it makes, (height, width) each, in pixels of the whole."""

    read: tuple[Span, Span]
    make: tuple[Span, Span]


class Tiling:
    """The tiles of a net.

    Attributes:
        stride: (height, width) in pixels of the image; tiles begin at multiples of it.
    """

    def __init__(self, definition: Message, image: str, output: str):
        """Work out how the output depends on the image.

        Args:
            definition: a net as a CaffeNet holds it.
            image, output: names of the input and the output.

        Raises:
            TilingError: some of the output depends on all of the image, or not pixel by pixel on its grid.
        """
        self._image, self._output = image, output
        self._links: list[tuple[Message, dict[str, tuple[AxisWindow, AxisWindow]]]] = []
        layers = _needed(definition, output)
        grids: dict[str, tuple[Fraction, Fraction]] = {}
        strides = [1, 1]
        for layer in layers:
            if layer.type == "Input":
                grids.update(dict.fromkeys(layer.top, (Fraction(1), Fraction(1))))
                continue
            links = _links(layer)
            scales = {tuple(link.map.scale * g for link, g in zip(links[b], grids[b], strict=True)) for b in links}
            if layer.type == "Crop":
                scales.add(grids[layer.bottom[1]])
            if len(scales) != 1:
                raise TilingError(f"layer {layer.name!r} ({layer.type}) joins blobs of different strides")
            height, width = scales.pop()
            grids.update(dict.fromkeys(layer.top, (height, width)))
            strides = [math.lcm(s, scale.denominator) for s, scale in zip(strides, (height, width), strict=True)]
            self._links.append((layer, links))
        self.stride = (strides[0], strides[1])
        if grids.get(output) != (1, 1):
            raise TilingError(f"its output {output!r} is not a map of the image, pixel by pixel")

    def tiles(self, height: int, width: int, size: int) -> Iterator[Tile]:
        """The tiles of an image, row by row; what they make covers it without overlap.

        Args:
            height, width: of the image, in pixels.
            size: side of what a tile makes; it reads more.
        """
        for top in range(0, height, size):
            rows = Span(top, min(top + size, height))
            for left in range(0, width, size):
                columns = Span(left, min(left + size, width))
                yield Tile((self.read(0, rows, height), self.read(1, columns, width)), (rows, columns))

    def read(self, axis: int, make: Span, length: int) -> Span:
        """What of an image `length` pixels long a tile must read to make some of the output."""
        spans = {self._output: make}
        for layer, links in reversed(self._links):
            tops = [spans.pop(top) for top in dict.fromkeys(layer.top) if top in spans]
            if tops:
                seen = _union(tops)
                for bottom, link in links.items():
                    span = _back(link[axis], seen)
                    spans[bottom] = _union([span, spans[bottom]]) if bottom in spans else span
        start, stop = _union([make, spans.get(self._image, make)])
        start = max(start, 0)
        return Span(start - start % self.stride[axis], min(stop, length))


def _back(window: AxisWindow, top: Span) -> Span:
    """The pixels of a window's bottom that those of its top depend on."""
    first, last = top.start, top.stop - 1
    if window.up:
        # Pixel x of the bottom reaches the top's pixels x * stride - pad and the kernel - 1 that follow.
        start = -((window.kernel - 1 - window.pad - first) // window.stride)
        return Span(start, (last + window.pad) // window.stride + 1)
    start = first * window.stride - window.pad
    return Span(start, last * window.stride - window.pad + window.kernel)


def _union(spans: list[Span]) -> Span:
    return Span(min(span.start for span in spans), max(span.stop for span in spans))


def _needed(definition: Message, output: str) -> list[Message]:
    """The layers that the output depends on, in order."""
    wanted, layers = {output}, []
    for layer in reversed(definition.layer):
        if wanted.intersection(layer.top):
            wanted.difference_update(layer.top)
            wanted.update(layer.bottom)
            layers.append(layer)
    return layers[::-1]


def _links(layer: Message) -> dict[str, tuple[AxisWindow, AxisWindow]]:
    """How the tops of a layer depend on its bottoms, by bottom, along height and width."""
    if (layer.type in POINTWISE and layer.bottom) or _along_channels(layer):
        return dict.fromkeys(layer.bottom, (_SAME, _SAME))
    # A second top of Pooling counts the pixels of the whole.
    if layer.type in WINDOWED and (layer.type != "Pooling" or len(layer.top) == 1):
        try:
            return dict.fromkeys(layer.bottom, windows(layer))
        except DefinitionError as error:
            raise TilingError(f"{error}; run it without tiles") from None
    if layer.type == "LRN":
        size = layer.lrn_param.local_size if layer.lrn_param.norm_region else 1
        return {layer.bottom[0]: (AxisWindow(size, 1, size // 2),) * 2}
    if layer.type == "Crop" and layer.crop_param.axis > 0:
        return {layer.bottom[0]: (_cropped(layer, 2), _cropped(layer, 3))}
    raise TilingError(f"{_why(layer)}; run it without tiles")


def _along_channels(layer: Message) -> bool:
    """Whether a layer works along the channels, or with numbers that belong to them."""
    if layer.type in _ALONG_CHANNELS:
        p = getattr(layer, _ALONG_CHANNELS[layer.type])
        old = _OLD_AXIS.get(layer.type)
        return bool((getattr(p, old) if old and p.HasField(old) else p.axis) in (1, -3))
    if layer.type in ("Scale", "Bias"):
        p = getattr(layer, f"{layer.type.lower()}_param")
        if len(layer.bottom) > 1:
            return bool(p.axis == 0)
        return bool(p.num_axes >= 0 and p.axis % 4 + p.num_axes <= 2)
    if layer.type == "BatchNorm":
        p = layer.batch_norm_param
        return not p.HasField("use_global_stats") or bool(p.use_global_stats)
    return False


def _cropped(layer: Message, axis: int) -> AxisWindow:
    """A Crop's shift along one axis, as a window of one pixel."""
    p = layer.crop_param
    if axis < p.axis:
        return _SAME
    offsets = list(p.offset) or [0]
    return AxisWindow(1, pad=-offsets[axis - p.axis if len(offsets) > 1 else 0])


def _why(layer: Message) -> str:
    where = f"layer {layer.name!r} ({layer.type})"
    if not layer.bottom:
        return f"{where} brings in numbers of a size of its own"
    if layer.type == "Pooling":
        return f"{where} gives positions in the whole image"
    if layer.type == "BatchNorm":
        return f"{where} takes its statistics from the whole image"
    return f"{where} may look at the whole image at once"
