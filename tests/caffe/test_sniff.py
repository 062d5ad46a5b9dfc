"""Telling what a file is from its content, whatever its name says."""

import gzip
import io
import os
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from fcnkit.caffe.messages import BlobProto, NetParameter, SolverState
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import FileFormatError
from tests.paths import LEGACY


def image(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, kind)
    return buffer.getvalue()


def archive(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, b"content")
    return buffer.getvalue()


# The first bytes of an ONNX ModelProto: ir_version, producer_name, graph (empty), opset_import.
ONNX = b"\x08\x08\x12\x07pytorch\x3a\x00\x42\x02\x10\x12"
NET = (LEGACY / "v1" / "net.caffemodel").read_bytes()
STATE = SolverState(iter=4000, learned_net="a.caffemodel", history=[BlobProto(data=[1] * 99)], current_step=1)
MEAN = BlobProto(num=1, channels=3, height=2, width=2, data=[0.5] * 12)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (image("PNG"), "a PNG image"),
        (image("JPEG"), "a JPEG image"),
        (image("GIF"), "a GIF image"),
        (b"%PDF-1.5\n%\xd0\xd4", "a PDF document"),
        (b"\n\n<!DOCTYPE html><html>", "an HTML page"),
        (b"\xef\xbb\xbf<HTML lang='en'>", "an HTML page"),
        (b'<?xml version="1.0"?><Error/>', "an XML document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer (`git lfs pull` fetches the file itself)"),
        (b"# a net\nname: 'n'\nlayer { name: 'a' }", "a prototxt"),
        (b"name: 'n' layers: {", "a prototxt"),
        (b'train_net: "t"\n', "a prototxt"),
        ("caf\xe9".encode("latin-1"), "a text file"),
        (b'{"layers": 3}', "a text file"),
        (archive("archive/data.pkl", "archive/data/0"), "a PyTorch checkpoint (.pth)"),
        (archive("fc6.weight.npy"), "a NumPy archive (.npz)"),
        (archive("readme", "fc6.weight.npy"), "a zip archive"),
        (archive("readm\u00eb").replace("readm\u00eb".encode(), b"readme\xbb"), "a zip archive, cut short or damaged"),
        (archive("readme")[:40], "a zip archive, cut short or damaged"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9", "a PyTorch checkpoint (.pth)"),
        (b"\x80\x04\x95\x10", "a Python pickle"),
        (b"\x93NUMPY\x01\x00v\x00", "a NumPy array (.npy)"),
        (b"MATLAB 5.0 MAT-file, Platform", "a MATLAB file (.mat)"),
        (b"MATLAB 7.3 MAT-file, Platform".ljust(512) + b"\x89HDF\r\n\x1a\n", "a MATLAB file (.mat)"),
        (gzip.compress(NET), "a gzip-compressed file"),
        (b"BZh91AY", "a bzip2-compressed file"),
        (b"\xfd7zXZ\0\0\x04", "an xz-compressed file"),
        (b"net.prototxt".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
        (NET, "a Caffe net (.caffemodel)"),
        (NET[:-7], "a Caffe net (.caffemodel), cut short or damaged"),
        (NET[:2000], "a Caffe net (.caffemodel), cut short or damaged"),
        (NET[:9], "a Caffe net (.caffemodel), cut short or damaged"),
        (NetParameter(layer=[{"name": "a" * 300}]).SerializeToString(), "a Caffe net (.caffemodel)"),
        (STATE.SerializeToString(), "a Caffe solver state (.solverstate)"),
        (STATE.SerializeToString()[:60], "a Caffe solver state (.solverstate), cut short or damaged"),
        (MEAN.SerializeToString(), "a Caffe array (.binaryproto)"),
        (BlobProto(shape={"dim": [2]}, double_data=[1, 2]).SerializeToString(), "a Caffe array (.binaryproto)"),
        (ONNX, "an ONNX model"),
        (b"\x7fELF\x02\x01\x01\0", "a binary file of unknown kind"),
        (b"\x12\xff\x01", "a binary file of unknown kind"),
        (b"\x0a" + b"\xff" * 20 + b"\0", "a binary file of unknown kind"),
        (bytes(range(256)), "a binary file of unknown kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contents(tmp_path, content, kind):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(content)
    assert sniff(path).phrase == kind


@pytest.mark.parametrize("case", ["v0", "v1", "v2_input_fields"])
def test_caffes_own_files(case):
    assert sniff(LEGACY / case / "net.caffemodel").phrase == "a Caffe net (.caffemodel)"
    assert sniff(LEGACY / case / "net.caffemodel.h5").phrase == "an HDF5 file"
    assert sniff(LEGACY / case / "net.prototxt").phrase == "a prototxt"


def test_files_of_other_libraries(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = 1
    assert sniff(tmp_path / "a.h5").phrase == "an HDF5 file"
    save_file({"fc6.weight": np.zeros(3, np.float32)}, tmp_path / "a.safetensors")
    assert sniff(tmp_path / "a.safetensors").phrase == "a safetensors file"
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    assert sniff(tmp_path / "a.npz").phrase == "a NumPy archive (.npz)"


def test_what_is_no_file(tmp_path):
    assert sniff(tmp_path).phrase == "a folder"
    os.mkfifo(tmp_path / "pipe")
    assert sniff(tmp_path / "pipe").phrase == "a device, pipe or socket"
    with pytest.raises(FileFormatError) as error:
        sniff(tmp_path / "missing")
    assert str(error.value) == f"{tmp_path}/missing: cannot be read: No such file or directory"


def test_a_large_file_is_not_read_whole(tmp_path):
    """A hole of 10 GB where the blobs would be: only the fields' heads are looked at."""
    path = tmp_path / "large.caffemodel"
    with open(path, "wb") as file:
        file.write(b"\x0a\x01n\x12\x80\xc8\xaf\xa0\x25")
        file.truncate(file.tell() + 10_000_000_000)
    assert sniff(path).phrase == "a Caffe net (.caffemodel)"


@pytest.mark.parametrize("kind", [kind for kind in FileKind if kind.name.startswith("CUT_")])
def test_a_damaged_file_is_of_the_kind_that_it_was(kind):
    assert kind.phrase == f"{kind.intact.phrase}, cut short or damaged"


def test_damage_is_told_apart(tmp_path):
    (tmp_path / "net").write_bytes(NET[:2000])
    assert sniff(tmp_path / "net") is FileKind.CUT_NET
    assert sniff(tmp_path / "net").intact is FileKind.NET
    assert FileKind.NET.intact is FileKind.NET
