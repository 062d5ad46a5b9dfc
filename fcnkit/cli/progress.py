"""A progress bar with images per second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fcnkit.segment.parallel import Ranks


class Bar:
    """The progress of the work; displays nothing itself."""

    def advance(self) -> None:
        """Count one more finished image."""

    def say(self, text: str) -> None:
        """Write a line to standard error."""
        click.echo(text, err=True)


class _Shown(Bar):
    def __init__(self, bar: Any, task: Any):
        self._bar, self._task = bar, task

    def advance(self) -> None:
        self._bar.advance(self._task)

    def say(self, text: str) -> None:
        # The line is printed above the bar.
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(what: str, total: int, processes: Ranks) -> Iterator[Bar]:
    """A progress bar on the terminal: only in the first process, and only for more than one image."""
    from rich import progress as parts
    from rich.console import Console
    from rich.text import Text

    class Rate(parts.ProgressColumn):
        def render(self, task: parts.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f} images/s" if speed else "")

    console = Console(stderr=True)
    if total < 2 or not processes.first or not console.is_terminal:
        yield Bar()
        return
    columns = ("{task.description}", parts.BarColumn(), parts.MofNCompleteColumn(), Rate(), parts.TimeRemainingColumn())
    with parts.Progress(*columns, console=console) as bar:
        yield _Shown(bar, bar.add_task(what, total=total))
