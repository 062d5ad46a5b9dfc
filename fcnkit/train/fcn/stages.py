"""Training a run stage by stage, with scores over the whole validation set and the best net kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from fcnkit.files import writing
from fcnkit.formats import load, save
from fcnkit.net import CaffeNet
from fcnkit.palette import label_image
from fcnkit.segment.parallel import Ranks
from fcnkit.surgery.start import start
from fcnkit.train import definition
from fcnkit.train.events import Watcher, Watchers
from fcnkit.train.fcn.folder import Run, Stage
from fcnkit.train.fcn.reporting import best_of, keep_best, report, scores_of
from fcnkit.train.fcn.validation import scored_heads, validate
from fcnkit.train.logs import LogFile
from fcnkit.train.nets import share_weights
from fcnkit.train.processes import agree
from fcnkit.train.trainer import AUTO, Trainer


class ScoringTrainer(Trainer):
    """Trains a stage, and scores the whole validation set where its solver tests.

    Args:
        run, stage: the run, and its stage.
        best: the best mean IU of the stage so far.
        others: of `Trainer`.
    """

    tests_together = True

    def __init__(self, run: Run, stage: Stage, best: float, **others: Any):
        super().__init__(stage.solver, **others)
        self.whole_run, self.stage, self.best = run, stage, best
        self.scored_at = -1
        scored_heads(self.tests[0], run.heads)
        # A net for inference with the same weights, to be written when they are the best.
        self._deployed: CaffeNet = load(stage.deploy)
        share_weights(self._deployed, self.net)

    def test(self) -> None:
        """Score the net on the whole validation set, and keep it if it is the best so far.

        Raises:
            FcnkitError: an image cannot be read, or a file cannot be written.
        """
        run = self.whole_run
        found = validate(
            self.tests[0], run.heads, run.validated, run.shown, self.processes, lambda: bool(self.requests.asked_stop)
        )
        agree(self.processes, self.requests)
        if found is None:
            return
        self.scored_at = self.iteration
        self.stage.predictions(self.iteration).mkdir(parents=True, exist_ok=True)
        for position, maps in found.maps.items():
            for path, labels in zip(run.predicted(self.stage, self.iteration, position), maps, strict=True):
                _write_picture(label_image(labels), path)
        with self.processes.together():
            if self.processes.first:
                # The net is written before its scores, so that the best scores of a log always have their net.
                if found.mean_iu > self.best:
                    self.best = found.mean_iu
                    for path in self.stage.best():
                        save(self._deployed, path, force=True)
                self.watcher.scored({"iteration": self.iteration, "score": found.record()})
                report(run)

    def run(self) -> int:
        """Train as `Trainer.run` does; the last iteration is scored in any case."""
        stopped = super().run()
        if not stopped and self.scored_at != self.iteration:
            self.test()
            stopped = self.requests.stop
        return stopped


def _write_picture(picture: Image.Image, path: Path) -> None:
    with writing(path, force=True) as partial:
        picture.save(partial, format="PNG")


def train_run(run: Run, processes: Ranks, watchers: Callable[[Stage], list[Watcher]], **options: Any) -> int:
    """Train the stages of a run that are not complete, from where each was interrupted.

    Args:
        run: the run; its folder has been prepared.
        processes: the processes that train.
        watchers: gives the watchers of a stage, in addition to its log.
        options: of `Trainer`, such as device and workers.

    Returns:
        The signal that stopped it, or 0.

    Raises:
        FcnkitError: an image cannot be read, a file cannot be written, or the loss is no longer finite.
    """
    before: Stage | None = None
    for stage in run.each:
        scores = scores_of(stage)
        if not _is_complete(stage, scores):
            with processes.together():
                if processes.first and before is not None and not stage.start.exists():
                    go_on_from(before, stage)
            stopped = _train(run, stage, scores, processes, watchers, options)
            if stopped:
                return stopped
        with processes.together():
            if processes.first:
                keep_best(run)
                report(run)
        before = stage
    return 0


def go_on_from(before: Stage, stage: Stage) -> None:
    """Start a stage from the best net of the stage before; its new skips are zero."""
    started = start(stage.deploy, before.best()[1])
    save(started.net, stage.start)


def _is_complete(stage: Stage, scores: list[dict[str, Any]]) -> bool:
    last = definition.read(stage.solver).settings.max_iter
    return any(record["iteration"] == last for record in scores) and all(path.exists() for path in stage.best())


def _train(
    run: Run,
    stage: Stage,
    scores: list[dict[str, Any]],
    processes: Ranks,
    watchers: Callable[[Stage], list[Watcher]],
    options: dict[str, Any],
) -> int:
    """Train one stage; returns the signal that stopped it, or 0."""
    own = [LogFile(stage.log, append=stage.log.exists()), *watchers(stage)] if processes.first else []
    watcher = Watchers(*own)
    best = best_of(scores)["score"]["mean_iu"] if scores else -1.0
    try:
        trainer = ScoringTrainer(run, stage, best, snapshot=AUTO, processes=processes, watcher=watcher, **options)
        try:
            with trainer.requests.listening():
                return trainer.run()
        finally:
            trainer.close()
    finally:
        watcher.close()
