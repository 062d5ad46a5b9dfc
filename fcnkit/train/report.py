"""The report of a training run: one page of HTML that needs no other file, no network and no scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError, printable
from fcnkit.files import writing
from fcnkit.generation.rendering import environment, render
from fcnkit.inspect.diagram import shown as shortened
from fcnkit.palette import IGNORE
from fcnkit.segment.classes import background
from fcnkit.segment.metrics import MEANS, Scores, means
from fcnkit.train import curves, thumbnails
from fcnkit.train import report_tables as tables
from fcnkit.train.logs import Log, by_head

# The most columns of predictions.
_COLUMNS = 6


class Shown(NamedTuple):
    """A validation image that the report shows, and its true label maps: one for each head."""

    image: Path
    labels: Sequence[Path]


class Stage(NamedTuple):
    """A stage of a run.

    Attributes:
        name: "" for a run without stages.
        log: its log.
        predictions: by iteration, for each shown image indexed PNG label maps, one for each head.
        iterations: the planned number of iterations, if known; the report states whether the run has come so far.
    """

    name: str
    log: Log
    predictions: Mapping[int, Sequence[Sequence[Path]]]
    iterations: int | None = None


class _Scoring(NamedTuple):
    """The scores of a stage at an iteration: those of each head, and their means over the heads."""

    stage: int
    iteration: int
    heads: list[Scores]
    means: dict[str, float]
    loss: float | None

    @property
    def key(self) -> tuple[int, int]:
        return self.stage, self.iteration

    @property
    def words(self) -> list[str]:
        """The means in percent, then the mean IU of each of several heads."""
        of_heads = [scores.mean_iu for scores in self.heads] if len(self.heads) > 1 else []
        return [tables.percent(share) for share in (*self.means.values(), *of_heads)]


def write(
    path: AnyPath,
    title: str,
    stages: Sequence[Stage],
    shown: Sequence[Shown],
    heads: Mapping[str, Sequence[str]],
    facts: Mapping[str, str],
    force: bool = True,
) -> None:
    """Write the report: curves, scores by class, the confusion matrix, and predictions over time.

    The best scoring is the first of the highest mean IU, of any stage; with several heads, of the highest mean over
    the heads. Without matplotlib the page has no curves, but a hint how to install it.

    Args:
        path: the page.
        title: its heading.
        stages: the stages in their order; a run without stages is one stage.
        shown: the images of the predictions, in their order.
        heads: the names of the classes of each head, by the head's name; "" for the only one.
        facts: the rows of the table at the top.
        force: replace an existing file.

    Raises:
        FileFormatError: an image or label map cannot be read, or a scoring has another number of classes.
        OutputError: the page cannot be written.
    """
    scorings = [each for index, stage in enumerate(stages) for each in _scorings(index, stage, heads)]
    last = scorings[-1] if scorings else None
    best = _best(scorings)
    values = {
        "title": printable(title),
        "going": _going(stages),
        "facts": [(printable(name), printable(value)) for name, value in facts.items()],
        "staged": len(stages) > 1,
        "means": list(MEANS.values()),
        "of_heads": [printable(head) for head in heads] if len(heads) > 1 else [],
        "best": best and _scoring_row(best, stages, best, last),
        "count": len(scorings),
        "summary": [_scoring_row(each, stages, best, last) for each in _summary(scorings)],
        "scorings": [_scoring_row(each, stages, best, last) for each in scorings],
        "drawn": curves.available(),
        "pictures": _pictures(stages),
        "heads": [
            _head(place, name, classes, stages, shown, scorings) for place, (name, classes) in enumerate(heads.items())
        ],
    }
    page = render(environment(), "report.html.j2", values)
    with writing(path, force) as partial:
        partial.write_text(page, encoding="utf-8")


def _head(
    place: int,
    name: str,
    classes: Sequence[str],
    stages: Sequence[Stage],
    shown: Sequence[Shown],
    scorings: Sequence[_Scoring],
) -> dict[str, Any]:
    """The sections of a head: its predictions, the scores of its classes, and their confusion."""
    best, last = _best(scorings), scorings[-1] if scorings else None
    compared = [each.heads[place] for each in ((best,) if best is last else (best, last)) if each is not None]
    return {
        "name": printable(name),
        "classes": tables.by_class(classes, compared),
        "matrix": best and tables.matrix(best.heads[place].hist, classes),
        "confusions": best and tables.confusions(best.heads[place].hist, classes),
        "gallery": _gallery(place, classes, stages, shown, scorings, best, last),
        "legend": tables.legend(classes),
    }


def _scorings(index: int, stage: Stage, heads: Mapping[str, Sequence[str]]) -> list[_Scoring]:
    found = []
    for record in stage.log.scores:
        own = by_head(record["score"])
        scores = []
        for name, classes in heads.items():
            hist, count = np.array(own.get(name if len(heads) > 1 else "", {}).get("hist", ()), np.int64), len(classes)
            if hist.shape != (count, count):
                where = f"stage {stage.name}, " if stage.name else ""
                of = f" for head {name!r}" if name else ""
                problem = f"{where}iteration {record['iteration']} of the log has no scores of {count} classes{of}"
                raise FileFormatError(f"{problem}; it is a log of another run, or its classes were changed")
            scores.append(Scores(hist))
        found.append(_Scoring(index, record["iteration"], scores, means(scores), record["score"].get("loss")))
    return found


def _best(scorings: Sequence[_Scoring]) -> _Scoring | None:
    """The first scoring of the highest mean IU; nan is lower than any."""
    return max(scorings, key=lambda each: np.nan_to_num(each.means["mean_iu"], nan=-1), default=None)


def _going(stages: Sequence[Stage]) -> str:
    """A sentence about the first stage without a final scoring; empty if the run is finished."""
    for stage in stages:
        displays, scores = ([record["iteration"] for record in each] for each in (stage.log.displays, stage.log.scores))
        scored, reached = max(scores, default=-1), max(displays + scores, default=0)
        end = reached if stage.iterations is None else stage.iterations
        if scored < end:
            of = f" of {end:,}" if stage.iterations is not None else ""
            name = f"stage {printable(stage.name)}, " if stage.name else ""
            return (
                f"This run is not finished: the log ends at {name}iteration {reached:,}{of}, before the final scoring."
            )
    return ""


def _summary(scorings: Sequence[_Scoring]) -> list[_Scoring]:
    """The best and the last scoring of each stage."""
    chosen = {}
    for stage in sorted({each.stage for each in scorings}):
        own = [each for each in scorings if each.stage == stage]
        chosen.update({each.key: each for each in (_best(own), own[-1]) if each is not None})
    return list(chosen.values())


def _scoring_row(
    scoring: _Scoring, stages: Sequence[Stage], best: _Scoring | None, last: _Scoring | None
) -> dict[str, Any]:
    return {
        "stage": printable(stages[scoring.stage].name),
        "iteration": f"{scoring.iteration:,}",
        "means": scoring.words,
        "loss": tables.number(scoring.loss),
        "tags": _tags(scoring.key, best, last),
    }


def _tags(key: tuple[int, int], best: _Scoring | None, last: _Scoring | None) -> list[str]:
    return [word for word, each in (("best", best), ("last", last)) if each is not None and each.key == key]


def _pictures(stages: Sequence[Stage]) -> list[dict[str, str]]:
    """The curves: heading, text instead of the picture, and SVG."""
    runs: list[curves.Run] = []
    for stage in stages:
        runs.append(curves.Run(printable(stage.name), stage.log, runs[-1].end if runs else 0))
    kinds = (("Loss", curves.losses, curves.loss_picture), ("Scores", curves.scores, curves.score_picture))
    return [
        {
            "heading": heading,
            "words": "; ".join(f"{curve.words} {_ends(curve)}" for curve in found(runs)),
            "svg": draw(runs) if curves.available() else "",
        }
        for heading, found, draw in kinds
        if found(runs)
    ]


def _ends(curve: curves.Curve) -> str:
    there = np.isfinite(curve.ys)
    xs, ys = curve.xs[there], curve.ys[there]
    return f"from {ys[0]:.3g} at iteration {xs[0]:,.0f} to {ys[-1]:.3g} at iteration {xs[-1]:,.0f}"


def _gallery(
    place: int,
    names: Sequence[str],
    stages: Sequence[Stage],
    shown: Sequence[Shown],
    scorings: Sequence[_Scoring],
    best: _Scoring | None,
    last: _Scoring | None,
) -> dict[str, Any]:
    """The shown images: a row for each with image, truth and predictions over time."""
    scored = {each.key: each for each in scorings}
    columns = _columns(stages, best)
    heads = [
        {
            "stage": printable(stages[stage].name),
            "iteration": f"{iteration:,}",
            "mean_iu": tables.percent(scored[stage, iteration].heads[place].mean_iu)
            if (stage, iteration) in scored
            else "-",
            "tags": _tags((stage, iteration), best, last),
        }
        for stage, iteration in columns
    ]
    rows, ignored = [], False
    for index, each in enumerate(shown):
        photo = thumbnails.photo(each.image)
        files = [each.labels, *(stages[stage].predictions[iteration][index] for stage, iteration in columns)]
        maps = [thumbnails.label_map(paths[place], photo.size, background(names)) for paths in files]
        rows.append({"name": shortened(each.image.name), "photo": photo, "maps": maps})
        ignored |= maps[0].ignored
    return {"heads": heads, "rows": rows, "ignored": thumbnails.color(IGNORE) if ignored else ""}


def _columns(stages: Sequence[Stage], best: _Scoring | None) -> list[tuple[int, int]]:
    """The predictions to show: first, best, last, the ends of stages, and others evenly between, in order of time."""
    every = [(index, iteration) for index, stage in enumerate(stages) for iteration in sorted(stage.predictions)]
    ends = [each for each, after in pairwise(every) if each[0] != after[0]]
    wanted = [*every[:1], *([best.key] if best is not None and best.key in every else []), *every[-1:], *ends]
    chosen = list(dict.fromkeys(wanted))[:_COLUMNS]
    places = [every.index(each) for each in chosen]
    while len(places) < min(_COLUMNS, len(every)):
        places.append(max(range(len(every)), key=lambda place: min(abs(place - other) for other in places)))
    return [every[place] for place in sorted(places)]
