"""Scoring label maps against the truth, file by file: memory does not grow with the number of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fcnkit.errors import InputError
from fcnkit.palette import IGNORE
from fcnkit.segment import Segmenter, segment_files
from fcnkit.segment.images import Labels, read_labels
from fcnkit.segment.metrics import histogram
from fcnkit.segment.parallel import Ranks, in_order

MOST = 256


class Pair(NamedTuple):
    """A label map, or the image it is computed from, and the file with the truth."""

    predicted: Path
    truth: Path


def partners(
    predicted: Mapping[str, Path],
    truth: Mapping[str, Path],
    only: Iterable[str] | None = None,
    way_out: str = "give the names to score with `only`",
) -> list[Pair]:
    """Pairs of files with the same name without suffix.

    Args:
        predicted, truth: by stem, as `images.by_stem` returns them.
        only: the stems to pair; by default all of both.
        way_out: the remedy that the error states.

    Raises:
        InputError: one has no partner.
    """
    stems = list(truth) if only is None else list(only)
    alone = [f"{_file(truth, stem)} has no prediction or image" for stem in stems if stem not in predicted]
    alone += [f"{_file(predicted, stem)} has no label map" for stem in stems if stem not in truth]
    if only is None:
        alone += [f"{_file(predicted, stem)} has no label map" for stem in predicted if stem not in truth]
    if alone:
        more = f", and {len(alone) - 5} more" if len(alone) > 5 else ""
        raise InputError(f"unmatched files: {', '.join(alone[:5])}{more}; {way_out}")
    return [Pair(predicted[stem], truth[stem]) for stem in stems]


def _file(files: Mapping[str, Path], stem: str) -> str:
    """The file with a stem, or the stem if there is none."""
    return repr(str(files.get(stem, stem)))


class Counts(NamedTuple):
    """The sums over pairs.

    hist: the confusion matrix.
    ignored: the pixels that the truth leaves out.
    unknown: the pixels of both maps whose colour is not in the palette.
    """

    hist: np.ndarray
    ignored: int
    unknown: int


class Scorer:
    """Compares label maps with the truth.

    Classes are numbers below `classes`; without it, their number follows from the labels that occur.
    """

    def __init__(self, classes: int | None = None, ignore: int = IGNORE, palette: np.ndarray | None = None):
        self._classes, self._ignore, self._palette = classes, ignore, palette

    def files(self, pairs: Iterable[Pair], workers: int) -> Iterator[Counts]:
        """Compare label maps in files with the truth.

        Raises:
            FileFormatError: one cannot be read.
            InputError: the two maps of a pair do not match, or have a label out of range.
        """

        def count(pair: Pair) -> Counts:
            predicted, truth = self._read(pair.predicted), self._read(pair.truth)
            return self._count(pair, predicted, truth)

        return in_order(count, pairs, workers)

    def images(self, segmenter: Segmenter, pairs: Iterable[Pair], **options: Any) -> Iterator[Counts]:
        """Segment images and compare them with the truth; raises the same errors as `files`.

        Args:
            segmenter: the net.
            pairs: images and truth.
            options: of `segment_files`.
        """
        truth = {pair.predicted: pair.truth for pair in pairs}
        for path, _, prediction, error in segment_files(segmenter, list(truth), **options):
            if error is not None:
                raise error
            assert prediction is not None
            pair = Pair(path, truth[path])
            yield self._count(pair, Labels(prediction.labels), self._read(pair.truth))

    def _read(self, path: Path) -> Labels:
        return read_labels(path, self._palette, self._ignore)

    def _count(self, pair: Pair, predicted: Labels, truth: Labels) -> Counts:
        guess, right = predicted.values, truth.values
        if guess.shape != right.shape:
            problem = f"is {_size(right)} pixels, and {str(pair.predicted)!r} is {_size(guess)}; they must be equal"
            raise InputError(problem).in_file(pair.truth)
        counted = right != self._ignore
        classes = self._classes or MOST
        check_labels(pair.truth, right[counted], classes, self._ignore)
        check_labels(pair.predicted, guess[counted], classes, self._ignore, " where the truth counts")
        hist = histogram(np.where(counted, right.astype(np.int64), -1), guess, classes)
        return Counts(hist, int(counted.size - counted.sum()), predicted.unknown + truth.unknown)


def check_labels(path: Path, values: np.ndarray, classes: int, ignore: int = IGNORE, where: str = "") -> None:
    """Check that labels are classes.

    Args:
        path: the file of the labels.
        values: the labels, without those that are ignored.
        classes: the number of classes.
        ignore: the label that is ignored.
        where: the pixels that are checked, for the message.

    Raises:
        InputError: a label is out of range.
    """
    wrong = values[(values < 0) | (values >= classes) | (values == ignore)]
    if wrong.size:
        problem = f"has label {wrong[0]}{where}; {wrong.size} of its pixels are out of range: "
        problem += f"the classes are 0 to {classes - 1}, and {ignore} is ignored"
        raise InputError(problem).in_file(path)


def add_up(counts: Iterable[Counts], classes: int | None, processes: Ranks) -> Counts:
    """The sum over all pairs of all processes; without `classes` the matrix ends with the last class that occurs."""
    size = classes or MOST
    hist, ignored, unknown = np.zeros((size, size), np.int64), 0, 0
    with processes.together():
        for one in counts:
            hist += one.hist
            ignored += one.ignored
            unknown += one.unknown
    hist, ignored, unknown = processes.sum(hist), processes.total(ignored), processes.total(unknown)
    if classes is None:
        size = 1 + int(max(np.flatnonzero(hist.sum(0) + hist.sum(1)), default=0))
    return Counts(hist[:size, :size], ignored, unknown)


def _size(labels: np.ndarray) -> str:
    return " x ".join(map(str, labels.shape))
