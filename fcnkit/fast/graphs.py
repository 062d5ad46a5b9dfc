"""Runs on CUDA as graphs: the kernels of a whole run are started at once, without the time of Python between them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Run = Callable[[Sequence[Tensor]], list[Tensor]]

# The most graphs that are kept; each has memory of its own for all blobs.
_GRAPHS = 8


def capture(run: Run, inputs: Sequence[Tensor]) -> Run:
    """A run as a CUDA graph, for inputs of the same shapes. It must have run before, with its weights prepared.

    Raises:
        RuntimeError: part of the run cannot be captured.
    """
    given = [each.clone() for each in inputs]
    stream = torch.cuda.Stream(given[0].device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(given[0].device))
    with torch.cuda.stream(stream):
        run(given)  # what cuDNN chooses at a first call is not part of the graph
    torch.cuda.current_stream(given[0].device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        made = run(given)

    def replay(inputs: Sequence[Tensor]) -> list[Tensor]:
        for mine, each in zip(given, inputs, strict=True):
            mine.copy_(each)
        graph.replay()
        return [each.clone() for each in made]

    return replay


class Graphs:
    """Runs that are captured when inputs have the same shapes a second time."""

    def __init__(self, run: Run, capture: Callable[[Run, Sequence[Tensor]], Run] = capture):
        self._run, self._capture = run, capture
        self._graphs: OrderedDict[tuple[torch.Size, ...], Run] = OrderedDict()

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for the inputs, all on one device."""
        key = tuple(each.shape for each in inputs)
        found = self._graphs.get(key)
        if found is None:
            self._graphs[key] = self._run
            if len(self._graphs) > _GRAPHS:
                self._graphs.popitem(last=False)
            return self._run(inputs)
        self._graphs.move_to_end(key)
        if found is self._run:
            try:
                found = self._capture(self._run, inputs)
            except RuntimeError:
                found = self._plainly
            self._graphs[key] = found
        return found(inputs)

    def _plainly(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return self._run(inputs)
