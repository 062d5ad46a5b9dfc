"""Scores as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcnkit.segment.metrics import Scores

# A larger matrix is wider than a terminal; its largest confusions are listed instead.
_WIDEST = 24
_LISTED = 10


def show(scores: Scores, names: Sequence[str]) -> None:
    """Print the scores, with a row for each class, and the confusion matrix."""
    from rich.console import Console
    from rich.table import Table

    from fcnkit.segment.metrics import MEANS

    hist = scores.hist
    per_class = Table(title="IU by class", title_justify="left")
    per_class.add_column("class")
    for heading in ("true pixels", "predicted", "accuracy", "IU"):
        per_class.add_column(heading, justify="right")
    columns = (hist.sum(1), hist.sum(0), scores.accuracy, scores.iu)
    for name, true, predicted, accuracy, iu in zip(names, *columns, strict=True):
        per_class.add_row(name, f"{true:,}", f"{predicted:,}", _percent(accuracy), _percent(iu))

    confusion = Table(title="Confusion: percent of the true class's pixels", title_justify="left")
    shares = hist / hist.sum(1, keepdims=True).clip(min=1)
    if len(names) <= _WIDEST:
        confusion.add_column("true \\ predicted")
        for name in names:
            confusion.add_column(name, justify="right")
        for name, row, true in zip(names, shares, hist.sum(1), strict=True):
            confusion.add_row(name, *(_percent(share if true else float("nan")) for share in row))
    else:
        for heading in ("true", "predicted", "percent"):
            confusion.add_column(heading, justify="right" if heading == "percent" else "left")
        wrong = [(share, row, column) for (row, column), share in _cells(shares) if row != column and share > 0]
        for share, row, column in sorted(wrong, reverse=True)[:_LISTED]:
            confusion.add_row(names[row], names[column], _percent(share))

    # Tables are never folded to fit: a narrow terminal wraps their lines, and in files the lines stay whole.
    console = Console(width=4000, highlight=False)
    for name, words in MEANS.items():
        console.print(f"{words:<16}{_percent(getattr(scores, name))}", soft_wrap=True)
    for table in (per_class, confusion):
        console.print(soft_wrap=True)
        console.print(table, soft_wrap=True)


def _cells(matrix: object) -> list[tuple[tuple[int, int], float]]:
    import numpy as np

    return [((row, column), float(share)) for (row, column), share in np.ndenumerate(np.asarray(matrix))]


def _percent(share: float) -> str:
    return "-" if share != share else f"{100 * share:.2f}"
