"""Plans: which pixels each operation of a program computes, at one size of the inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import nn

from fcnkit.fast.kernels import Pads
from fcnkit.fast.program import Operation, Program
from fcnkit.fast.tracing import Demand, Line, bottom_span, demand, trace, wholes
from fcnkit.geometry.grids import AxisWindow
from fcnkit.geometry.spans import Span, read_span

# Along height and along width.
Box = tuple[Span, Span]
Slices = tuple[slice, slice]

# The time of passing one value through memory, and of putting the background around it, in multiply-adds.
MEMORY, _FRAME = 60, 120
# The least part of the work that the background must save.
_WORTH = 0.03


@dataclass(frozen=True)
class Part:
    """What one operation computes.

    Attributes:
        operation: its number in the program.
        crops: whether its top is the part of its first bottom that it is given.
        bottoms: for each value that it reads the pixels that it is given, or None for all; empty if all is background.
        pads: zeros around the bottom of a convolution; None for the module's own.
        cut: the wanted pixels of its tops, or None for all.
        frame: the pixels that it computes and those that are there with the background around them; None for no frame.
    """

    operation: int
    crops: bool
    bottoms: tuple[Slices | None, ...]
    pads: Pads | None = None
    cut: Slices | None = None
    frame: tuple[Box, Box] | None = None


@dataclass(frozen=True)
class Plan:
    """The parts to compute in order, and behind each the values that no later one reads."""

    parts: Sequence[Part]
    free: Sequence[Sequence[int]]
    lines: tuple[Line, Line]
    framed: Collection[int] = ()


def plan(program: Program, size: tuple[int, int], framed: Collection[int], outputs: Collection[int]) -> Plan | None:
    """The plan for inputs of one size; None if they are empty.

    Args:
        size: (height, width) of the inputs.
        framed: the values around which the background is put.
        outputs: the values that are wanted as a whole.
    """
    rows, columns = (trace(program, axis, length) for axis, length in enumerate(size))
    if rows is None or columns is None:
        return None
    lines = rows, columns
    demands = [demand(program, line, wholes(line, outputs), framed) for line in lines]
    parts = [
        part_of(operation, number, lines, demands, [each.there for each in demands])
        for number, operation in enumerate(program.operations)
        if any(value in demands[0].there for value in operation.makes)
    ]
    return Plan(parts, freed(program, parts, outputs), lines, framed)


def freed(program: Program, parts: Sequence[Part], outputs: Collection[int]) -> list[list[int]]:
    """Behind each part, the values that no later one reads, but for outputs."""
    last: dict[int, int] = {}
    for place, part in enumerate(parts):
        operation = program.operations[part.operation]
        last.update(dict.fromkeys((*operation.makes, *(operation.reads if part.bottoms else ())), place))
    free: list[list[int]] = [[] for _ in parts]
    for value, place in last.items():
        if value not in outputs:
            free[place].append(value)
    return free


def part_of(
    operation: Operation,
    number: int,
    lines: tuple[Line, Line],
    demands: Sequence[Demand],
    held: Sequence[Mapping[int, Span]],
) -> Part:
    """What an operation computes.

    Args:
        operation: the operation.
        number: its number in the program.
        lines: of the program, along height and along width, as the following.
        demands: of the operation's tops.
        held: the pixels of its bottoms that are in memory.
    """
    if not is_mapped(operation, lines):
        return Part(number, False, (None,) * len(operation.reads))
    made, there = ([getattr(each, field)[operation.makes[0]] for each in demands] for field in ("made", "there"))
    frame = None if made == there else ((made[0], made[1]), (there[0], there[1]))
    if not made[0].length:
        return Part(number, operation.crop, (), frame=frame)
    bottoms: list[Slices | None] = []
    pads, firsts = None, []
    for index, read in enumerate(operation.reads):
        spans = [bottom_span(operation, index, line, top) for line, top in zip(lines, made, strict=True)]
        given = [span for span in spans if span is not None]
        if not given or operation.windows is None:
            bottoms.append(None)
            continue
        bottoms.append(_slices(given, [each[read] for each in held]))
        windows = operation.windows[index]
        assert windows is not None
        if isinstance(operation.module, nn.Conv2d):
            seen = [read_span(window, top) for window, top in zip(windows, made, strict=True)]
            padded = [_pad(*each) for each in zip(given, seen, windows, strict=True)]
            pads = padded[0].pads, padded[1].pads
            firsts = [each.first for each in padded]
        elif index == 0 and not operation.crop:
            firsts = [
                top.start - (span.start * window.stride if window.up else span.start // window.stride)
                for top, span, window in zip(made, given, windows, strict=True)
            ]
    cut = None
    if firsts:
        rows, columns = (slice(first, first + top.length) for first, top in zip(firsts, made, strict=True))
        cut = rows, columns
    return Part(number, operation.crop, tuple(bottoms), pads, cut, frame)


class _Pad(NamedTuple):
    """Zeros before and behind a part of a convolution's bottom, and the first of its tops' pixels that is wanted."""

    pads: tuple[int, int]
    first: int


def _pad(given: Span, seen: Span, window: AxisWindow) -> _Pad:
    """The pad of what a convolution is given; where it sees nothing but padding, the pixel beside that is given."""
    before = given.start - seen.start
    pad = before if before >= 0 else before % window.stride
    return _Pad((pad, max(seen.stop - given.stop, 0)), (pad - before) // window.stride)


def is_mapped(operation: Operation, lines: Sequence[Line]) -> bool:
    """Whether an operation depends on its bottoms through windows that fit."""
    return operation.windows is not None and all(value in line.sizes for value in operation.makes for line in lines)


def _slices(given: Sequence[Span], held: Sequence[Span]) -> Slices | None:
    """The given pixels among those that are there; None if they are all."""
    if list(given) == list(held):
        return None
    rows, columns = (slice(g.start - h.start, g.stop - h.start) for g, h in zip(given, held, strict=True))
    return rows, columns


def choose_framed(program: Program, size: tuple[int, int]) -> list[int]:
    """The values around which it pays to put the background, for inputs of one size.

    To compute more of a value costs work in all layers before it; to put the background around it costs a copy.
    """
    lines = [trace(program, axis, length) for axis, length in enumerate(size)]
    shorter = [trace(program, axis, length - program.stride[axis]) for axis, length in enumerate(size)]
    if not program.constant or None in lines or None in shorter:
        return []
    rows, columns = (line for line in lines if line is not None)
    candidates = [
        operation.makes[0]
        for operation in program.operations
        if len(operation.makes) == 1
        and not operation.crop
        and is_mapped(operation, (rows, columns))
        and any(line.reached[operation.makes[0]] != line.whole(operation.makes[0]) for line in (rows, columns))
        and all(line is not None and repeats(program, line, [operation.makes[0]]) for line in shorter)
    ]
    if not candidates:
        return []
    framed = set(candidates)
    least = _work(program, (rows, columns), framed)
    for value in candidates:
        found = _work(program, (rows, columns), framed - {value})
        if found <= least:
            framed.remove(value)
            least = found
    if least > (1 - _WORTH) * _work(program, (rows, columns), ()):
        return []
    return sorted(framed)


def repeats(program: Program, line: Line, values: Collection[int]) -> bool:
    """Whether the background of each value has at least one period along a line that depends on no border."""
    return all(
        value in line.inner and line.inner[value].length >= period(program, line.axis, value) for value in values
    )


def period(program: Program, axis: int, value: int) -> int:
    """The pixels of a value for one stride of the program."""
    return int(program.stride[axis] * program.scales[value][axis])


def shortest(program: Program, axis: int, length: int, values: Collection[int]) -> Line | None:
    """The shortest line whose background repeats, at a length shorter by a multiple of the stride; None for none."""
    stride = program.stride[axis]
    for short in range(length % stride, length, stride):
        line = trace(program, axis, short)
        if line is not None and repeats(program, line, values):
            return line
    return None


def _work(program: Program, lines: tuple[Line, Line], framed: Collection[int]) -> float:
    """An estimate of the multiply-adds of the mapped operations, memory included."""
    total = 0.0
    demands = [demand(program, line, wholes(line, program.outputs), framed) for line in lines]
    for operation in program.operations:
        value = operation.makes[0] if operation.makes else -1
        if value not in demands[0].made or not is_mapped(operation, lines) or operation.crop:
            continue
        made, there = ([getattr(each, field)[value].length for each in demands] for field in ("made", "there"))
        total += work_of(program, operation, made[0] * made[1], there[0] * there[1])
    return total


def work_of(program: Program, operation: Operation, made: int, there: int) -> float:
    """An estimate of the multiply-adds of an operation, memory included.

    Args:
        program: of the operation.
        operation: the operation.
        made: the number of pixels of its top that it computes.
        there: the number of those that are there with the background around them.
    """
    channels = program.channels[operation.makes[0]]
    framing = there * channels * _FRAME if made != there else 0
    return made * (_filters(operation) + channels * MEMORY) + framing


def _filters(operation: Operation) -> float:
    """Multiply-adds for each pixel of the top."""
    module = operation.module
    if isinstance(module, nn.Conv2d):
        return float(module.weight.numel())
    if isinstance(module, nn.ConvTranspose2d):
        return float(module.weight.numel() / (module.stride[0] * module.stride[1]))
    return 0.0
