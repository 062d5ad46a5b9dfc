"""Read and write Caffe's text files, which are in protobuf text format."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal, overload

from google.protobuf import text_format
from google.protobuf.message import Message

from fcnkit.aliases import AnyPath
from fcnkit.caffe import schema
from fcnkit.caffe.forks import to_bvlc
from fcnkit.caffe.messages import NetParameter, SolverParameter
from fcnkit.caffe.sniff import unreadable
from fcnkit.errors import FileFormatError, PrototxtError, naming


@overload
def parse(text: str, kind: Literal["NetParameter"] = "NetParameter") -> NetParameter: ...
@overload
def parse(text: str, kind: Literal["SolverParameter"]) -> SolverParameter: ...
@overload
def parse(text: str, kind: str) -> Any: ...
def parse(text: str, kind: str = "NetParameter") -> Any:
    """Parse prototxt text, of BVLC's Caffe or a fork.

    Args:
        text: the text of a net or solver definition.
        kind: name of the Caffe message that the text describes.

    Raises:
        PrototxtError: with line, column and the offending text, unknown fields included.
        DefinitionError: a fork's field contradicts its BVLC equivalent.
    """
    message = schema.message_class(kind)()
    try:
        # protobuf accepts any escape, such as those of a Windows path; Python deprecates the unknown ones.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine() or 0, error.GetColumn() or 0
        lines = text.splitlines()
        offending = lines[line - 1] if 0 < line <= len(lines) else ""
        # protobuf's message starts with "line:column : "; PrototxtError states the position itself.
        problem = str(error).removeprefix(f"{line}:{column} : ").rstrip(".").replace("caffe.", "").replace("\n", " ")
        raise PrototxtError(problem, line, column, offending[:120]) from None
    if kind == "NetParameter":
        to_bvlc(message)
    return message


@overload
def read(path: AnyPath, kind: Literal["NetParameter"] = "NetParameter") -> NetParameter: ...
@overload
def read(path: AnyPath, kind: Literal["SolverParameter"]) -> SolverParameter: ...
@overload
def read(path: AnyPath, kind: str) -> Any: ...
def read(path: AnyPath, kind: str = "NetParameter") -> Any:
    """Read a prototxt file; errors name the file."""
    with naming(path):
        return parse(decode(read_bytes(path)), kind)


def read_bytes(path: AnyPath) -> bytes:
    """The bytes of a small file; a file that cannot be read is a FileFormatError."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise unreadable(error, path) from None


def decode(data: bytes) -> str:
    """The text of a prototxt file; comments in any encoding are accepted, a binary file is refused."""
    if b"\0" in data:
        raise FileFormatError("is a binary file, not a prototxt; is it a .caffemodel?")
    return data.decode("utf-8-sig", errors="replace")


def to_text(message: Message) -> str:
    """Format a message in protobuf text format, as Caffe's own tools do."""
    return text_format.MessageToString(message)
