"""Small pictures as data URIs, for pages that need no other file."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from fcnkit.palette import IGNORE, label_image, voc_palette
from fcnkit.segment.images import read, read_labels

# The longest side in pixels: twice that on the page, for fine screens.
_SIDE = 320
# The opacity of a class's colour, 0 to 255.
_OPACITY = 170


class LabelMap(NamedTuple):
    """A label map as a data URI, and whether some of its pixels are ignored."""

    uri: str
    ignored: bool


class Photo(NamedTuple):
    """A photo as a data URI, and its size: (width, height)."""

    uri: str
    size: tuple[int, int]


def photo(path: Path) -> Photo:
    """An image, no larger than a thumbnail.

    Raises:
        FileFormatError: it cannot be read.
    """
    image = read(path)
    image.thumbnail((_SIDE, _SIDE))
    return Photo(_uri(image, "JPEG", quality=82), image.size)


def label_map(path: Path, size: tuple[int, int], background: int | None) -> LabelMap:
    """A label map as translucent colours to lie over its photo; the ignored label is opaque.

    Args:
        path: the file, in any format that `read_labels` reads.
        size: (width, height) of the photo.
        background: the label that is left uncoloured, or None.

    Raises:
        FileFormatError: it cannot be read.
    """
    labels = Image.fromarray(read_labels(path).values.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    opacity = np.full(256, _OPACITY, np.uint8)
    opacity[IGNORE] = 255
    if background is not None:
        opacity[background] = 0
    values = np.asarray(labels)
    uri = _uri(label_image(values), "PNG", transparency=opacity.tobytes(), optimize=True)
    return LabelMap(uri, bool((values == IGNORE).any()))


def color(label: int) -> str:
    """The colour of a label in CSS."""
    red, green, blue = voc_palette()[label]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _uri(image: Image.Image, kind: str, **options: object) -> str:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return f"data:image/{kind.lower()};base64,{b64encode(data.getvalue()).decode()}"
