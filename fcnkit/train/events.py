"""The events that a training run reports, and the watchers that receive them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# A number for each output, or a list where an output has several.
Outputs = dict[str, Any]


class Watcher:
    """Receives the events of a training run; each method does nothing until it is overridden."""

    def started(self, iteration: int, max_iter: int) -> None:
        """Training is about to start at an iteration."""

    def stepped(self, iteration: int, images: int, loss: float, rate: float) -> None:
        """An iteration is complete; `iteration` and `images` are the numbers completed, and the loss is smoothed."""

    def displayed(self, record: dict[str, Any]) -> None:
        """`iteration`, `loss` (smoothed), `lr` and `outputs`, and with debug_info `debug`."""

    def tested(self, record: dict[str, Any]) -> None:
        """`iteration`, `test` (which of the test nets) and `outputs`, and with test_compute_loss `loss`."""

    def scored(self, record: dict[str, Any]) -> None:
        """`iteration` and `score`: the scores of label maps by their names in `metrics.Scores`, and `loss`.

        With several heads these are means over the heads and the sum of their losses, and `heads` has the same for
        each head by its name.
        """

    def snapped(self, state: Path) -> None:
        """A snapshot is written."""

    def noted(self, text: str) -> None:
        """A note for the user."""

    def close(self) -> None:
        """The run has ended, for any reason."""


class Watchers(Watcher):
    """Several watchers as one."""

    def __init__(self, *watchers: Watcher):
        self.watchers = watchers

    def started(self, iteration: int, max_iter: int) -> None:
        for each in self.watchers:
            each.started(iteration, max_iter)

    def stepped(self, iteration: int, images: int, loss: float, rate: float) -> None:
        for each in self.watchers:
            each.stepped(iteration, images, loss, rate)

    def displayed(self, record: dict[str, Any]) -> None:
        for each in self.watchers:
            each.displayed(record)

    def tested(self, record: dict[str, Any]) -> None:
        for each in self.watchers:
            each.tested(record)

    def scored(self, record: dict[str, Any]) -> None:
        for each in self.watchers:
            each.scored(record)

    def snapped(self, state: Path) -> None:
        for each in self.watchers:
            each.snapped(state)

    def noted(self, text: str) -> None:
        for each in self.watchers:
            each.noted(text)

    def close(self) -> None:
        for each in self.watchers:
            each.close()
