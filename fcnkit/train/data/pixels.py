"""Images as Caffe's data layers read them: channels first, BGR, of one size."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError
from fcnkit.segment.raster import open_image


def channels_first(image: Image.Image, colour: bool | None = None) -> np.ndarray:
    """The pixels of an image as (channels, height, width), BGR for colour images.

    Args:
        image: the opened image.
        colour: True for three channels, False for one, None for as many as the image has.
    """
    if colour is None:
        colour = image.mode not in ("1", "L", "I", "F", "LA", "I;16")
    values = np.asarray(image.convert("RGB" if colour else "L"))
    return values[:, :, ::-1].transpose(2, 0, 1) if colour else values[None]


def decoded(data: bytes, colour: bool | None = None) -> np.ndarray:
    """The pixels of an image file in memory.

    Raises:
        FileFormatError: the data is not an image, or is damaged.
    """
    try:
        return channels_first(open_image(io.BytesIO(data)), colour)
    except FileFormatError as error:
        raise FileFormatError(f"its image {Exception.__str__(error)}") from None


def read(path: AnyPath, size: tuple[int, int] = (0, 0), colour: bool = True) -> np.ndarray:
    """The pixels of an image file, resized if a size is given.

    Args:
        path: the file.
        size: (height, width); 0 and 0 keeps its own size.
        colour: three channels, or one.

    Raises:
        FileFormatError: the file cannot be read.

    Source: BVLC/caffe src/caffe/util/io.cpp, ReadImageToCVMat.
    """
    values = channels_first(open_image(path), colour)
    return resized(values, size) if all(size) else values


def resized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image by bilinear interpolation as OpenCV does: neither smoothed nor aligned at corners."""
    if values.shape[1:] == size:
        return values
    floats = torch.from_numpy(np.ascontiguousarray(values)).float()[None]
    scaled = torch.nn.functional.interpolate(floats, size, mode="bilinear", align_corners=False, antialias=False)
    return scaled[0].round().clamp(0, 255).byte().numpy()
