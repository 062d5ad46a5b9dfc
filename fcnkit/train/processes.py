"""The processes that train one net together, and the signals that they get."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch
from torch import Tensor

from fcnkit.segment.parallel import Ranks


class Requests:
    """What signals ask of a run; they only set flags, which the run looks at between iterations.

    Attributes:
        stop: the signal that asks to snapshot and stop, or 0.
        snapshot: whether a snapshot is asked for.
    """

    def __init__(self) -> None:
        self.stop = 0
        self.snapshot = False

    @contextmanager
    def listening(self) -> Iterator[Requests]:
        """Take SIGINT, SIGTERM and SIGHUP inside the block; for the main thread alone."""
        handlers = {signal.SIGINT: self._stop, signal.SIGTERM: self._stop}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = self._snap
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stop = number

    def _snap(self, number: int, frame: FrameType | None) -> None:
        self.snapshot = True


def most(processes: Ranks, numbers: list[int], device: torch.device) -> list[int]:
    """The largest of each number over all processes; each must call it."""
    if processes.world == 1:
        return numbers
    tensor = torch.tensor(numbers, device=device)
    torch.distributed.all_reduce(tensor, torch.distributed.ReduceOp.MAX)
    return [int(number) for number in tensor.tolist()]


def mean(processes: Ranks, values: Tensor) -> Tensor:
    """The mean of a tensor over all processes; each must call it."""
    if processes.world > 1:
        values = values.clone()
        torch.distributed.all_reduce(values)
        values /= processes.world
    return values


def gathered(processes: Ranks, tensor: Tensor, device: torch.device) -> list[Tensor]:
    """A tensor of each process, of one shape, in the order of the processes; each must call it."""
    if processes.world == 1:
        return [tensor]
    own = tensor.to(device)
    found = [torch.empty_like(own) for _ in range(processes.world)]
    torch.distributed.all_gather(found, own)
    return [each.cpu() for each in found]
