"""A progress bar with images per second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcnkit.parallel import Ranks


@contextmanager
def progress(what: str, total: int, processes: Ranks) -> Iterator[Callable[[], None]]:
    """A bar on the terminal, of the first process and for more than one image; gives what moves it on by one."""
    from rich import progress as parts
    from rich.console import Console
    from rich.text import Text

    class Rate(parts.ProgressColumn):
        def render(self, task: parts.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f} images/s" if speed else "")

    console = Console(stderr=True)
    if total < 2 or not processes.first or not console.is_terminal:
        yield lambda: None
        return
    columns = ("{task.description}", parts.BarColumn(), parts.MofNCompleteColumn(), Rate(), parts.TimeRemainingColumn())
    with parts.Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
