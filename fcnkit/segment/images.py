"""Finding and reading images and label maps, of the formats that `raster` lists."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError, InputError
from fcnkit.palette import IGNORE, labels_from_colours
from fcnkit.segment import raster
from fcnkit.segment.mat import MAT, read_mat_labels
from fcnkit.segment.raster import MAX_PIXELS, open_image


def find(sources: Iterable[AnyPath], suffixes: Sequence[str] = ()) -> list[Path]:
    """The images that the sources name, each once, in order; arguments and errors as of `places`."""
    return list(places(sources, suffixes))


def places(
    sources: Iterable[AnyPath], suffixes: Sequence[str] = (), *, recursive: bool = False, leave: AnyPath | None = None
) -> dict[Path, Path]:
    """The images that the sources name, each once, in order, with their paths relative to the folder of the source.

    Args:
        sources: images; folders, of which every file with an image's suffix is taken; patterns such as `*.jpg`; text
            files (.txt) with one path per line, relative to the text file's folder.
        suffixes: more suffixes of files that are taken from a folder.
        recursive: take the files of a folder's subfolders too, except of hidden ones.
        leave: a subfolder that is not searched, such as that of the results.

    Raises:
        InputError: a source does not exist, or has no image.
    """
    known = {*raster.suffixes(), *suffixes}
    found: dict[str, tuple[Path, Path]] = {}
    for source in map(Path, sources):
        if source.is_dir():
            paths = [source / place for place in _below(source, known, leave, deep=recursive)]
            if not paths and (more := subfolders(source, known, leave)):
                raise InputError(f"contains no image, except in {more}; give `recursive`").in_file(source)
            inside = {path: path.relative_to(source) for path in paths}
        else:
            inside = {path: Path(path.name) for path in _expand(source)}
        if not inside:
            raise InputError("contains no image").in_file(source)
        for path, place in inside.items():
            found.setdefault(os.path.abspath(path), (path, place))
    return dict(found.values())


def subfolders(source: AnyPath, known: Container[str] | None = None, leave: AnyPath | None = None) -> str:
    """The number of a folder's subfolders with images in them, in words; empty if there is none.

    Args:
        source: the folder; a file has no subfolders.
        known: the suffixes of images.
        leave: a subfolder that does not count.
    """
    known = raster.suffixes() if known is None else known
    children = _subfolders(source, leave) if os.path.isdir(source) else []
    count = sum(any(True for _ in _below(child, known, leave)) for child in children)
    return "" if count == 0 else "1 subfolder" if count == 1 else f"{count:,} subfolders"


def _below(folder: AnyPath, known: Container[str], leave: AnyPath | None, deep: bool = True) -> Iterator[Path]:
    """The images of a folder, and of its subfolders, as paths relative to it: sorted, files before subfolders."""
    for name in sorted(os.listdir(folder)):
        path = Path(folder, name)
        if not name.startswith(".") and path.suffix.lower() in known and path.is_file():
            yield Path(name)
    for child in _subfolders(folder, leave) if deep else ():
        for place in _below(child, known, leave):
            yield child.name / place


def _subfolders(folder: AnyPath, leave: AnyPath | None) -> list[Path]:
    """Neither hidden ones nor links, which may lead back."""
    inside = (Path(folder, name) for name in sorted(os.listdir(folder)) if not name.startswith("."))
    left = None if leave is None else os.path.realpath(leave)
    return [path for path in inside if path.is_dir() and not path.is_symlink() and os.path.realpath(path) != left]


def _expand(source: Path) -> list[Path]:
    if source.is_file():
        if source.suffix.lower() != ".txt":
            return [source]
        paths = [source.parent / line for line in read_lines(source)]
        for path in paths:
            if not path.is_file():
                raise InputError(f"lists {str(path)!r}, and there is no such file").in_file(source)
        return paths
    if has_magic(str(source)):
        return [path for path in map(Path, sorted(glob(str(source), recursive=True))) if path.is_file()]
    raise InputError("there is no such image or folder").in_file(source)


def read_lines(path: AnyPath) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        FileFormatError: it cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise FileFormatError(f"cannot be read: {problem}").in_file(path) from None
    return [line.strip() for line in lines if line.strip()]


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Paths by their name without folder and suffix.

    Raises:
        InputError: two have the same name.
    """
    stems: dict[str, Path] = {}
    for path in paths:
        if path.stem in stems:
            problem = f"has the same name as {str(stems[path.stem])!r}; results are named after it: rename one"
            raise InputError(problem).in_file(path)
        stems[path.stem] = path
    return stems


def read(path: AnyPath, max_pixels: int | None = MAX_PIXELS) -> Image.Image:
    """An image, upright and with 8 bits: mode L for grey, else RGB.

    Transparency is ignored: the colours are those that are stored. Of several frames the first is read.

    Args:
        path: the file.
        max_pixels: the most pixels that are read; None for any number.

    Raises:
        FileFormatError: it cannot be read.
    """
    image = open_image(path, max_pixels)
    if image.mode[0] in "IF":
        return _eight_bits(image)
    if image.mode in ("1", "L", "LA", "La"):
        return image.convert("L")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values converted to 8 bits: of 16 bits the upper 8, rounded."""
    values = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I;16") or (image.mode == "I" and values.max() > 255):
        values = values / 257
    return Image.fromarray(values.clip(0, 255).round().astype(np.uint8))


class Labels(NamedTuple):
    """A label map: (height, width) integers; unknown counts a colour mask's pixels that are not in the palette."""

    values: np.ndarray
    unknown: int = 0


def read_labels(path: AnyPath, palette: np.ndarray | None = None, ignore: int = IGNORE) -> Labels:
    """A label map: indices or grey values unchanged, colours mapped by the palette, .mat files (see `mat`).

    Args:
        path: the file.
        palette: (n, 3) uint8 RGB for colour masks; VOC's by default.
        ignore: the label for colours that are not in the palette, and for pixels without a label in .mat files.

    Raises:
        FileFormatError: it cannot be read.
    """
    if Path(path).suffix.lower() == MAT:
        return Labels(read_mat_labels(path, ignore))
    image = open_image(path)
    if image.mode in ("RGB", "RGBA", "RGBX", "CMYK"):
        try:
            return Labels(*labels_from_colours(np.asarray(image.convert("RGB")), palette, ignore))
        except FileFormatError as error:
            raise error.in_file(path) from None
    if image.mode in ("LA", "PA"):
        image = image.getchannel(0)
    if image.mode != "P" and image.mode not in ("1", "L") and image.mode[0] != "I":
        raise FileFormatError(f"is not a label map: Pillow reads it in mode {image.mode}").in_file(path)
    values = np.asarray(image)
    return Labels(values.astype(np.uint8) if image.mode == "1" else values)


def read_palette(path: AnyPath) -> np.ndarray:
    """A palette from a file: that of an indexed image, or text with a line `red green blue` for each label.

    Returns:
        (n, 3) uint8 RGB, n up to 256.

    Raises:
        FileFormatError: it is neither.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}").in_file(path) from None
    lines = [re.split(r"[\s,]+", line.strip()) for line in data.decode("latin-1").splitlines() if line.strip()]
    if lines and all(len(line) == 3 and "".join(line).isdecimal() for line in lines):
        colours = np.array([[int(number) for number in line] for line in lines])
        if colours.max() <= 255 and len(colours) <= 256:
            return colours.astype(np.uint8)
    else:
        with suppress(FileFormatError):
            image = open_image(path)
            if image.mode == "P":
                return np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    problem = "is not a palette: neither an indexed image nor up to 256 lines `red green blue`, 0 to 255 each"
    raise FileFormatError(problem).in_file(path)
