"""A training run as events for TensorBoard."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fcnkit.errors import InputError
from fcnkit.segment.metrics import MEANS
from fcnkit.train.events import Outputs, Watcher
from fcnkit.train.logs import by_head


class Board(Watcher):
    """Writes loss, rate and outputs as scalars.

    Args:
        folder: the folder that the events are written to.

    Raises:
        InputError: the tensorboard package is not installed.
    """

    def __init__(self, folder: Path):
        if find_spec("tensorboard") is None:
            raise InputError("events for TensorBoard need the tensorboard package: pip install 'fcnkit[tensorboard]'")
        self.folder = folder
        self._writer: Any = None

    def started(self, iteration: int, max_iter: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self.folder))

    def displayed(self, record: dict[str, Any]) -> None:
        iteration = record["iteration"]
        self._writer.add_scalar("train/loss", record["loss"], iteration)
        self._writer.add_scalar("train/lr", record["lr"], iteration)
        self._add("train/outputs", record["outputs"], iteration)

    def tested(self, record: dict[str, Any]) -> None:
        self._add(f"test{record['test']}", record["outputs"], record["iteration"])

    def scored(self, record: dict[str, Any]) -> None:
        names = ("loss", *MEANS)
        self._add("validation", {name: record["score"][name] for name in names}, record["iteration"])
        for head, score in by_head(record["score"]).items():
            values = {name: score[name] for name in (*(names if head else ()), "iu")}
            self._add(f"validation/{head}" if head else "validation", values, record["iteration"])

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _add(self, group: str, outputs: Outputs, iteration: int) -> None:
        for name, value in outputs.items():
            for index, each in enumerate(value if isinstance(value, list) else [value]):
                if each is None:
                    continue
                end = f"/{index}" if isinstance(value, list) else ""
                self._writer.add_scalar(f"{group}/{name}{end}", each, iteration)
