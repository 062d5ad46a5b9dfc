"""What a file is, by its first bytes, whatever its name is."""

from __future__ import annotations

import mmap
import re
import zipfile
from contextlib import suppress
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from fcnkit.aliases import AnyPath
from fcnkit.caffe import wire
from fcnkit.errors import FileFormatError, MissingFileError


class FileKind(Enum):
    """What a file is, by its content."""

    NET = "a Caffe net (.caffemodel)"
    SOLVER_STATE = "a Caffe solver state (.solverstate)"
    ARRAY = "a Caffe array (.binaryproto)"
    PROTOTXT = "a prototxt"
    HDF5 = "an HDF5 file"
    SAFETENSORS = "a safetensors file"
    PYTORCH = "a PyTorch checkpoint (.pth)"
    PT2 = "an exported PyTorch program (.pt2)"
    PICKLE = "a Python pickle"
    NPY = "a NumPy array (.npy)"
    NPZ = "a NumPy archive (.npz)"
    ONNX = "an ONNX model"
    MATLAB = "a MATLAB file (.mat)"
    PNG = "a PNG image"
    JPEG = "a JPEG image"
    GIF = "a GIF image"
    PDF = "a PDF document"
    HTML = "an HTML page"
    XML = "an XML document"
    LFS_POINTER = "a Git LFS pointer (`git lfs pull` fetches the file itself)"
    TEXT = "a text file"
    ZIP = "a zip archive"
    TAR = "a tar archive"
    GZIP = "a gzip-compressed file"
    BZIP2 = "a bzip2-compressed file"
    XZ = "an xz-compressed file"
    EMPTY = "an empty file"
    FOLDER = "a folder"
    SPECIAL = "a device, pipe or socket"
    UNKNOWN = "a binary file of unknown kind"
    CUT_NET = "a Caffe net (.caffemodel), cut short or damaged"
    CUT_SOLVER_STATE = "a Caffe solver state (.solverstate), cut short or damaged"
    CUT_ARRAY = "a Caffe array (.binaryproto), cut short or damaged"
    CUT_ONNX = "an ONNX model, cut short or damaged"
    CUT_ZIP = "a zip archive, cut short or damaged"

    @property
    def phrase(self) -> str:
        """The kind in words, for "is ..., not a .caffemodel"."""
        return self.value

    @property
    def way_out(self) -> str:
        """Which file to take instead, as the end of a message; empty for most kinds."""
        solver_state = self.intact is FileKind.SOLVER_STATE
        return "; the weights are in the .caffemodel that was saved with it" if solver_state else ""

    @property
    def intact(self) -> FileKind:
        """The kind that a file was before it was cut short or damaged."""
        return FileKind[self.name.removeprefix("CUT_")]


_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": FileKind.PNG,
    b"\xff\xd8\xff": FileKind.JPEG,
    b"GIF8": FileKind.GIF,
    b"%PDF-": FileKind.PDF,
    b"\x89HDF\r\n\x1a\n": FileKind.HDF5,
    b"\x93NUMPY": FileKind.NPY,
    b"MATLAB ": FileKind.MATLAB,
    b"\x1f\x8b": FileKind.GZIP,
    b"BZh": FileKind.BZIP2,
    b"\xfd7zXZ\0": FileKind.XZ,
    # A pickle that begins with torch's magic number: what torch.save wrote before version 1.6.
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.": FileKind.PYTORCH,
    **{bytes([0x80, protocol]): FileKind.PICKLE for protocol in range(2, 6)},
}

# Text that says more of itself than that it is text; matched against its beginning, in lower case.
_TEXTS = {
    rb"<!doctype html|<html": FileKind.HTML,
    rb"<\?xml": FileKind.XML,
    rb"version https://git-lfs": FileKind.LFS_POINTER,
    rb"(?s).*?(^|\s)(layers?\s*:?\s*\{|(net|train_net|test_net)\s*:)": FileKind.PROTOTXT,
}
_CONTROL = set(range(32)) - set(b"\t\n\v\f\r")

# Messages by their top-level fields: number and wire type (0 varint, 2 with a length), and which of them must be there.
# Numbers are from proto/caffe.proto and from onnx/onnx.proto.
_MESSAGES = (
    (FileKind.NET, {1: 2, 2: 2, 3: 2, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2, 100: 2}, ({2}, {100})),
    (FileKind.SOLVER_STATE, {1: 0, 2: 2, 3: 2, 4: 0}, ({1},)),
    (FileKind.ONNX, {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2}, ({1, 7},)),
    (FileKind.ARRAY, {1: 0, 2: 0, 3: 0, 4: 0, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2}, ({5}, {8})),
)
_FIELDS_READ = 64


def sniff(path: AnyPath) -> FileKind:
    """The kind of a file, by its content.

    Reads the file's beginning, of protobuf messages a few bytes at each of the first fields, and of zip archives
    their table of contents, never the whole.

    Raises:
        FileFormatError: the file cannot be read.
    """
    try:
        if Path(path).is_dir():
            return FileKind.FOLDER
        if not Path(path).is_file() and Path(path).exists():
            return FileKind.SPECIAL
        with open(path, "rb") as file:
            return _kind(file)
    except OSError as error:
        raise unreadable(error, path) from None


def unreadable(error: OSError, path: AnyPath) -> FileFormatError:
    """The error for a file that the operating system does not open."""
    kind = MissingFileError if isinstance(error, FileNotFoundError) else FileFormatError
    return kind(f"cannot be read: {error.strerror}").in_file(path)


def _kind(file: BinaryIO) -> FileKind:
    head = file.read(4096)
    if not head:
        return FileKind.EMPTY
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(file)
    if head[257:262] == b"ustar":
        return FileKind.TAR
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 100_000_000:
        return FileKind.SAFETENSORS
    if _CONTROL.isdisjoint(head):
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        return next((kind for pattern, kind in _TEXTS.items() if re.match(pattern, start)), FileKind.TEXT)
    return _message_kind(file)


def _zip_kind(file: BinaryIO) -> FileKind:
    try:
        names = zipfile.ZipFile(file).namelist()
    # Damage makes zipfile raise nearly anything.
    except Exception:
        return FileKind.CUT_ZIP
    if any(name.endswith("/archive_format") for name in names):
        return FileKind.PT2
    if any(name.endswith("data.pkl") for name in names):
        return FileKind.PYTORCH
    if names and all(name.endswith(".npy") for name in names):
        return FileKind.NPZ
    return FileKind.ZIP


def _message_kind(file: BinaryIO) -> FileKind:
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
                return FileKind[f"CUT_{kind.name}"]
    return FileKind.UNKNOWN
