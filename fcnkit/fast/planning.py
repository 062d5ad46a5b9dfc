"""Plans: which pixels each operation of a program computes, at one size of the inputs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import nn

from fcnkit.fast.kernels import Pads
from fcnkit.fast.program import Operation, Program
from fcnkit.fast.tracing import Demand, Line, bottom_span, demand, trace
from fcnkit.geometry.spans import Span, read_span

# Along height and along width.
Box = tuple[Span, Span]
Slices = tuple[slice, slice]

# The time of passing one value through memory, and of putting the background around it, in multiply-adds.
_MEMORY, _FRAME = 60, 120
# The least part of the work that the background must save.
_WORTH = 0.03


@dataclass(frozen=True)
class Part:
    """What one operation computes.

    Attributes:
        operation: its number in the program.
        crops: whether its top is the part of its first bottom that it is given.
        bottoms: for each value that it reads the pixels that it is given, or None for all.
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
    demands = [demand(program, line, outputs, framed) for line in lines]
    parts = [
        _part(operation, number, lines, demands)
        for number, operation in enumerate(program.operations)
        if any(value in demands[0].there for value in operation.makes)
    ]
    last: dict[int, int] = {}
    for place, part in enumerate(parts):
        operation = program.operations[part.operation]
        last.update(dict.fromkeys((*operation.makes, *operation.reads), place))
    free: list[list[int]] = [[] for _ in parts]
    for value, place in last.items():
        if value not in outputs:
            free[place].append(value)
    return Plan(parts, free, lines, framed)


def _part(operation: Operation, number: int, lines: tuple[Line, Line], demands: Sequence[Demand]) -> Part:
    if not _is_mapped(operation, lines):
        return Part(number, False, (None,) * len(operation.reads))
    made, there = ([getattr(each, field)[operation.makes[0]] for each in demands] for field in ("made", "there"))
    bottoms: list[Slices | None] = []
    pads, cut = None, None
    for index, read in enumerate(operation.reads):
        given = [bottom_span(operation, index, line, top) for line, top in zip(lines, made, strict=True)]
        if given[0] is None or given[1] is None or operation.windows is None:
            bottoms.append(None)
            continue
        held = [each.there[read] for each in demands]
        bottoms.append(_slices([each for each in given if each is not None], held))
        windows = operation.windows[index]
        assert windows is not None
        if isinstance(operation.module, nn.Conv2d):
            seen = [read_span(window, top) for window, top in zip(windows, made, strict=True)]
            height, width = (
                (max(-span.start, 0), max(span.stop - line.sizes[read], 0))
                for span, line in zip(seen, lines, strict=True)
            )
            pads = height, width
        elif index == 0 and not operation.crop:
            starts = [
                span.start * window.stride if window.up else span.start // window.stride
                for span, window in zip(given, windows, strict=True)
                if span is not None
            ]
            moved = [Span(top.start - start, top.stop - start) for top, start in zip(made, starts, strict=True)]
            cut = slice(*moved[0]), slice(*moved[1])
    frame = None if made == there else ((made[0], made[1]), (there[0], there[1]))
    return Part(number, operation.crop, tuple(bottoms), pads, cut, frame)


def _is_mapped(operation: Operation, lines: Sequence[Line]) -> bool:
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
        and _is_mapped(operation, (rows, columns))
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
    demands = [demand(program, line, program.outputs, framed) for line in lines]
    for operation in program.operations:
        value = operation.makes[0] if operation.makes else -1
        if value not in demands[0].made or not _is_mapped(operation, lines) or operation.crop:
            continue
        made, there = ([getattr(each, field)[value].length for each in demands] for field in ("made", "there"))
        channels = program.channels[value]
        total += made[0] * made[1] * (_filters(operation) + channels * _MEMORY)
        total += there[0] * there[1] * channels * _FRAME if made != there else 0
    return total


def _filters(operation: Operation) -> float:
    """Multiply-adds for each pixel of the top."""
    module = operation.module
    if isinstance(module, nn.Conv2d):
        return float(module.weight.numel())
    if isinstance(module, nn.ConvTranspose2d):
        return float(module.weight.numel() / (module.stride[0] * module.stride[1]))
    return 0.0
