"""Lists of images and their label maps: a pair on each line of a text file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError, InputError, OutputError
from fcnkit.files import writing
from fcnkit.segment.images import read_lines


class Pair(NamedTuple):
    """An image and its label map."""

    image: Path
    label: Path


def write_list(path: AnyPath, pairs: Sequence[Pair], force: bool = False) -> None:
    """Write a list: on each line the absolute paths of an image and of its label map, with a tab between them.

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
        FileFormatError: it cannot be read, or a line is not two paths with a tab between them.
        InputError: it has no line, or names a file that does not exist.
    """
    pairs = []
    for line in read_lines(path):
        names = line.split("\t")
        if len(names) != 2:
            raise FileFormatError(f"has the line {line[:120]!r}; a line is IMAGE, a tab, LABELS").in_file(path)
        pair = Pair(*(Path(path).parent / name for name in names))
        for file in pair:
            if not file.is_file():
                raise InputError(f"lists {str(file)!r}, and there is no such file").in_file(path)
        pairs.append(pair)
    if not pairs:
        raise InputError("lists no image").in_file(path)
    return pairs
