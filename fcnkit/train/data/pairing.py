"""Images and their label maps: paired by name, split, and listed in a text file with a pair on each line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError, InputError, OutputError
from fcnkit.files import writing
from fcnkit.segment.images import by_stem, find, read_lines
from fcnkit.segment.mat import MAT
from fcnkit.segment.scoring import partners


class Pair(tuple[Path, ...]):
    """The files of a sample: an image and its label map, or a label map for each head of a net."""

    __slots__ = ()

    def __new__(cls, image: Path, *labels: Path) -> Self:
        return super().__new__(cls, (image, *labels))

    def __getnewargs__(self) -> tuple[Path, ...]:
        return tuple(self)

    @property
    def image(self) -> Path:
        return self[0]

    @property
    def label(self) -> Path:
        """The only label map, or that of the first head."""
        return self[1]

    @property
    def labels(self) -> tuple[Path, ...]:
        """The label maps, in the order of the heads."""
        return self[1:]


def pairs(images: AnyPath, *labels: AnyPath) -> list[Pair]:
    """Images and label maps paired by their names without suffix.

    Args:
        images: a folder, a pattern or a .txt list.
        labels: the same, of indexed or grey images, colour masks or .mat files; for several heads one each.

    Returns:
        The pairs in the order of the first label maps.

    Raises:
        InputError: a source has no image, two of its files have one name, or a file has no partner.
    """
    photos, *maps = (by_stem(find([source], [MAT])) for source in (images, *labels))
    way_out = "give both the same name, or choose the files with a pattern or a .txt list of paths"
    for own in maps:
        partners(photos, own, way_out=way_out)
    return [Pair(photos[stem], *(own[stem] for own in maps)) for stem in maps[0]]


def split(pairs: Sequence[Pair], share: float, seed: int = 1337) -> tuple[list[Pair], list[Pair]]:
    """The pairs for training and for validation, each in the given order.

    Args:
        pairs: all pairs.
        share: the share of the validation; at least one pair is on each side.
        seed: of the random choice.

    Raises:
        InputError: there are fewer than two pairs, or the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of the validation is {share}; give a number between 0 and 1")
    if len(pairs) < 2:
        problem = f"{len(pairs)} image cannot be split into training and validation"
        raise InputError(f"{problem}; give more, or the images of the validation")
    count = min(max(round(len(pairs) * share), 1), len(pairs) - 1)
    chosen = set(np.random.default_rng(seed).permutation(len(pairs))[:count].tolist())
    return (
        [pair for index, pair in enumerate(pairs) if index not in chosen],
        [pair for index, pair in enumerate(pairs) if index in chosen],
    )


def write_list(path: AnyPath, pairs: Sequence[Pair], force: bool = False) -> None:
    """Write a list: on each line the absolute paths of an image and of its label maps, with tabs between them.

    Raises:
        OutputError: a path cannot stand in a list, or the file cannot be written.
    """
    lines = []
    for pair in pairs:
        names = [os.path.abspath(each) for each in pair]
        for name in names:
            if "\t" in name or name.splitlines() != [name] or name != name.strip():
                problem = "has a tab, a line break or a space at its end in its path, which a list cannot contain"
                raise OutputError(f"{problem}; rename it").in_file(name)
            if not _is_text(name):
                raise OutputError("has a path that is not UTF-8 text; rename it").in_file(name)
        lines.append("\t".join(names) + "\n")
    with writing(path, force) as partial:
        partial.write_text("".join(lines), encoding="utf-8")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_list(path: AnyPath) -> list[Pair]:
    """The pairs of a list; relative paths in it start at the list's folder.

    Raises:
        FileFormatError: it cannot be read, or a line is not paths with tabs between them, as many as in the first.
        InputError: it has no line, or names a file that does not exist.
    """
    pairs: list[Pair] = []
    for line in read_lines(path):
        names = line.split("\t")
        if len(names) < 2:
            raise FileFormatError(f"has the line {line[:120]!r}; a line is IMAGE, a tab, LABELS").in_file(path)
        if pairs and len(names) != len(pairs[0]):
            counts = f"{len(names) - 1} label maps, and the first line has {len(pairs[0]) - 1}"
            raise FileFormatError(f"has the line {line[:120]!r}: it has {counts}").in_file(path)
        pair = Pair(*(Path(path).parent / name for name in names))
        for file in pair:
            if not file.is_file():
                raise InputError(f"lists {str(file)!r}, and there is no such file").in_file(path)
        pairs.append(pair)
    if not pairs:
        raise InputError("lists no image").in_file(path)
    return pairs
