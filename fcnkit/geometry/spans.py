"""Spans of pixels along one axis, and where a window's bottom and top depend on each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fcnkit.geometry.grids import AxisWindow


class Span(NamedTuple):
    """Pixels along one axis: from start up to, not including, stop."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def within(self, other: Span) -> Span:
        """The pixels of both; no pixels if they do not meet."""
        start = max(self.start, other.start)
        return Span(start, max(min(self.stop, other.stop), start))


def hull(spans: Iterable[Span]) -> Span:
    """From the first pixel of all spans to the last."""
    found = list(spans)
    return Span(min(span.start for span in found), max(span.stop for span in found))


def read_span(window: AxisWindow, top: Span) -> Span:
    """The pixels of a window's bottom, and of its padding, that a span of its top depends on."""
    first, last = top.start, top.stop - 1
    if window.up:
        # Pixel x of the bottom reaches the top's pixels x * stride - pad and the kernel - 1 that follow.
        start = -((window.kernel - 1 - window.pad - first) // window.stride)
        return Span(start, (last + window.pad) // window.stride + 1)
    start = first * window.stride - window.pad
    return Span(start, last * window.stride - window.pad + window.kernel)


def reached_span(window: AxisWindow, bottom: Span) -> Span:
    """The pixels of a window's top that depend on any pixel of a span of its bottom."""
    kernel, stride, pad = window.kernel, window.stride, window.pad
    if window.up:
        return Span(bottom.start * stride - pad, (bottom.stop - 1) * stride - pad + kernel)
    return Span((bottom.start + pad - kernel) // stride + 1, -(-(bottom.stop + pad) // stride))


def covered_span(window: AxisWindow, bottom: Span) -> Span:
    """The pixels of a window's top that depend on no pixel outside of a span of its bottom."""
    kernel, stride, pad = window.kernel, window.stride, window.pad
    if window.up:
        return Span((bottom.start - 1) * stride - pad + kernel, bottom.stop * stride - pad)
    return Span(-(-(bottom.start + pad) // stride), (bottom.stop + pad - kernel) // stride + 1)
