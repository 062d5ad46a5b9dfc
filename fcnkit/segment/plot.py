"""Plots of scores."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.errors import InputError, OutputError
from fcnkit.files import writing
from fcnkit.segment.metrics import Scores

# Side of the matrix, in inches: with more than 60 classes, the names begin to overlap.
_LARGEST = 17.0
# The formats that matplotlib writes itself; for .pgf, for example, it starts LaTeX.
PLOTS = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


def check_plot(path: AnyPath) -> None:
    """Check, before any work is done, that a plot can be written.

    Raises:
        InputError: matplotlib is not installed.
        OutputError: the suffix names no picture format.
    """
    if find_spec("matplotlib") is None:
        raise InputError("a plot needs matplotlib: pip install 'fcnkit[plot]'").in_file(path)
    if Path(path).suffix.lower() not in PLOTS:
        raise OutputError(f"has no suffix of a known picture format; known are {', '.join(PLOTS)}").in_file(path)


def plot(scores: Scores, names: Sequence[str], path: AnyPath, force: bool = False) -> None:
    """Draw the IU of each class, and the confusion matrix with each row as shares of the true class.

    Args:
        scores: the scores to draw.
        names: of the classes.
        path: the picture; its suffix selects the format (.png, .svg, .pdf, ...).
        force: replace an existing file.

    Raises:
        OutputError: it cannot be written.
    """
    from matplotlib.figure import Figure

    classes = len(names)
    side = min(max(3.0, 0.28 * classes), _LARGEST)
    figure = Figure(figsize=(2 * side + 2.5, side + 1.2), layout="constrained")
    bars, matrix = figure.subplots(1, 2)
    rows = np.arange(classes)

    bars.barh(rows, np.nan_to_num(scores.iu), color="tab:blue")
    bars.set(yticks=rows, yticklabels=names, xlim=(0, 1), ylim=(classes - 0.5, -0.5), xlabel="IU")
    if not np.isnan(scores.mean_iu):
        bars.axvline(scores.mean_iu, color="black", linestyle="--")
    bars.set_title(f"mean IU {scores.mean_iu:.3f}")

    totals = scores.hist.sum(1, keepdims=True)
    shares = scores.hist / np.maximum(totals, 1)
    drawn = matrix.imshow(shares, vmin=0, vmax=1, cmap="viridis")
    matrix.set(xticks=rows, yticks=rows, yticklabels=names, xlabel="predicted", ylabel="true")
    matrix.set_xticklabels(names, rotation=90)
    matrix.set_title(f"pixel accuracy {scores.pixel_accuracy:.3f}")
    figure.colorbar(drawn, ax=matrix, label="share of the true class")
    with writing(path, force) as partial:
        # Constrained layout leaves the labels no room at the edge, and cuts them off.
        figure.savefig(partial, format=Path(path).suffix.lower().lstrip("."), dpi=120, bbox_inches="tight")
