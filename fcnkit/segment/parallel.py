"""Devices, processes and threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch

from fcnkit.errors import FcnkitError, InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

# One process may take much longer than another.
_PATIENCE = timedelta(days=7)


class Ranks:
    """The processes that torchrun started for one job, or this process alone.

    Attributes:
        rank: the number of this process, from 0.
        world: the number of processes.
    """

    def __init__(self, rank: int = 0, world: int = 1):
        self.rank, self.world = rank, world

    @property
    def first(self) -> bool:
        """Whether this is the first process, which reports for all."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part of the items; every item is in exactly one part."""
        return items[self.rank :: self.world]

    def sum(self, array: np.ndarray) -> np.ndarray:
        """The sum of an int64 array over all processes; each must call it."""
        if self.world == 1:
            return array
        total = torch.from_numpy(array.astype(np.int64))
        torch.distributed.all_reduce(total)
        return total.numpy()

    def total(self, number: int) -> int:
        """The sum of a number over all processes; each must call it."""
        return int(self.sum(np.array([number]))[0])

    @contextmanager
    def together(self) -> Iterator[None]:
        """A block that ends when all processes have finished it, and raises if one of them raised."""
        error = None
        try:
            yield
        except FcnkitError as own:
            error = own
        failed = self.total(error is not None)
        if error is not None:
            raise error
        if failed:
            raise FcnkitError("stopped, because another process failed")


@contextmanager
def ranks() -> Iterator[Ranks]:
    """The processes of this job; they can communicate inside the block."""
    world = int(os.environ.get("WORLD_SIZE", 1)) if "MASTER_ADDR" in os.environ else 1
    if world == 1:
        yield Ranks()
        return
    torch.distributed.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield Ranks(torch.distributed.get_rank(), world)
    finally:
        torch.distributed.destroy_process_group()


def device(name: str) -> torch.device:
    """A device of this machine. If torchrun started several processes, `cuda` gives each its own device in turn.

    Raises:
        InputError: the device does not exist.
    """
    try:
        found = torch.device(name)
        if found.type == "cuda" and found.index is None and "LOCAL_RANK" in os.environ and torch.cuda.is_available():
            found = torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        torch.zeros(1, device=found).item()
        # Caffe convolves in full float32. PyTorch on GPUs convolves by default with 10 bits.
        torch.backends.cudnn.allow_tf32 = False
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        problem = str(error).split("\n")[0].rstrip(".")
        raise InputError(f"there is no device {name!r} here, only {', '.join(there)}: {problem}") from None
    return found


def in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """The results of a function, in order, computed on threads at most a few items ahead."""
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Result]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


class Behind:
    """Calls functions on threads, at most a few calls behind; a later call raises their exceptions."""

    def __init__(self, workers: int):
        self._pool, self._limit = ThreadPoolExecutor(workers), 2 * workers
        self._calls: deque[Future[Any]] = deque()

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._calls.append(self._pool.submit(function, *arguments))
        if len(self._calls) > self._limit:
            self._calls.popleft().result()

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        with self._pool:
            while self._calls and kind is None:
                self._calls.popleft().result()
