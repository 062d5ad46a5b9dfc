"""The tables of a training report: scores by class, the confusion matrix, and the legend of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fcnkit.inspect.diagram import shown
from fcnkit.segment.classes import background
from fcnkit.segment.metrics import Scores
from fcnkit.train.thumbnails import color

# The most confusions in the list.
_LISTED = 10
# A matrix of more classes shows colours without numbers.
_NUMBERED = 24
# A smaller share rounds to 0 percent and is left out; from the larger one on a cell's number is white.
_NOTHING, _STRONG = 0.005, 0.8


def percent(share: float) -> str:
    """A share in percent; "-" for nan."""
    return "-" if np.isnan(share) else f"{share:.1%}"


def number(value: float | None) -> str:
    """A number of any size in a few digits; "-" for nan and None."""
    if value is None or np.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def legend(names: Sequence[str]) -> list[dict[str, str]]:
    """The classes with their colours; the background has none."""
    uncoloured = background(names)
    return [
        {"name": shown(name), "color": "" if label == uncoloured else color(label)} for label, name in enumerate(names)
    ]


def by_class(names: Sequence[str], columns: Sequence[Scores]) -> list[dict[str, Any]]:
    """A row for each class: colour, name, share of the true pixels, and its IU in each of the scores."""
    rows: list[dict[str, Any]] = []
    for label, entry in enumerate(legend(names) if columns else ()):
        true = columns[0].hist.sum(1)
        ius = [float(scores.iu[label]) for scores in columns]
        bars = [{"text": percent(iu), "width": f"{100 * np.nan_to_num(iu):.1f}"} for iu in ius]
        rows.append({**entry, "true": percent(true[label] / max(true.sum(), 1)), "bars": bars})
    return rows


def matrix(hist: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """The confusion matrix: a row for each true class, with the share of its pixels in each cell.

    Args:
        hist: (classes, classes) int64, as `metrics.histogram` returns it.
        names: of the classes.
    """
    short = [shown(name) for name in names]
    numbered = len(names) <= _NUMBERED
    rows: list[dict[str, Any]] = []
    for true, counts in enumerate(hist):
        cells = []
        for predicted, share in enumerate(counts / max(counts.sum(), 1)):
            cells.append({
                "text": f"{100 * share:.0f}" if numbered and share >= _NOTHING else "",
                "share": f"{share:.3f}" if share else "",
                "kind": ("right" if true == predicted else "wrong") + (" strong" if share > _STRONG else ""),
                "words": f"{short[true]}, predicted {short[predicted]}: {percent(share)}" if share else "",
            })  # fmt: skip
        rows.append({"name": short[true], "cells": cells, "empty": not counts.any()})
    return {"names": short, "rows": rows, "numbered": numbered}


def confusions(hist: np.ndarray, names: Sequence[str]) -> list[dict[str, str]]:
    """The largest shares of a true class that are predicted as another."""
    shares = hist / hist.sum(1, keepdims=True).clip(min=1)
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None, kind="stable")[:_LISTED]
    pairs = [divmod(int(place), len(names)) for place in order]
    return [
        {"true": shown(names[true]), "predicted": shown(names[predicted]), "share": percent(shares[true, predicted])}
        for true, predicted in pairs
        if shares[true, predicted] > 0
    ]
