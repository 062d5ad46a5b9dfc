"""Arrays in files of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fcnkit.caffe import binaryproto
from fcnkit.caffe.messages import BlobProto
from fcnkit.errors import FileFormatError

BlobProto = BlobProto
VALUES = [0.5, -1, 2, 3, 1e-3, 6]


def read(path: Path, blob: object) -> np.ndarray:
    path.write_bytes(blob.SerializeToString())  # type: ignore[attr-defined]
    return binaryproto.read(path)


def test_shapes_of_both_kinds(tmp_path: Path) -> None:
    path = tmp_path / "a.binaryproto"
    blob = BlobProto(data=VALUES)
    blob.shape.dim.extend([2, 3])
    found = read(path, blob)
    assert found.shape == (2, 3)
    assert found.dtype == np.float32
    assert np.array_equal(found.flatten(), np.float32(VALUES))
    assert read(path, BlobProto(data=VALUES, num=1, channels=3, height=1, width=2)).shape == (1, 3, 1, 2)
    assert read(path, BlobProto(data=VALUES[:1])).shape == ()


def test_double_data_wins(tmp_path: Path) -> None:
    blob = BlobProto(data=[1, 2], double_data=VALUES)
    blob.shape.dim.append(6)
    assert np.array_equal(read(tmp_path / "a.binaryproto", blob), np.float32(VALUES))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image, not a .binaryproto"),
        (BlobProto(data=VALUES, num=1, channels=3, height=1, width=1).SerializeToString(),
         r"states the shape \(1, 3, 1, 1\), but contains 6 values"),
        (BlobProto(data=VALUES).SerializeToString(), r"states the shape \(\), but contains 6 values"),
    ],
)  # fmt: skip
def test_errors(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a.binaryproto"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileFormatError, match=rf"^{path}: {words}$"):
        binaryproto.read(path)
