"""The run of a plan, and the background that is put around what it computes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from fcnkit.aliases import Pair
from fcnkit.fast.bands import Bands, divide
from fcnkit.fast.kernels import Kernel, prepare
from fcnkit.fast.planning import Box, Part, Plan, Slices, choose_framed, period, plan, shortest
from fcnkit.fast.program import Program
from fcnkit.fast.tracing import Line
from fcnkit.geometry.spans import Span

# The most plans, and bytes of backgrounds, that are kept.
_PLANS, _BACKGROUND_BYTES = 64, 64 * 2**20


class Background:
    """The values of a net for inputs of zeros, at a size that is shorter by a multiple of the net's stride.

    Where no border is near, they repeat with the stride; so they give those of every larger size.
    """

    def __init__(self, program: Program, lines: tuple[Line, Line], values: Mapping[int, Tensor]):
        self._program, self._lines, self.values = program, lines, values

    @property
    def nbytes(self) -> int:
        return sum(value.nbytes for value in self.values.values())

    def put_around(self, value: int, tensor: Tensor, made: Box, there: Box, lines: tuple[Line, Line]) -> Tensor:
        """The pixels `there` of a value, of which those in `made`, or none, are computed."""
        (top, bottom), (left, right) = made
        background = self.values[value]
        batch, channels = len(tensor), background.shape[1]
        rows, columns = there
        shape = (batch, channels, rows.length, columns.length)
        whole = torch.empty(shape, dtype=tensor.dtype, device=tensor.device, memory_format=torch.channels_last)
        strips = [
            (Span(rows.start, top), columns),
            (Span(bottom, rows.stop), columns),
            (Span(top, bottom), Span(columns.start, left)),
            (Span(top, bottom), Span(right, columns.stop)),
        ]
        for strip in strips:
            if strip[0].length and strip[1].length:
                down, across = (self._index(value, lines[axis], strip[axis]) for axis in (0, 1))
                # By whole pixels: all channels of one lie together.
                part = background.permute(0, 2, 3, 1).index_select(1, down).index_select(2, across)
                self._part(whole, strip, there).copy_(part.permute(0, 3, 1, 2))
        if tensor.numel():
            self._part(whole, made, there).copy_(tensor)
        return whole

    @staticmethod
    def _part(whole: Tensor, box: Box, there: Box) -> Tensor:
        for axis in (0, 1):
            whole = whole.narrow(2 + axis, box[axis].start - there[axis].start, box[axis].length)
        return whole

    def _index(self, value: int, line: Line, span: Span) -> Tensor:
        """The pixels of this background that are equal to those of a span of the larger one, along one axis."""
        own = self._lines[line.axis]
        first, repeated = own.inner[value].start, period(self._program, line.axis, value)
        first = max(first, 0)
        longer = line.sizes[value] - own.sizes[value]
        pixels = torch.arange(*span, device=self.values[value].device)
        between = first + (pixels - first) % repeated
        behind = torch.where(pixels < first + repeated + longer, between, pixels - longer)
        return torch.where(pixels < first, pixels, behind)


class Runner:
    """Runs a program with prepared weights, and keeps plans and backgrounds by the size of the inputs."""

    def __init__(self, program: Program, boxes: bool = True):
        """Prepare a program to be run.

        Args:
            boxes: compute only the pixels that the inputs reach where the rest is the background.
        """
        self._program, self._boxes = program, boxes and len(program.scales) > 0
        self._kernels: list[Kernel | None] = [None] * len(program.operations)
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._backgrounds: OrderedDict[tuple[int, int], Background] = OrderedDict()

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for the inputs, in the net's order.

        Args:
            inputs: float32, in the order of the net's.
        """
        sizes = {tuple(each.shape[2:]) for each in inputs if each.dim() == 4}
        size = sizes.pop() if len(sizes) == 1 else None
        if size is None or any(each.dim() != 4 for each in inputs) or len({len(each) for each in inputs}) != 1:
            raise ValueError("inputs of several sizes")
        height, width = size
        found = self._plan((height, width))
        background = self._background((height, width), found.framed, inputs[0].device) if found.framed else None
        return self._run(found, dict(zip(self._program.inputs, inputs, strict=True)), self._program.outputs, background)

    def _plan(self, size: tuple[int, int]) -> Plan:
        found = self._plans.get(size)
        if found is None:
            framed = choose_framed(self._program, size) if self._boxes else []
            found = plan(self._program, size, framed, self._program.outputs)
            if found is None:
                raise ValueError("an empty input")
            self._plans[size] = found
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        self._plans.move_to_end(size)
        return found

    def _background(self, size: Pair, framed: Collection[int], device: torch.device) -> Background:
        program = self._program
        rows, columns = (shortest(program, axis, length, framed) for axis, length in enumerate(size))
        assert rows is not None
        assert columns is not None
        small = rows.length, columns.length
        found = self._backgrounds.get(small)
        if found is None or not set(framed) <= found.values.keys():
            kept = sorted({*framed, *(found.values if found else ())})
            run = plan(program, small, (), kept)
            assert run is not None
            zeros = {value: torch.zeros(1, program.channels[value], *small, device=device) for value in program.inputs}
            found = Background(
                program, (rows, columns), dict(zip(kept, self._run(run, zeros, kept, None), strict=True))
            )
            self._backgrounds[small] = found
            while len(self._backgrounds) > 1 and sum(b.nbytes for b in self._backgrounds.values()) > _BACKGROUND_BYTES:
                self._backgrounds.popitem(last=False)
        self._backgrounds.move_to_end(small)
        return found

    def _run(
        self, run: Plan, values: dict[int, Tensor], outputs: Sequence[int], background: Background | None
    ) -> list[Tensor]:
        for part, free in zip(run.parts, run.free, strict=True):
            values.update(self._compute(part, values, run.lines, background))
            for value in free:
                values.pop(value, None)
        return [values[value] for value in outputs]

    def _compute(
        self, part: Part, values: Mapping[int, Tensor], lines: tuple[Line, Line], background: Background | None
    ) -> dict[int, Tensor]:
        """The values that a part makes."""
        operation = self._program.operations[part.operation]
        reads = operation.reads[:1] if part.crops else operation.reads
        bottoms = [self._bottom(read, values[read], pixels) for read, pixels in zip(reads, part.bottoms, strict=False)]
        if not part.bottoms and operation.reads:
            tops: Tensor | tuple[Tensor, ...] = (values[self._program.inputs[0]][:, :, :0],) * len(operation.makes)
        else:
            tops = bottoms[0] if part.crops else self._kernel(part.operation)(bottoms, part.pads)
        if isinstance(tops, Tensor):
            tops = (tops,)
        if part.cut is not None:
            tops = tuple(top[:, :, part.cut[0], part.cut[1]] for top in tops)
        if part.frame is not None:
            assert background is not None
            made, there = part.frame
            tops = tuple(
                background.put_around(value, top, made, there, lines)
                for value, top in zip(operation.makes, tops, strict=True)
            )
        return dict(zip(operation.makes, tops, strict=True))

    def _bottom(self, value: int, tensor: Tensor, pixels: Slices | None) -> Tensor:
        """What an operation is given of a value; an input has its channels last from here on."""
        part = tensor if pixels is None else tensor[:, :, pixels[0], pixels[1]]
        return part.contiguous(memory_format=torch.channels_last) if value in self._program.inputs else part

    def divide(self, size: Pair, output: int, fits: Callable[[int], bool]) -> Bands | None:
        """The bands of one of the net's outputs; see `divide`."""
        framed = choose_framed(self._program, size) if self._boxes else []
        return divide(self._program, size, self._program.outputs[output], framed, fits)

    def in_bands(self, bands: Bands, inputs: Sequence[Tensor]) -> Iterator[tuple[Span, Tensor]]:
        """The rows of an output, from top to bottom, and their values.

        Args:
            bands: of the inputs' size.
            inputs: as for a call.
        """
        background = self._background(bands.size, bands.framed, inputs[0].device) if bands.framed else None
        given = dict(zip(self._program.inputs, inputs, strict=True))
        # From an earlier band: the first row, and the rows from there on.
        kept: dict[int, tuple[int, Tensor]] = {}
        for band in bands.bands:
            values = given | {
                value: rows[:, :, band.held[value].start - first :] for value, (first, rows) in kept.items()
            }
            for part, free in zip(band.parts, band.free, strict=True):
                for value, rows in self._compute(part, values, bands.lines, background).items():
                    values[value] = torch.cat((values[value], rows), 2) if value in values else rows
                for value in free:
                    found = values.pop(value, None)
                    kept.pop(value, None)
                    if found is not None and value in band.kept:
                        first = band.kept[value].start
                        kept[value] = first, found[:, :, first - band.held[value].start :].clone()
            if band.rows.length:
                yield band.rows, values.pop(bands.output)

    def _kernel(self, number: int) -> Kernel:
        kernel = self._kernels[number]
        if kernel is None:
            kernel = self._kernels[number] = prepare(self._program.operations[number])
        return kernel
