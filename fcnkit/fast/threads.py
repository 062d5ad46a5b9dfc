"""Work that is shared by threads, each of which runs its operations on one core.

PyTorch divides every operation among its threads, which costs more than it saves where operations are short. A chain
of short ones is faster with a block of the values for each thread: it also stays in that core's cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Task = TypeVar("Task")


def count() -> int:
    """The threads that operations of the calling thread may use."""
    return torch.get_num_threads()


def share(tasks: Sequence[Task], worker: Callable[[], Callable[[Task], None]]) -> None:
    """Run all tasks, each on one of as many threads as operations may use.

    Args:
        tasks: the next one goes to the thread that is free.
        worker: called once by each thread; makes what runs the tasks there, with memory of its own.
    """
    number = min(count(), len(tasks))
    if number < 2:
        work = worker()
        for task in tasks:
            work(task)
        return
    remaining = iter(tasks)  # advances under Python's lock
    inference = torch.is_inference_mode_enabled()

    def run() -> None:
        # Modes belong to a thread.
        with torch.inference_mode(inference), torch.no_grad():
            work = worker()
            for task in remaining:
                work(task)

    pool = _pool(count())
    for future in [pool.submit(run) for _ in range(number)]:
        future.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    started = Barrier(threads)

    def start() -> None:
        torch.set_num_threads(1)
        started.wait()  # so that the pool begins as many threads as it has tasks

    pool = ThreadPoolExecutor(threads, "fcnkit")
    for future in [pool.submit(start) for _ in range(threads)]:
        future.result()
    # The number also becomes that of threads that begin later; it is meant for those of the pool alone.
    torch.set_num_threads(threads)
    return pool


# A process that is forked has the pool without its threads.
os.register_at_fork(after_in_child=_pool.cache_clear)
