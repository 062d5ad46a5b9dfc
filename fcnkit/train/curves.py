"""Curves of training for web pages: SVG that takes the page's text colour, so that it suits light and dark pages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fcnkit.errors import printable
from fcnkit.segment.metrics import MEANS
from fcnkit.train.logs import Log
from fcnkit.train.plot import series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib draws text and lines in this colour, which no curve has; it is replaced by the page's own.
_INK = "#012345"
# Colours that are readable on white and on black, with markers for those who do not see the colours.
_TRAINING, _VALIDATION = ("#8a94a3", ""), ("#d9730d", "s")
_SCORES = {
    "mean_iu": ("#3b82d0", "o"),
    "pixel_accuracy": ("#3a9a55", "^"),
    "mean_accuracy": ("#d9730d", "s"),
    "fw_iu": ("#a06bd6", "D"),
}
# The most points of a curve, and the most of them with markers.
_POINTS, _MARKERS = 500, 40
# A loss that falls by more than this factor is drawn on a logarithmic axis.
_STEEP = 30


class Run(NamedTuple):
    """The log of a stage, and the iteration at which it starts when stages are joined."""

    name: str
    log: Log
    start: int

    @property
    def end(self) -> int:
        """The last iteration of the log."""
        return self.start + max((each["iteration"] for each in (*self.log.displays, *self.log.scores)), default=0)


class Curve(NamedTuple):
    """A curve over the iterations of all stages; breaks between stages are nan."""

    words: str
    xs: np.ndarray
    ys: np.ndarray


def available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def losses(runs: Sequence[Run]) -> list[Curve]:
    """The training loss and the validation loss, where there are any."""
    curves = [_curve("training", runs, "displays", "loss"), _curve("validation", runs, "scores", "loss")]
    return [curve for curve in curves if np.isfinite(curve.ys).any()]


def scores(runs: Sequence[Run]) -> list[Curve]:
    """The scores over all classes, mean IU first, in percent; with several heads, mean IU over all and of each."""
    heads = list(dict.fromkeys(head for run in runs for head in run.log.heads))
    curves = [_curve(MEANS[name], runs, "scores", name) for name in _SCORES if not heads or name == "mean_iu"]
    curves += [_curve(f"mean IU, {printable(head)}", runs, "scores", "mean_iu", head) for head in heads]
    return [curve._replace(ys=100 * curve.ys) for curve in curves if np.isfinite(curve.ys).any()]


def loss_picture(runs: Sequence[Run]) -> str:
    """The losses as SVG."""
    curves = losses(runs)

    def draw(axes: Axes) -> None:
        for curve in curves:
            color, marker = _TRAINING if curve.words == "training" else _VALIDATION
            _draw(axes, curve, color, marker, 1.4)
        values = np.concatenate([curve.ys[np.isfinite(curve.ys)] for curve in curves])
        if values.min() > 0 and values.max() > _STEEP * values.min():
            axes.set_yscale("log", subs=(2, 5))
            axes.yaxis.set_minor_formatter("{x:,.6g}")
        axes.yaxis.set_major_formatter("{x:,.6g}")

    return _picture("losses", runs, draw)


def score_picture(runs: Sequence[Run]) -> str:
    """The scores as SVG."""
    curves = scores(runs)

    def draw(axes: Axes) -> None:
        for curve, (color, marker) in zip(curves, cycle(_SCORES.values()), strict=False):
            # Mean IU, the first, lies above the others.
            _draw(axes, curve, color, marker, 2.4 if curve is curves[0] else 1.2)
            axes.lines[-1].set_zorder(3 if curve is curves[0] else 2)
        axes.set_ylim(0, 100)
        axes.yaxis.set_major_formatter("{x:.0f}%")

    return _picture("scores", runs, draw)


def _curve(words: str, runs: Sequence[Run], kind: str, key: str, head: str = "") -> Curve:
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for run in runs:
        xs, ys = (np.array(values, float) for values in series(getattr(run.log, kind), key, head))
        if len(xs):
            xs, ys = _thinned(xs + run.start, ys)
            parts.append((np.append(xs, np.nan), np.append(ys, np.nan)))
    if not parts:
        return Curve(words, np.empty(0), np.empty(0))
    return Curve(words, *(np.concatenate(values)[:-1] for values in zip(*parts, strict=True)))


def _thinned(xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most _POINTS points: each the mean of its neighbours; nan where one of them is."""
    if len(xs) <= _POINTS:
        return xs, ys
    thin = [np.array([part.mean() for part in np.array_split(values, _POINTS)]) for values in (xs, ys)]
    return thin[0], thin[1]


def _draw(axes: Axes, curve: Curve, color: str, marker: str, width: float) -> None:
    every = max(1, len(curve.xs) // _MARKERS)
    axes.plot(
        curve.xs,
        curve.ys,
        label=curve.words,
        color=color,
        linewidth=width,
        marker=marker,
        markersize=4,
        markevery=every,
    )


def _picture(name: str, runs: Sequence[Run], draw: Callable[[Axes], None]) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text, in the page's font; what two pictures on a page refer to has different names.
    style: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9, "text.parse_math": False}
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    style.update(dict.fromkeys(inks, _INK))
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(5.6, 3.3), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        end = max(1, runs[-1].end)
        axes.set_xlim(-0.02 * end, 1.02 * end)
        axes.grid(alpha=0.15)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("iteration")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)  # type: ignore[call-arg]
        for run in runs if len(runs) > 1 else ():
            _mark(axes, run)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, frameon=False, columnspacing=1.2)
        text = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return _inlined(text.getvalue())


def _mark(axes: Axes, run: Run) -> None:
    """The start of a stage: its name, and a line unless it is the first."""
    if run.start:
        axes.axvline(run.start, color=_INK, alpha=0.5, linewidth=1, linestyle=(0, (4, 3)))
    place = axes.get_xaxis_transform()
    axes.annotate(run.name, (run.start, 1), (4, -4), place, "offset points", va="top", ha="left", alpha=0.8)


def _inlined(svg: str) -> str:
    """The picture as part of a page: without the XML around it, names of groups, fixed sizes and style sheets."""
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"(?s)<style.*?</style>", "", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    return re.sub(r'(<svg [^>]*?) width="[^"]*" height="[^"]*"', r'\1 role="presentation"', svg, count=1)
