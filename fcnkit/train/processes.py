"""The processes that train one net together, and the signals that they receive."""

from __future__ import annotations

import inspect
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from fcnkit.segment.parallel import Ranks


class Requests:
    """The requests that signals make of a run. A signal only sets flags, which the run checks between iterations.

    Attributes:
        asked_stop, asked_snapshot: the request to this process: the number of the signal that requests a snapshot and
            a stop, or whether a snapshot alone is requested.
        stop, snapshot: the same once all processes agree on it (see `agree`).
    """

    def __init__(self) -> None:
        self.asked_stop, self.asked_snapshot = 0, False
        self.stop, self.snapshot = 0, False

    @contextmanager
    def listening(self) -> Iterator[Requests]:
        """Handle SIGINT, SIGTERM and SIGHUP inside the block; for the main thread only."""
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
        self.asked_stop = number

    def _snap(self, number: int, frame: FrameType | None) -> None:
        self.asked_snapshot = True


def most(processes: Ranks, numbers: list[int], device: torch.device) -> list[int]:
    """The maximum of each number over all processes; each process must call it."""
    if processes.world == 1:
        return numbers
    tensor = torch.tensor(numbers, device=device)
    torch.distributed.all_reduce(tensor, torch.distributed.ReduceOp.MAX)
    return [int(number) for number in tensor.tolist()]


def agree(processes: Ranks, requests: Requests, failed: bool = False) -> bool:
    """Share the requests of all processes; returns whether any has failed. Each process must call it."""
    asked = [requests.asked_stop, int(requests.asked_snapshot), int(failed)]
    requests.asked_snapshot = False
    requests.stop, snapshot, lost = most(processes, asked, torch.device("cpu"))
    requests.snapshot |= bool(snapshot)
    return bool(lost)


def synchronized(module: nn.Module) -> nn.Module:
    """A module whose gradients are averaged over all processes; each process keeps its own statistics, as in Caffe."""
    # From torch 2.13 on, the setting has another name, and the old name causes a warning.
    takes = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in takes else "broadcast_buffers"
    settings: dict[str, Any] = {name: False}
    return DistributedDataParallel(module, **settings)


def unsynchronized(module: nn.Module, more_follow: bool) -> AbstractContextManager[Any]:
    """Exchange accumulated gradients between processes once, in the last backward pass."""
    if more_follow and isinstance(module, DistributedDataParallel):
        return module.no_sync()
    return nullcontext()


def mean(processes: Ranks, values: Tensor) -> Tensor:
    """The mean of a tensor over all processes; each process must call it."""
    if processes.world > 1:
        values = values.clone()
        torch.distributed.all_reduce(values)
        values /= processes.world
    return values
