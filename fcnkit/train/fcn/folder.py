"""The folder of a run: its stages, and the files of each."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fcnkit.errors import FileFormatError, InputError, OutputError
from fcnkit.files import telling, writing

_PLAN = "run.json"
# What a run writes into its folder, and each stage into its own.
_FILES = (
    *("train.prototxt", "val.prototxt", "deploy.prototxt", "solver.prototxt", "start.caffemodel", "log.jsonl"),
    *("best.safetensors", "best.caffemodel", "train.txt", "val.txt"),
    *("start.prototxt", "best.prototxt", "report.html", "training.png", "scores.json", _PLAN),
)
_FOLDERS = ("snapshot", "predictions")


@dataclass(frozen=True)
class Stage:
    """A stage of a run, or a run of one stage: its name ("32s", or "" for the only one) and its folder."""

    name: str
    folder: Path

    @property
    def train(self) -> Path:
        return self.folder / "train.prototxt"

    @property
    def val(self) -> Path:
        return self.folder / "val.prototxt"

    @property
    def deploy(self) -> Path:
        return self.folder / "deploy.prototxt"

    @property
    def solver(self) -> Path:
        return self.folder / "solver.prototxt"

    @property
    def start(self) -> Path:
        """The weights that the stage starts from, where it does not start from its fillers."""
        return self.folder / "start.caffemodel"

    @property
    def snapshots(self) -> Path:
        """The folder of its snapshots."""
        return self.folder / "snapshot"

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    def predictions(self, iteration: int) -> Path:
        """The folder of the label maps of the shown images at an iteration."""
        return self.folder / "predictions" / str(iteration)

    def best(self) -> tuple[Path, Path]:
        """The best net, in PyTorch's world and in Caffe's."""
        return self.folder / "best.safetensors", self.folder / "best.caffemodel"


@dataclass(frozen=True)
class Run:
    """A run as its folder keeps it, so that it can be continued.

    Attributes:
        folder: the folder.
        title: the run in words.
        stages: the names of its stages.
        heads: the names of the classes of each head, by the head's name; "" for the only one.
        shown: positions, in the list of validation images, of those that the report shows.
        validated: the number of validation images.
        facts: what the report says of the run, in order.
    """

    folder: Path
    title: str
    stages: list[str]
    heads: dict[str, list[str]]
    shown: list[int]
    validated: int
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def each(self) -> list[Stage]:
        """The stages, in order."""
        return [Stage(name, self.folder / name) for name in self.stages]

    @property
    def train_list(self) -> Path:
        return self.folder / "train.txt"

    @property
    def val_list(self) -> Path:
        return self.folder / "val.txt"

    def classes(self, head: str) -> Path:
        """The names of the classes of a head."""
        return self.folder / (f"classes-{head}.txt" if head else "classes.txt")

    def predicted(self, stage: Stage, iteration: int, position: int) -> list[Path]:
        """The label maps of a shown image at an iteration, one for each head."""
        folder = stage.predictions(iteration)
        return [folder / (f"{position}-{head}.png" if head else f"{position}.png") for head in self.heads]

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def plot(self) -> Path:
        return self.folder / "training.png"

    @property
    def scores(self) -> Path:
        """The scores of each stage, as JSON."""
        return self.folder / "scores.json"

    def create(self, force: bool) -> None:
        """Make the folder of a new run.

        Raises:
            OutputError: it exists and is not empty, or cannot be made. With `force` the files of an earlier run are
                removed.
        """
        with telling(self.folder):
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                ours = (self.folder / _PLAN).is_file()
                if not (force and ours):
                    way = "replace the run in it with `force`, or choose another" if ours else "choose another"
                    raise OutputError(f"is not an empty folder; {way}").in_file(self.folder)
                Run.load(self.folder).remove()
            for stage in self.each:
                stage.snapshots.mkdir(parents=True)

    def remove(self) -> None:
        """Remove the files of the run, and the folders that are empty then."""
        # The plan goes first: without the other files it would be the plan of no run.
        for head in self.heads:
            self.classes(head).unlink(missing_ok=True)
        for folder in (self.folder, *(stage.folder for stage in self.each)):
            for name in reversed(_FILES):
                (folder / name).unlink(missing_ok=True)
            for name in _FOLDERS:
                shutil.rmtree(folder / name, ignore_errors=True)
        for folder in (*(stage.folder for stage in self.each), self.folder):
            with suppress(OSError):
                folder.rmdir()

    def save(self) -> None:
        """Write the plan. It is the last file of a new run's folder: with it the run can be continued."""
        plan = asdict(self)
        del plan["folder"]
        with writing(self.folder / _PLAN) as partial:
            partial.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Run:
        """The run in a folder.

        Raises:
            InputError, FileFormatError: there is none, or its plan is damaged.
        """
        path = folder / _PLAN
        try:
            plan: Any = json.loads(path.read_text(encoding="utf-8"))
            return cls(folder, **plan)
        except FileNotFoundError:
            raise InputError("is not the folder of a run: it has no run.json").in_file(folder) from None
        except (OSError, ValueError, TypeError) as error:
            problem = getattr(error, "strerror", None) or "it is damaged"
            raise FileFormatError(f"cannot be read as the plan of a run: {problem}").in_file(path) from None
