"""The progress of training on the terminal; without a terminal, --log records it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from fcnkit.train.events import Watcher


class Progress(Watcher):
    """A progress bar, and above it a line for each display, test, scoring and snapshot."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._bar: Any = None
        self._task: Any = None

    def started(self, iteration: int, max_iter: int) -> None:
        if not self._console.is_terminal:
            return
        from rich import progress as parts

        columns = (
            "Training",
            parts.BarColumn(),
            parts.MofNCompleteColumn(),
            "{task.fields[numbers]}",
            parts.TimeRemainingColumn(),
        )
        self._bar = parts.Progress(*columns, console=self._console)
        self._task = self._bar.add_task("", total=max_iter, completed=iteration, numbers="")
        self._bar.start()

    def stepped(self, iteration: int, images: int, loss: float, rate: float) -> None:
        if self._bar is None:
            return
        speed = self._bar.tasks[0].speed
        numbers = f"loss {loss:.6g}  lr {rate:.3g}" + (f"  {speed * images:.1f} images/s" if speed else "")
        self._bar.update(self._task, completed=iteration, numbers=numbers)

    def displayed(self, record: dict[str, Any]) -> None:
        self._say(
            f"Iteration {record['iteration']}, loss = {record['loss']:.6g}, lr = {record['lr']:.6g}"
            + _in_words(record["outputs"])
        )

    def tested(self, record: dict[str, Any]) -> None:
        total = f", loss = {record['loss']:.6g}" if "loss" in record else ""
        self._say(f"Iteration {record['iteration']}, test net {record['test']}{total}" + _in_words(record["outputs"]))

    def scored(self, record: dict[str, Any]) -> None:
        from fcnkit.segment.metrics import MEANS

        score = record["score"]
        means = "".join(f", {words} = {_number(score[name], '.2%')}" for name, words in MEANS.items())
        for head, own in score.get("heads", {}).items():
            means += f", {head} mean IU = {_number(own['mean_iu'], '.2%')}"
        self._say(f"Iteration {record['iteration']}{means}, loss = {_number(score['loss'], '.6g')}")

    def snapped(self, state: Path) -> None:
        self._say(f"Snapshot: {state}")

    def noted(self, text: str) -> None:
        self._say(text)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _say(self, text: str) -> None:
        if self._bar is not None:
            # The line is printed above the bar.
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _in_words(outputs: dict[str, Any]) -> str:
    words = ""
    for name, value in outputs.items():
        shown = name if name.isprintable() else repr(name)
        values = value if isinstance(value, list) else [value]
        numbers = " ".join(f"{number:.6g}" for number in values if not math.isnan(number)) or "nan"
        words += f"; {shown} = {numbers}"
    return words


def _number(value: float | None, kind: str) -> str:
    return "-" if value is None or math.isnan(value) else format(value, kind)
