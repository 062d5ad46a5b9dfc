"""The binary reader on every way in which Caffe and its kin store numbers, and on broken files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from fcnkit.caffe import caffemodel, messages, prototxt, wire
from fcnkit.errors import FileFormatError

VALUES = np.arange(6, dtype=np.float32) / 7


def model(blob: bytes, layer: bytes = b"") -> bytes:
    """A net with one layer "c" that holds one serialized BlobProto."""
    inner = messages.LayerParameter(name="c", type="Convolution").SerializeToString()
    inner += wire.header(7, len(blob)) + blob + layer
    return wire.header(100, len(inner)) + inner


def shape(*dims: int) -> bytes:
    return messages.BlobProto(shape={"dim": dims}).SerializeToString()


def read(path: Path, data: bytes) -> dict[str, list[np.ndarray]]:
    path = path / "net.caffemodel"
    path.write_bytes(data)
    return caffemodel.read(path).blobs


def test_packed_floats_are_views_on_the_file(tmp_path: Path) -> None:
    blob = shape(2, 3) + wire.header(5, 24) + VALUES.tobytes()
    array = read(tmp_path, model(blob))["c"][0]
    assert np.array_equal(array, VALUES.reshape(2, 3))
    assert not array.flags.owndata
    array[0, 0] = 5  # its pages are private: this must not reach the file
    assert np.array_equal(caffemodel.read(tmp_path / "net.caffemodel").blobs["c"][0], VALUES.reshape(2, 3))


def test_a_blob_without_a_shape_is_one_value(tmp_path: Path) -> None:
    assert read(tmp_path, model(wire.header(5, 4) + VALUES[1:2].tobytes()))["c"][0].shape == ()


def test_old_blobs_have_four_sizes(tmp_path: Path) -> None:
    blob = messages.BlobProto(num=1, channels=1, height=2, width=3, data=VALUES)
    assert read(tmp_path, model(blob.SerializeToString()))["c"][0].shape == (1, 1, 2, 3)


def test_unpacked_floats(tmp_path: Path) -> None:
    blob = b"".join(struct.pack("<Bf", 5 << 3 | 5, value) for value in VALUES) + shape(3, 2)
    assert np.array_equal(read(tmp_path, model(blob))["c"][0], VALUES.reshape(3, 2))


def test_floats_in_several_runs(tmp_path: Path) -> None:
    blob = shape(6) + wire.header(5, 12) + VALUES[:3].tobytes()
    blob += struct.pack("<Bf", 5 << 3 | 5, VALUES[3]) + wire.header(5, 8) + VALUES[4:].tobytes()
    assert np.array_equal(read(tmp_path, model(blob))["c"][0], VALUES)


@pytest.mark.parametrize("packed", [True, False])
def test_doubles_win_over_floats(tmp_path: Path, packed: bool) -> None:
    doubles = VALUES.astype(np.float64) + 1e-12
    blob = shape(6) + wire.header(5, 24) + VALUES.tobytes()
    if packed:
        blob += wire.header(8, 48) + doubles.tobytes()
    else:
        blob += b"".join(struct.pack("<Bd", 8 << 3 | 1, value) for value in doubles)
    array = read(tmp_path, model(blob))["c"][0]
    assert array.dtype == np.float64
    assert np.array_equal(array, doubles)


@pytest.mark.parametrize(("kind", "dtype"), [(0, np.float64), (1, np.float32), (2, np.float16)])
def test_raw_data_of_nvidias_caffe(tmp_path: Path, kind: int, dtype: type) -> None:
    raw = VALUES.astype(dtype)
    blob = shape(6) + bytes([10 << 3, kind]) + wire.header(12, raw.nbytes) + raw.tobytes()
    assert np.array_equal(read(tmp_path, model(blob))["c"][0], raw)


def test_raw_data_that_is_no_float_type(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="layer 'c': blob 0 has raw data of type 3, which is not a float type"):
        read(tmp_path, model(shape(1) + bytes([10 << 3, 3]) + wire.header(12, 4) + b"abcd"))


def test_gradients_are_passed_over(tmp_path: Path) -> None:
    packed = wire.header(6, 24) + VALUES[::-1].tobytes()
    unpacked = b"".join(struct.pack("<Bf", 6 << 3 | 5, 1.0) for _ in range(4))
    blob = unpacked + packed + shape(6) + wire.header(5, 24) + VALUES.tobytes()
    assert np.array_equal(read(tmp_path, model(blob))["c"][0], VALUES)


@pytest.mark.parametrize("case", ["v0", "v1"])
def test_old_generations(data: Path, case: str) -> None:
    """The weights in Caffe's HDF5 file of the same net are what the .caffemodel must give."""
    h5py = pytest.importorskip("h5py")
    found = caffemodel.read(data / "legacy" / case / "net.caffemodel").blobs
    with h5py.File(data / "legacy" / case / "net.caffemodel.h5") as file:
        layers = {name: group for name, group in file["data"].items() if len(group)}
        assert found.keys() == layers.keys()
        for name, group in layers.items():
            for index, array in enumerate(found[name]):
                assert np.array_equal(array.reshape(-1), group[str(index)][()].reshape(-1)), name


def test_what_is_written_is_read_by_protobuf_and_by_us(tmp_path: Path, sample: Path) -> None:
    net, blobs = caffemodel.read(sample)
    path = tmp_path / "copy.caffemodel"
    caffemodel.write(path, net, blobs)
    parsed = messages.NetParameter.FromString(path.read_bytes())
    for layer in parsed.layer:
        for blob, array in zip(layer.blobs, blobs.get(layer.name, []), strict=True):
            assert tuple(blob.shape.dim) == array.shape
            assert np.array_equal(np.array(blob.data, np.float32), array.reshape(-1))
        layer.ClearField("blobs")
    assert parsed == net
    again = caffemodel.read(path)
    assert again.net == net
    assert all(np.array_equal(a, b) for name in blobs for a, b in zip(blobs[name], again.blobs[name], strict=True))


def test_a_blob_without_axes_survives_the_round_trip(tmp_path: Path) -> None:
    net = prototxt.parse('layer { name: "s" type: "Scale" }')
    path = tmp_path / "net.caffemodel"
    caffemodel.write(path, net, {"s": [np.array(2.5, np.float32)]})
    assert caffemodel.read(path).blobs["s"][0].shape == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "is a PNG image, not a .caffemodel"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "is an HTML page, not a .caffemodel"),
        (b'name: "n"\nlayer { name: "c" }', "is a prototxt, which has no weights"),
        (model(shape(2, 2) + wire.header(5, 24) + VALUES.tobytes()), r"states the shape \(2, 2\), but .* 6 values"),
        (model(shape(-1, 6) + wire.header(5, 24) + VALUES.tobytes()), r"states the shape \(-1, 6\)"),
        (model(shape(1 << 40, 1 << 40)), "contains 0 values for it"),
        (model(shape(2) + wire.header(5, 7) + b"1234567"), "end in the middle of one"),
        (model(shape(6) + wire.header(5, 24) + VALUES.tobytes())[:-3], "is a damaged .caffemodel|is a binary file"),
        (model(shape(6), b"\xff" * 12), "has more than 10 bytes|binary file"),
        (model(shape(6), b"\x0b"), "no valid protobuf field at byte|binary file"),
        (wire.header(1, 3) + b"net", "is a binary file of unknown kind|is a text file|holds no layer"),
    ],
)
def test_bad_files_are_one_clear_error(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(FileFormatError, match=words) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith(str(tmp_path / "net.caffemodel"))
    assert "\n" not in str(caught.value)


def test_a_truncated_file_says_where_it_ends(tmp_path: Path, sample: Path) -> None:
    with pytest.raises(FileFormatError, match=r"is a damaged .caffemodel: .* bytes are left|after layer 'pool5'"):
        read(tmp_path, sample.read_bytes()[:1_000_000])


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.caffemodel", tmp_path):
        with pytest.raises(FileFormatError, match="cannot be read: "):
            caffemodel.read(path)


def test_text_that_is_no_text(tmp_path: Path) -> None:
    data = messages.NetParameter(name="net", layer=[{"name": "abc", "type": "ReLU"}]).SerializeToString()
    with pytest.raises(FileFormatError, match=r"damaged .caffemodel: the text b'a\\xffc' in its definition is not"):
        read(tmp_path, data.replace(b"abc", b"a\xffc"))
