"""What a run leaves for its user beside the nets: the scores, the plot and the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from fcnkit.caffe import prototxt
from fcnkit.errors import FileFormatError
from fcnkit.files import writing
from fcnkit.train import report as page
from fcnkit.train.data.pairing import read_list
from fcnkit.train.fcn.folder import Run, Stage
from fcnkit.train.logs import Log, read
from fcnkit.train.plot import plot


def log_of(stage: Stage) -> Log | None:
    """The log of a stage, or None before its first record."""
    if not stage.log.exists():
        return None
    try:
        return read(stage.log)
    except FileFormatError:
        return None  # stopped before the first record


def scores_of(stage: Stage) -> list[dict[str, Any]]:
    """The records of a stage's scores, in order."""
    log = log_of(stage)
    return log.scores if log else []


def report(run: Run) -> None:
    """Write the scores, the plot and the report anew.

    Raises:
        FcnkitError: one cannot be written.
    """
    logs = [(stage, log) for stage in run.each if (log := log_of(stage))]
    with writing(run.scores, force=True) as partial:
        partial.write_text(json.dumps(_summary(logs), indent=1) + "\n", encoding="utf-8")
    if find_spec("matplotlib"):
        plot({stage.name or "train": log for stage, log in logs}, run.plot, force=True)
    pairs = read_list(run.val_list)
    stages = []
    for stage, log in logs:
        iterations = [record["iteration"] for record in log.scores]
        maps = {
            iteration: [run.predicted(stage, iteration, position) for position in run.shown] for iteration in iterations
        }
        kept = {
            iteration: images
            for iteration, images in maps.items()
            if all(path.exists() for paths in images for path in paths)
        }
        last = prototxt.read(stage.solver, "SolverParameter").max_iter
        stages.append(page.Stage(stage.name, log, kept, last))
    shown = [page.Shown(pairs[position].image, pairs[position].labels) for position in run.shown]
    page.write(run.report, run.title, stages, shown, run.heads, run.facts)


def _summary(logs: Sequence[tuple[Stage, Log]]) -> list[dict[str, Any]]:
    """For each stage that is scored its last and its best scores."""
    return [
        {"stage": stage.name, "last": log.scores[-1], "best": best_of(log.scores)} for stage, log in logs if log.scores
    ]


def best_of(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """The record with the highest mean IU, over all heads; of equal ones the first, whose net was kept."""
    return max(scores, key=lambda record: record["score"]["mean_iu"])


def keep_best(run: Run) -> None:
    """Copy the best net of all stages that are scored to the run's folder.

    Raises:
        OutputError: it cannot be written.
    """
    scored = {stage: best_of(scores) for stage in run.each if (scores := scores_of(stage))}
    best = max(scored, key=lambda stage: scored[stage]["score"]["mean_iu"])
    if best.folder == run.folder:
        return
    for path in (*best.best(), best.folder / "best.prototxt"):
        with writing(run.folder / path.name, force=True) as partial:
            shutil.copyfile(path, partial)
