"""The frequencies of the classes in the labels of a training set, and the weights that balance a loss by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError, InputError
from fcnkit.palette import IGNORE
from fcnkit.segment.classes import class_of
from fcnkit.segment.images import Labels, read_lines
from fcnkit.segment.parallel import in_order
from fcnkit.train.data.segmentation import Truth


class ClassCounts(NamedTuple):
    """The labels of a training set, counted. Ignored pixels count nowhere but in `ignored`.

    pixels: (classes,) int64, the pixels of each class.
    images: (classes,) int64, the images that have a pixel of the class.
    around: (classes,) int64, the pixels of any class in these images.
    ignored: the pixels that are ignored.
    unknown: those of them whose colour is not in the palette.
    """

    pixels: np.ndarray
    images: np.ndarray
    around: np.ndarray
    ignored: int
    unknown: int

    @property
    def absent(self) -> list[int]:
        """The classes without a pixel."""
        return [int(label) for label in np.flatnonzero(self.pixels == 0)]

    @property
    def frequencies(self) -> np.ndarray:
        """(classes,) float64, the share of each class in the pixels of all classes."""
        shares: np.ndarray = self.pixels / self.pixels.sum()
        return shares


def count(
    paths: Iterable[Path], truth: Truth, progress: Callable[[], object] | None = None, workers: int = 1
) -> ClassCounts:
    """Count the labels of label maps, in one pass.

    Args:
        paths: the label maps.
        truth: reads them; it must have the number of classes.
        progress: is called after each file.
        workers: the number of threads that read.

    Raises:
        FileFormatError: a file cannot be read.
        InputError: a label is out of range; or all pixels of all files are ignored.
    """
    assert truth.classes is not None
    classes = truth.classes
    pixels, images, around = (np.zeros(classes, np.int64) for _ in range(3))
    ignored = unknown = 0

    def counted(path: Path) -> tuple[np.ndarray, int, int]:
        labels: Labels = truth(path)
        kept = labels.values[labels.values != IGNORE]
        return np.bincount(kept.astype(np.int64), minlength=classes), labels.values.size - kept.size, labels.unknown

    for own, left, strange in in_order(counted, paths, workers):
        pixels += own
        images += own > 0
        around += np.where(own > 0, own.sum(), 0)
        ignored, unknown = ignored + left, unknown + strange
        if progress is not None:
            progress()
    if not pixels.any():
        raise InputError("no label map has a pixel that is not ignored; check the palette and the ignored label")
    return ClassCounts(pixels, images, around, ignored, unknown)


def median_weights(counts: ClassCounts) -> list[float]:
    """Weights by median frequency balancing; a class without a pixel gets 0.

    A class's frequency is its share in the pixels of the images that have it. Its weight is the median frequency over
    its own.

    Source: Eigen and Fergus, Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale
    Convolutional Architecture, ICCV 2015.
    """
    there = counts.pixels > 0
    frequencies = counts.pixels[there] / counts.around[there]
    return _spread(there, np.median(frequencies) / frequencies)


def inverse_weights(counts: ClassCounts) -> list[float]:
    """Weights in inverse proportion to the frequencies, with a mean of 1; a class without a pixel gets 0."""
    there = counts.pixels > 0
    weights = 1 / counts.frequencies[there]
    return _spread(there, weights / weights.mean())


def rare(counts: ClassCounts) -> list[int]:
    """The classes with less than half the pixels of an equal share; those without a pixel are left out.

    The median frequency is no measure here: where background prevails over a few objects, it is that of an object.
    """
    there = counts.pixels > 0
    limit = counts.pixels[there].mean() / 2
    return [int(label) for label in np.flatnonzero(there & (counts.pixels < limit))]


def _spread(there: np.ndarray, values: np.ndarray) -> list[float]:
    weights = np.zeros(len(there))
    weights[there] = values
    return [float(weight) for weight in weights]


def read_weights(path: AnyPath, classes: Sequence[str]) -> list[float]:
    """Weights from a text file: a number for each class in order, or lines `name number` in any order.

    Args:
        path: the file.
        classes: the names of the classes; a line may also have a class's number as its name.

    Raises:
        FileFormatError: the file cannot be read, a line is neither form, or the number of lines is wrong.
        InputError: a name is no class, or is repeated.
    """
    weights: dict[int, float] = {}
    lines = [line.rpartition(" ") for line in (" ".join(line.split()) for line in read_lines(path))]
    named = any(name for name, _, _ in lines)
    for index, (name, _, number) in enumerate(lines):
        weight = _number(number)
        if weight is None or bool(name) != named:
            line = f"{name} {number}".strip()
            problem = f"has the line {line[:120]!r}; give a number from 0 up on each line, or `name number`"
            raise FileFormatError(problem).in_file(path)
        try:
            label = class_of(name, classes) if named else index
        except InputError as error:
            raise error.in_file(path) from None
        if label in weights:
            raise InputError(f"has class {name!r} twice").in_file(path)
        weights[label] = weight
    if len(weights) != len(classes):
        missing = next((classes[label] for label in range(len(classes)) if label not in weights), None)
        hint = f": {missing!r} has none" if named and missing is not None else ""
        raise FileFormatError(f"has {len(weights)} weights for {len(classes)} classes{hint}").in_file(path)
    if not any(weights.values()):
        raise FileFormatError("has only weights of 0").in_file(path)
    return [weights[label] for label in range(len(classes))]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
