"""Plots of training logs: loss, rate and scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fcnkit.aliases import AnyPath
from fcnkit.files import writing
from fcnkit.segment.metrics import MEANS
from fcnkit.train.logs import Log, by_head

# The style that distinguishes test lines from training lines.
_TEST_LINE = {"linestyle": "--", "marker": "o", "markersize": 3}


def plot(logs: Mapping[str, Log], path: AnyPath, force: bool = False) -> None:
    """Draw the loss, the rate, the outputs and the scores of runs, each over the iterations.

    Args:
        logs: the logs to draw, by their names in the picture.
        path: the picture; its suffix chooses the kind (.png, .svg, .pdf, ...).
        force: replace an existing file.

    Raises:
        OutputError: the picture cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 9), layout="constrained")
    loss, scores, rate = figure.subplots(3, 1, sharex=True)
    for name, log in logs.items():
        label = f"{name}: " if len(logs) > 1 else ""
        loss.plot(*series(log.displays, "loss"), label=f"{label}train", linewidth=1)
        rate.plot(*series([r for r in log.displays if "lr" in r], "lr"), label=name, linewidth=1)
        for words, xs, ys in _test_outputs(log):
            axes = loss if "loss" in words.lower() else scores
            axes.plot(xs, ys, label=f"{label}{words}", **_TEST_LINE)
        for key, words in {"loss": "validation loss", **MEANS}.items() if log.scores else ():
            axes = loss if key == "loss" else scores
            axes.plot(*series(log.scores, key), label=f"{label}{words}", **_TEST_LINE)
        for head in log.heads:
            scores.plot(*series(log.scores, "mean_iu", head), label=f"{label}mean IU, {head}", **_TEST_LINE)
    for axes, title in ((loss, "loss"), (scores, "scores"), (rate, "rate")):
        axes.set_title(title)
        axes.grid(alpha=0.3)
        if axes.lines and (axes is not rate or len(logs) > 1):
            axes.legend(fontsize="small")
    if any(value > 0 for line in rate.lines for value in line.get_ydata()):
        rate.set_yscale("log")
    if not scores.lines:
        scores.set_visible(False)
    rate.set_xlabel("iteration")
    with writing(path, force) as partial:
        figure.savefig(partial, format=Path(path).suffix.lower().lstrip("."), dpi=100)


def series(records: list[dict[str, Any]], key: str, head: str = "") -> tuple[list[int], list[float]]:
    """The iterations of displays or scorings, and a value of theirs or of a head's; nan where there is none."""
    sources = [record.get("score", record) for record in records]
    values = [(by_head(source).get(head, {}) if head else source).get(key) for source in sources]
    return [record["iteration"] for record in records], list(map(_drawn, values))


def _test_outputs(log: Log) -> Iterator[tuple[str, list[int], list[float]]]:
    """Each output of each test net over the iterations; several values of an output are averaged."""
    nets = sorted({record["test"] for record in log.tests})
    for net in nets:
        own = [record for record in log.tests if record["test"] == net]
        for name in dict.fromkeys(name for record in own for name in record["outputs"]):
            points = [
                (record["iteration"], _drawn(record["outputs"][name])) for record in own if name in record["outputs"]
            ]
            words = f"test {name}" if len(nets) == 1 else f"test {net} {name}"
            yield words, [x for x, _ in points], [y for _, y in points]


def _drawn(value: Any) -> float:
    if isinstance(value, list):
        return sum(map(_drawn, value)) / len(value) if value else float("nan")
    return float("nan") if value is None else float(value)
