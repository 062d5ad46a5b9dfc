"""Where along one axis a program's values depend on the inputs, and on the canvas' borders."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import nn

from fcnkit.fast.program import Operation, Program
from fcnkit.geometry.spans import Span, covered_span, hull, reached_span, read_span

# Zeros beyond an input are the same as those of a pad, however far.
_ENDLESS = Span(-(2**40), 2**40)


@dataclass(frozen=True)
class Line:
    """The mapped values along one axis, for one length of the inputs; all spans are in the value's own pixels.

    Attributes:
        axis: 0 for height, 1 for width.
        length: of the inputs, in pixels.
        sizes: the number of pixels of each value.
        reached: pixels that can differ from those of the background, the net's values for inputs of zeros.
        inner: pixels of the background that depend on no pad, apart from pads of the inputs.
    """

    axis: int
    length: int
    sizes: Mapping[int, int]
    reached: Mapping[int, Span]
    inner: Mapping[int, Span]

    def whole(self, value: int) -> Span:
        return Span(0, self.sizes[value])


def trace(program: Program, axis: int, length: int) -> Line | None:
    """The line of a program, up to the first window that does not fit; None if an input is empty."""
    if length < 1:
        return None
    sizes = {value: length for value in program.inputs if value in program.scales}
    reached = {value: Span(0, length) for value in sizes}
    inner = dict.fromkeys(sizes, _ENDLESS)
    for operation in program.operations:
        if operation.windows is None or any(read not in sizes for read in operation.reads):
            continue
        found, seen, covered = set(), [], []
        for read, windows in zip(operation.reads, operation.windows, strict=True):
            if windows is None:
                found.add(sizes[read])
                continue
            window = windows[axis]
            if not operation.crop:
                found.add(window.size(sizes[read]))
            seen.append(reached_span(window, reached[read]))
            # Of an endless bottom only the window's own cuts are left out, and there are none.
            covered.append(_ENDLESS if inner[read] == _ENDLESS else covered_span(window, inner[read]))
        if len(found) != 1 or min(found) < 1:
            continue
        size = found.pop()
        whole = Span(0, size)
        within = Span(max(span.start for span in covered), min(span.stop for span in covered))
        if not (operation.moves and within == _ENDLESS):
            within = within.within(whole)
        for made in operation.makes:
            sizes[made], reached[made], inner[made] = size, hull(seen).within(whole), within
    return Line(axis, length, sizes, reached, inner)


@dataclass(frozen=True)
class Demand:
    """The pixels along one axis that are computed, and those that are there in the end, of each value.

    Of a framed value only the pixels that the inputs reach are computed, and the background is put around them.
    """

    made: Mapping[int, Span]
    there: Mapping[int, Span]


def wholes(line: Line, values: Collection[int]) -> dict[int, Span]:
    """All pixels of values; none of those that are not mapped, which are computed in any case."""
    return {value: line.whole(value) if value in line.sizes else Span(0, 0) for value in values}


def demand(program: Program, line: Line, wanted: Mapping[int, Span], framed: Collection[int]) -> Demand:
    """The pixels that are needed for spans of values, outputs or others; see `wholes`."""
    there: dict[int, Span] = {}
    made: dict[int, Span] = {}

    def need(value: int, span: Span) -> None:
        there[value] = hull([there[value], span]) if value in there else span

    for value, span in wanted.items():
        need(value, span)
    for operation in reversed(program.operations):
        needed = [there[value] for value in operation.makes if value in there]
        if not needed:
            continue
        mapped = all(value in line.sizes for value in operation.makes) and operation.windows is not None
        span = hull(needed) if mapped else Span(0, 0)
        there.update(dict.fromkeys(operation.makes, span))
        if mapped and operation.makes[0] in framed:
            reached = span.within(line.reached[operation.makes[0]])
            span = reached if reached.length else span
        made.update(dict.fromkeys(operation.makes, span))
        for number, read in enumerate(operation.reads):
            if read not in line.sizes:
                need(read, Span(0, 0))
            elif not mapped:
                need(read, line.whole(read))
            elif (seen := bottom_span(operation, number, line, span)) is not None:
                need(read, seen)
    # The inputs are there as a whole.
    there.update({value: line.whole(value) for value in program.inputs if value in there and value in line.sizes})
    return Demand(made, there)


def bottom_span(operation: Operation, number: int, line: Line, top: Span) -> Span | None:
    """The pixels of a bottom that an operation is given to make a span of its top; None for all, or for its size.

    A convolution is given what its windows see. Other modules pad and round at both ends of what they are given: it
    begins at a multiple of the stride, and reaches far enough for all cut ends to lie outside the span. They are given
    one pixel at least, the nearest where a window sees nothing but padding.
    """
    windows = operation.windows[number] if operation.windows is not None else None
    if windows is None:
        return None
    window = windows[line.axis]
    span = read_span(window, top)
    if window.up:
        least = -(-(top.stop + 2 * window.pad - window.kernel) // window.stride) + 1
        span = Span(min(span.start, top.start // window.stride), max(span.stop, least))
    elif not isinstance(operation.module, nn.Conv2d):
        span = Span(span.start - span.start % window.stride, span.stop)
    size = line.sizes[operation.reads[number]]
    start = min(max(span.start, 0), size - 1)
    return Span(start, max(min(span.stop, size), start + 1))
