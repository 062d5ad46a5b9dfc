"""What a file is, by its first bytes: for messages about files that are not what their names say."""

from __future__ import annotations

import mmap
import re
import zipfile
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from fcnkit.aliases import AnyPath
from fcnkit.caffe import wire
from fcnkit.errors import FileFormatError

NET = "a Caffe net (.caffemodel)"
PROTOTXT = "a prototxt"
SOLVER_STATE = "a Caffe solver state (.solverstate)"
HDF5 = "an HDF5 file"

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x89HDF\r\n\x1a\n": HDF5,
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"MATLAB ": "a MATLAB file (.mat)",
    b"\x1f\x8b": "a gzip-compressed file",
    b"BZh": "a bzip2-compressed file",
    b"\xfd7zXZ\0": "an xz-compressed file",
    # A pickle that begins with torch's magic number: what torch.save wrote before version 1.6.
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.": "a PyTorch checkpoint (.pth)",
    **{bytes([0x80, protocol]): "a Python pickle" for protocol in range(2, 6)},
}

# Text that says more of itself than that it is text; matched against its beginning, in lower case.
_TEXTS = {
    rb"<!doctype html|<html": "an HTML page",
    rb"<\?xml": "an XML document",
    rb"version https://git-lfs": "a Git LFS pointer (`git lfs pull` fetches the file itself)",
    rb"(?s).*?(^|\s)(layers?\s*:?\s*\{|(net|train_net|test_net)\s*:)": PROTOTXT,
}
_CONTROL = set(range(32)) - set(b"\t\n\v\f\r")

# Messages by their top-level fields: number and wire type (0 varint, 2 with a length), and which of them must be there.
# Numbers are from proto/caffe.proto and from onnx/onnx.proto.
_MESSAGES = (
    (NET, {1: 2, 2: 2, 3: 2, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2, 100: 2}, ({2}, {100})),
    (SOLVER_STATE, {1: 0, 2: 2, 3: 2, 4: 0}, ({1},)),
    ("an ONNX model", {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2}, ({1, 7},)),
    ("a Caffe array (.binaryproto)", {1: 0, 2: 0, 3: 0, 4: 0, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2}, ({5}, {8})),
)
_FIELDS_READ = 64


def describe(path: AnyPath) -> str:
    """What a file is, as a phrase for "is ..., not a .caffemodel".

    Reads the file's beginning, of protobuf messages a few bytes at each of the first fields, and of zip archives
    their table of contents, never the whole.

    Raises:
        FileFormatError: the file cannot be read.
    """
    try:
        if Path(path).is_dir():
            return "a folder"
        if not Path(path).is_file() and Path(path).exists():
            return "no regular file"
        with open(path, "rb") as file:
            return _describe(file)
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}").in_file(path) from None


def _describe(file: BinaryIO) -> str:
    head = file.read(4096)
    if not head:
        return "an empty file"
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(file)
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 100_000_000:
        return "a safetensors file"
    if _CONTROL.isdisjoint(head):
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        return next((kind for pattern, kind in _TEXTS.items() if re.match(pattern, start)), "a text file")
    return _message_kind(file)


def _zip_kind(file: BinaryIO) -> str:
    try:
        names = zipfile.ZipFile(file).namelist()
    except zipfile.BadZipFile:
        return "a zip archive, cut short or damaged"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch checkpoint (.pth)"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    return "a zip archive"


def _message_kind(file: BinaryIO) -> str:
    """The kind of protobuf message a binary file holds, by its first fields."""
    found: dict[int, int] = {}
    whole, end = True, 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as buffer:
        try:
            for field in islice(wire.fields(buffer, 0, len(buffer)), _FIELDS_READ):
                found[field.number], end = field.kind, field.end
        except wire.WireError:
            whole = False
            with suppress(wire.WireError):
                tag, _ = wire.varint(buffer, end, len(buffer))
                found[tag >> 3] = tag & 7
    for kind, fields, required in _MESSAGES:
        if found.items() <= fields.items() and any(found.keys() >= numbers for numbers in required):
            if whole:
                return kind
            # A single field that runs out of the file proves little.
            if len(found) > 1:
                return f"{kind}, cut short or damaged"
    return "a binary file of unknown kind"
