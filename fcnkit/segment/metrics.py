"""Scores of label maps against the truth: a confusion matrix, and the scores computed from it.

Source: shelhamer/fcn.berkeleyvision.org score.py; section 5 of arXiv 1411.4038.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

# The scores over all classes, and their names in words.
MEANS = {
    "pixel_accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iu": "mean IU",
    "fw_iu": "f.w. IU",
}


def histogram(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count the pixels by true and by predicted class.

    Args:
        truth: integers of any shape; labels outside of 0..classes - 1 are not counted.
        predicted: integers of the same shape, 0..classes - 1 wherever truth is counted.
        classes: the number of classes.

    Returns:
        (classes, classes) int64: a row for each true class, a column for each predicted one.
    """
    counted = (truth >= 0) & (truth < classes)
    pairs = classes * truth[counted].astype(np.int64) + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True)
class Scores:
    """The scores of a confusion matrix, 0..1 each; nan where there is nothing to score.

    A class that is neither in the truth nor predicted has no IU and is left out of the means. One that is predicted
    but not in the truth has an IU of 0.

    Attributes:
        hist: (classes, classes) int64, as `histogram` returns it.
    """

    hist: np.ndarray

    @property
    def pixel_accuracy(self) -> float:
        """The share of pixels whose predicted class is correct."""
        return float(_ratio(np.diag(self.hist).sum(), self.hist.sum()))

    @property
    def accuracy(self) -> np.ndarray:
        """(classes,) the share of each true class's pixels that are predicted correctly."""
        return _ratio(np.diag(self.hist), self.hist.sum(1))

    @property
    def mean_accuracy(self) -> float:
        return _mean(self.accuracy)

    @property
    def iu(self) -> np.ndarray:
        """(classes,) intersection over union of true and predicted pixels."""
        right = np.diag(self.hist)
        return _ratio(right, self.hist.sum(1) + self.hist.sum(0) - right)

    @property
    def mean_iu(self) -> float:
        return _mean(self.iu)

    @property
    def fw_iu(self) -> float:
        """The mean of the IU, weighted by the number of pixels of each true class."""
        pixels = self.hist.sum(1)
        there = pixels > 0
        return float(_ratio((pixels[there] * self.iu[there]).sum(), pixels.sum()))

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON, with None for nan."""
        return {
            **plain({name: getattr(self, name) for name in MEANS}),
            "iu": [_plain(value) for value in self.iu],
            "hist": self.hist.tolist(),
        }


def means(heads: Iterable[Scores]) -> dict[str, float]:
    """The scores over all classes, by their names in MEANS: of one head, or their means over several heads."""
    every = list(heads)
    return {name: _mean(np.array([getattr(scores, name) for scores in every], np.float64)) for name in MEANS}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, nan where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    ratio = np.full(part.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def _mean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")


def plain(scores: Mapping[str, float]) -> dict[str, float | None]:
    """Scores as plain data for JSON, with None for nan."""
    return {name: _plain(value) for name, value in scores.items()}


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
