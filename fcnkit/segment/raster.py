"""Opening images: only of the formats listed here, and with no more pixels than allowed.

Pillow detects the format from the content, not from the file name. It reads some formats by starting another program
(Ghostscript for EPS). Files may be untrusted, so those formats are not opened.
"""

from __future__ import annotations

from os import PathLike
from threading import Lock
from typing import BinaryIO

from PIL import Image, ImageOps

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError

# Pillow's names of formats that its own libraries decode.
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
# An image with more pixels takes over 500 MB as RGB alone, and a small file can declare such a size.
MAX_PIXELS = 178_956_970

_LOCK = Lock()


def suffixes() -> set[str]:
    """The suffixes of files of these formats, each with its dot, in lower case."""
    Image.init()
    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}


def open_image(source: AnyPath | BinaryIO, max_pixels: int | None = MAX_PIXELS) -> Image.Image:
    """An image in memory, upright according to its EXIF data; of several frames the first.

    Args:
        source: the file's path, or an open file.
        max_pixels: the most pixels that are read; None for any number.

    Raises:
        FileFormatError: it is no image of these formats, is damaged, or has more pixels.
    """
    path = source if isinstance(source, str | PathLike) else "image"
    try:
        with _opened(source) as image:
            width, height = image.size
            if max_pixels is not None and width * height > max_pixels:
                problem = f"has {height} x {width} pixels, more than the limit of {max_pixels:,}"
                raise FileFormatError(f"{problem}; raise it with `max_pixels`").in_file(path)
            image.load()
            return ImageOps.exif_transpose(image)
    except FileFormatError:
        raise
    except MemoryError:
        raise FileFormatError("has more pixels than fit into memory").in_file(path) from None
    except Exception as error:  # on damaged files Pillow's decoders raise almost any exception
        problem = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if problem.startswith("cannot identify image file"):
            known = ", ".join(FORMATS)
            problem = f"is not an image, or is damaged; the formats that are read: {known}"
            raise FileFormatError(problem).in_file(path) from None
        raise FileFormatError(f"cannot be read as an image: {problem}").in_file(path) from None


def _opened(source: AnyPath | BinaryIO) -> Image.Image:
    """The file's header, read without Pillow's own limit, which warns on standard error first and cannot be chosen."""
    with _LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(source, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
