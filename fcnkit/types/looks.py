"""The pixels of a bottom that a pixel of a layer's tops depends on, along height and width."""

from __future__ import annotations

from dataclasses import dataclass

from fcnkit.aliases import Pair


@dataclass(frozen=True)
class Pixel:
    """At the same pixel only.

    leads: whether the tops lie on this bottom's grid; a factor that multiplies another bottom does not lead.
    """

    leads: bool


@dataclass(frozen=True)
class Sliding:
    """At a window that slides over the bottom, or with `up` from each pixel of the bottom into a window of the top.

    All pairs are (height, width) in pixels. ceil: the number of windows is rounded up, as in pooling. positions: a
    further top contains positions in the whole bottom.
    """

    kernel: Pair
    stride: Pair
    pad: Pair
    dilation: Pair
    up: bool
    ceil: bool
    positions: bool


@dataclass(frozen=True)
class Around:
    """At a square around the same pixel, `size` (odd) pixels wide."""

    size: int


@dataclass(frozen=True)
class Shifted:
    """At the pixel shifted by the crop's offset."""


@dataclass(frozen=True)
class Everything:
    """At all pixels.

    Attributes:
        why: the reason, as a predicate for messages: "takes its statistics from the whole image".
        leads: whether the tops lie on this bottom's grid nevertheless.
    """

    why: str
    leads: bool


@dataclass(frozen=True)
class Aside:
    """At no pixel: at the bottom's size alone, or at numbers that belong to whole channels or items."""

    size_only: bool


Look = Pixel | Sliding | Around | Shifted | Everything | Aside

PIXEL, FACTOR = Pixel(leads=True), Pixel(leads=False)
SHIFTED = Shifted()
WHOLE = Everything("may look at the whole image at once", leads=False)
SIZE, CHANNELWISE = Aside(size_only=True), Aside(size_only=False)
