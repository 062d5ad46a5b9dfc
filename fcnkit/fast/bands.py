"""Runs in bands: rows of an output from top to bottom, where each band carries on what the one before has computed.

A layer with a kernel of 3 reads two rows more than it makes. A band keeps those rows for the next one, so that nothing
is computed twice, apart from rows that are cheaper to compute than to keep. Blobs have the height of a band.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from fcnkit.aliases import Pair
from fcnkit.fast.planning import MEMORY, Part, freed, is_mapped, part_of, work_of
from fcnkit.fast.program import Operation, Program
from fcnkit.fast.tracing import Demand, Line, bottom_span, demand, trace, wholes
from fcnkit.geometry.spans import Span

# How much the number of bands grows until they fit.
_GROWTH = 1.2
_FLOAT = 4


@dataclass(frozen=True)
class Band:
    """What one band computes.

    Attributes:
        rows: of the output; none in a band that only prepares the next one.
        parts: what its operations compute, in order.
        free: behind each part the values that no later one reads.
        made: the rows of values that are computed.
        held: the rows of values that are in memory, with those of earlier bands.
        kept: the rows of values that later bands read.
    """

    rows: Span
    parts: Sequence[Part]
    free: Sequence[Sequence[int]]
    made: Mapping[int, Span]
    held: Mapping[int, Span]
    kept: Mapping[int, Span]


@dataclass(frozen=True)
class Bands:
    """The bands of one size of the inputs.

    Attributes:
        size: (height, width) of the inputs.
        output: the value whose rows are made.
        bands: from top to bottom.
        lines: along height and along width.
        framed: the values around which the background is put.
        nbytes: the most that the blobs of one image take at once.
        work: estimated multiply-adds, relative to those of one run of the whole.
    """

    size: Pair
    output: int
    bands: Sequence[Band]
    lines: tuple[Line, Line]
    framed: Collection[int]
    nbytes: int
    work: float


def divide(
    program: Program, size: Pair, output: int, framed: Collection[int], fits: Callable[[int], bool]
) -> Bands | None:
    """Bands as high as fit into memory; None if none do, or if rows of the output depend on whole blobs.

    Args:
        program: of a net.
        size: (height, width) of the inputs.
        output: the value that is wanted.
        framed: the values around which the background is put.
        fits: whether there is room for the blobs of one image, by their bytes.
    """
    rows, columns = (trace(program, axis, length) for axis, length in enumerate(size))
    if rows is None or columns is None or output not in rows.sizes or output not in columns.sizes:
        return None
    needed = demand(program, rows, wholes(rows, [output]), ()).made
    if not all(is_mapped(each, (rows, columns)) for each in program.operations if needed.keys() & set(each.makes)):
        return None
    count = 2
    while size[0] >= count * program.stride[0]:
        found = _Division(program, (rows, columns), output, framed, count).bands()
        if fits(found.nbytes):
            return found
        count = math.ceil(count * _GROWTH)
    return None


@dataclass(frozen=True)
class _Rows:
    """The rows of one band: new ones of each value that is computed, and those in memory of every value."""

    new: Demand
    held: Mapping[int, Span]


class _Division:
    """A number of bands."""

    def __init__(
        self, program: Program, lines: tuple[Line, Line], output: int, framed: Collection[int], count: int
    ) -> None:
        self._program, self._lines, self._output, self._framed = program, lines, output, framed
        self._all, self._columns = (demand(program, line, wholes(line, [output]), framed) for line in lines)
        self._inputs = {value: self._all.there[value] for value in program.inputs if value in self._all.there}
        height, rows = lines[0].length, lines[0].sizes[output]
        # What is computed up to the end of each band.
        self._stops: list[dict[int, int]] = []
        done = 0
        while done < rows:
            seen = height * (len(self._stops) + 1) // count
            self._stops.append(self._reach(min(seen, height), min(done - (-rows // count), rows)))
            done = self._stops[-1][output]

    def _reach(self, seen: int, most: int) -> dict[int, int]:
        """The row of each value up to which it follows from the inputs' rows up to one.

        Args:
            seen: that row of the inputs.
            most: the last row of the output, which limits what follows the last row of the inputs.
        """
        stops = dict.fromkeys(self._inputs, seen)
        for operation in self._program.operations:
            tops = operation.makes
            if not tops or tops[0] not in self._all.there:
                continue
            whole, computed = self._all.there[tops[0]], self._all.made[tops[0]]
            stop = min(whole.stop, most) if self._output in tops else whole.stop

            def follows(stop: int, operation: Operation = operation, computed: Span = computed) -> bool:
                rows = Span(computed.start, min(stop, computed.stop))
                spans = [bottom_span(operation, number, self._lines[0], rows) for number in range(len(operation.reads))]
                return rows.length < 1 or all(
                    span is None or span.stop <= stops[read] for read, span in zip(operation.reads, spans, strict=True)
                )

            rows = range(whole.start, stop + 1)
            # The first row that does not follow, by halving; the start does.
            last = bisect_left(rows, True, lo=1, key=lambda stop: not follows(stop)) - 1
            stops.update(dict.fromkeys(tops, rows[last]))
        return stops

    def bands(self) -> Bands:
        again = self._cheap()
        rows = [self._rows(place, again) for place in range(len(self._stops))]
        bands = [self._band(each, below, again) for each, below in zip(rows, [*rows[1:], None], strict=True)]
        work = sum(map(self._work, rows)) / self._work(_Rows(self._all, self._all.there))
        size = self._lines[0].length, self._lines[1].length
        return Bands(size, self._output, bands, self._lines, self._framed, self._bytes(bands), work)

    def _cheap(self) -> set[int]:
        """The values of which rows are cheaper to compute again than to keep, to judge by one of the bands."""
        again: set[int] = set()
        place = len(self._stops) // 2
        rows = self._rows(place, again)
        least = self._work(rows)
        for operation in self._program.operations:
            if any(rows.new.there.get(make) not in (None, rows.held.get(make)) for make in operation.makes):
                tried = again.union(operation.makes)
                work = self._work(self._rows(place, tried))
                if work <= least:
                    again, least = tried, work
        return again

    def _rows(self, place: int, again: Collection[int]) -> _Rows:
        """The rows of one band.

        Args:
            place: of the band, from 0 up.
            again: the values that are computed again where they are read.
        """
        stops, above = self._stops[place], self._stops[place - 1] if place else None
        starts = {value: span.start if above is None else above[value] for value, span in self._all.there.items()}
        made: dict[int, Span] = {}
        there: dict[int, Span] = {}
        held = dict(self._inputs)
        # The first row that is read of each value, in this band or a later one, and the values that this band reads.
        first, read = {self._output: starts[self._output]}, {self._output}
        for operation in reversed(self._program.operations):
            tops = operation.makes
            if not tops or tops[0] not in stops:
                continue
            stop, reached = stops[tops[0]], self._all.made[tops[0]]
            needed = min(first.get(top, stop) for top in tops)
            repeats = not set(again).isdisjoint(tops)
            start = needed if repeats else starts[tops[0]]
            begin = min(max(start, reached.start), stop)
            rows = Span(begin, max(min(stop, reached.stop), begin))
            runs = start < stop and (not repeats or not read.isdisjoint(tops))
            if runs:
                made.update(dict.fromkeys(tops, rows))
                there.update(dict.fromkeys(tops, Span(start, stop)))
            held.update(dict.fromkeys(tops, Span(min(needed, start), stop)))
            if start >= reached.stop:
                continue  # no further row is computed
            begin = max(start, reached.start)
            for number, bottom in enumerate(operation.reads):
                seen = bottom_span(operation, number, self._lines[0], Span(begin, max(rows.stop, begin + 1)))
                if seen is not None:
                    first[bottom] = min(seen.start, first.get(bottom, stops[bottom]))
                    if runs and rows.length:
                        read.add(bottom)
        return _Rows(Demand(made, there), held)

    def _band(self, rows: _Rows, below: _Rows | None, again: Collection[int]) -> Band:
        program, new = self._program, rows.new
        parts = [
            part_of(operation, number, self._lines, (new, self._columns), (rows.held, self._columns.there))
            for number, operation in enumerate(program.operations)
            if not new.made.keys().isdisjoint(operation.makes)
        ]
        kept = {
            value: Span(span.start, rows.held[value].stop)
            for value, span in (below.held if below is not None else {}).items()
            if value not in self._inputs and value not in again and span.start < rows.held[value].stop
        }
        return Band(
            new.there.get(self._output, Span(0, 0)),
            parts,
            freed(program, parts, [self._output, *program.inputs]),
            new.there,
            rows.held,
            kept,
        )

    def _work(self, rows: _Rows) -> float:
        """An estimate of the multiply-adds of a band; to join rows with those of earlier bands costs a copy."""
        total, program, columns = 0.0, self._program, self._columns
        for operation in program.operations:
            made = rows.new.made.get(operation.makes[0]) if operation.makes else None
            if made is None or operation.crop:
                continue
            value = operation.makes[0]
            wide = columns.there[value].length
            there = rows.new.there[value].length * wide
            total += work_of(program, operation, made.length * columns.made[value].length, there)
            if rows.held[value] != rows.new.there[value]:
                total += rows.held[value].length * wide * program.channels[value] * MEMORY
        return total

    def _bytes(self, bands: Sequence[Band]) -> int:
        """The most that values take at once: as operations run, and as their rows are joined with earlier ones."""
        inputs = sum(self._size(value, span) for value, span in self._inputs.items())
        live: dict[int, int] = {}
        most = 0
        for band in bands:
            for part, free in zip(band.parts, band.free, strict=True):
                tops = self._program.operations[part.operation].makes
                new = {top: self._size(top, band.made[top]) for top in tops}
                joined = {top: self._size(top, band.held[top]) for top in tops}
                twice = sum(size for top, size in joined.items() if size != new[top])
                twice += sum(new.values()) if part.frame is not None else 0
                most = max(most, inputs + sum(live.values()) + sum(new.values()) + twice)
                live.update(joined)
                for value in free:
                    live.pop(value, None)
                    if value in band.kept:
                        live[value] = self._size(value, band.kept[value])
            live.pop(self._output, None)
        return most

    def _size(self, value: int, rows: Span) -> int:
        return rows.length * self._columns.there[value].length * self._program.channels[value] * _FLOAT
