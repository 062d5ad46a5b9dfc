"""Segmenting image files, in batches of images of equal size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from fcnkit.errors import FcnkitError, InputError
from fcnkit.segment import images
from fcnkit.segment.parallel import in_order
from fcnkit.segment.raster import MAX_PIXELS
from fcnkit.segment.segmenter import Prediction, Segmenter


class Segmented(NamedTuple):
    """An image file and its result: image and prediction, or the error that prevented them."""

    path: Path
    image: Image.Image | None = None
    prediction: Prediction | None = None
    error: FcnkitError | None = None


def segment_files(
    segmenter: Segmenter,
    paths: Sequence[Path],
    *,
    batch: int = 1,
    workers: int = 2,
    max_pixels: int | None = MAX_PIXELS,
) -> Iterator[Segmented]:
    """Segment image files, in approximately their order, with a few in memory at a time.

    Args:
        segmenter: the net.
        paths: the files.
        batch: the most images of equal size that the net runs on at once.
        workers: the number of threads that read images.
        max_pixels: as in `images.read`.
    """

    def read(path: Path) -> tuple[Path, Image.Image | FcnkitError]:
        try:
            return path, images.read(path, max_pixels)
        except FcnkitError as error:
            return path, error

    waiting: dict[tuple[int, int], list[tuple[Path, Image.Image]]] = {}
    for path, found in in_order(read, paths, workers):
        if isinstance(found, FcnkitError):
            yield Segmented(path, error=found)
            continue
        group = waiting.setdefault(found.size, [])
        group.append((path, found))
        if len(group) == batch:
            yield from _segment(segmenter, waiting.pop(found.size))
        elif sum(map(len, waiting.values())) == 4 * batch:
            yield from _segment(segmenter, waiting.pop(next(iter(waiting))))
    for group in waiting.values():
        yield from _segment(segmenter, group)


def _segment(segmenter: Segmenter, group: Sequence[tuple[Path, Image.Image]]) -> Iterator[Segmented]:
    try:
        predictions = segmenter([image for _, image in group])
    except FcnkitError as error:
        if len(group) > 1:
            # The error may be one image's alone.
            for each in group:
                yield from _segment(segmenter, [each])
            return
        for path, _ in group:
            yield Segmented(path, error=InputError(str(error)).in_file(path))
        return
    except MemoryError:
        for path, image in group:
            problem = (
                f"{image.height} x {image.width} pixels need more memory than is available; run it in tiles with `tile`"
            )
            yield Segmented(path, error=InputError(problem).in_file(path))
        return
    for (path, image), prediction in zip(group, predictions, strict=True):
        yield Segmented(path, image, prediction)
