"""A single array in a file of its own (.binaryproto), as Caffe keeps mean images and infogain matrices."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from fcnkit.aliases import AnyPath
from fcnkit.caffe.messages import BlobProto
from fcnkit.caffe.sniff import sniff
from fcnkit.errors import FileFormatError, naming


def read(path: AnyPath) -> np.ndarray:
    """Read a .binaryproto.

    Returns:
        The values as float32, in the shape the file states.

    Raises:
        FileFormatError: the file cannot be read, is no .binaryproto, or does not fill its shape.

    Source: BVLC/caffe src/caffe/blob.cpp, FromProto.
    """
    with naming(path):
        try:
            blob = BlobProto.FromString(Path(path).read_bytes())
        except OSError as error:
            raise FileFormatError(f"cannot be read: {error.strerror}") from None
        except DecodeError:
            raise FileFormatError(f"is {sniff(path).phrase}, not a .binaryproto") from None
        values = np.array(blob.double_data or blob.data, np.float32)
        shape = tuple(blob.shape.dim)
        if blob.HasField("num") or blob.HasField("channels") or blob.HasField("height") or blob.HasField("width"):
            shape = (blob.num, blob.channels, blob.height, blob.width)
        if min(shape, default=1) < 0 or math.prod(shape) != values.size:
            raise FileFormatError(f"states the shape {shape}, but contains {values.size} values")
        return values.reshape(shape)
