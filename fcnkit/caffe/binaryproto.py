"""A single array in a file of its own (.binaryproto), as Caffe keeps mean images and infogain matrices."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from fcnkit.caffe.schema import message_class
from fcnkit.caffe.sniff import sniff
from fcnkit.errors import FileFormatError, naming


def read(path: str | PathLike[str]) -> np.ndarray:
    """Read a .binaryproto.

    Returns:
        The values as float32, in the shape the file states.

    Raises:
        FileFormatError: the file cannot be read, is no .binaryproto, or does not fill its shape.

    Source: BVLC/caffe src/caffe/blob.cpp, FromProto.
    """
    with naming(path):
        try:
            blob = message_class("BlobProto").FromString(Path(path).read_bytes())
        except OSError as error:
            raise FileFormatError(f"cannot be read: {error.strerror}") from None
        except DecodeError:
            raise FileFormatError(f"is {sniff(path).phrase}, not a .binaryproto") from None
        values = np.array(blob.double_data or blob.data, np.float32)
        legacy = ("num", "channels", "height", "width")
        shape = tuple(blob.shape.dim)
        if any(map(blob.HasField, legacy)):
            shape = tuple(getattr(blob, field) for field in legacy)
        if min(shape, default=1) < 0 or math.prod(shape) != values.size:
            raise FileFormatError(f"states the shape {shape}, but holds {values.size} values")
        return values.reshape(shape)
