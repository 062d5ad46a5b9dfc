"""Read and write Caffe's text files, which are in protobuf text format."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from google.protobuf import text_format
from google.protobuf.message import Message

from fcnkit.aliases import AnyPath
from fcnkit.caffe import placeholders, schema
from fcnkit.caffe.forks import to_bvlc
from fcnkit.caffe.lenient import REPEATED, Unknown, scan
from fcnkit.caffe.messages import NetParameter, SolverParameter
from fcnkit.caffe.placeholders import Values
from fcnkit.caffe.sniff import unreadable
from fcnkit.errors import FileFormatError, PrototxtError, TemplateError, naming

# A name where a number is due.
_NAMED_NUMBER = re.compile(r"Couldn't parse (?:integer|float): ([A-Za-z_]\w*)$")
# Fields of a solver that hold a net.
_NETS_OF_SOLVERS = {"net_param", "train_net_param", "test_net_param"}
# The names here of fields that forks repeat, at the beginning of a line of text.
_OWN_NAME = re.compile(rf"(?m)^( *)each_({'|'.join(name for _, name in REPEATED)}): ")
# How many lines a message lists for each unknown field.
_LISTED = 5


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
    message, unknown = parse_leniently(text, kind)
    if unknown:
        raise unknown_error(unknown)
    return message


@overload
def parse_leniently(
    text: str, kind: Literal["NetParameter"] = "NetParameter", values: Values | None = None
) -> tuple[NetParameter, list[Unknown]]: ...
@overload
def parse_leniently(text: str, kind: str, values: Values | None = None) -> tuple[Any, list[Unknown]]: ...
def parse_leniently(text: str, kind: str = "NetParameter", values: Values | None = None) -> tuple[Any, list[Unknown]]:
    """Parse prototxt text without the fields and enum values that the schema lacks; those are listed.

    Of a solver that contains its net, as net_param, the net is read. The type of a V1 layer is text in `type_name`
    where the enum of old nets lacks it: forks added types of their own.

    Args:
        text, kind: as in `parse`.
        values: of placeholders, by name, for a template.

    Raises:
        PrototxtError, DefinitionError: as in `parse`, but for unknown fields.
    """
    text = placeholders.filled(text, values or {})
    message, unknown = _parsed(text, kind)
    if kind == "NetParameter" and any(each.path[0] in _NETS_OF_SOLVERS for each in unknown if not each.layers):
        message, unknown = _net_of_solver(text)
    for each in [each for each in unknown if each.layers == "layers" and each.path == ("type",)]:
        message.layers[each.position].type_name = each.value
        unknown.remove(each)
    if kind == "NetParameter":
        to_bvlc(message)
    return message, unknown


def _parsed(text: str, kind: str) -> tuple[Any, list[Unknown]]:
    message = schema.message_class(kind)()
    try:
        _merge(text, message)
    except PrototxtError as error:
        rest, unknown = scan(text, message.DESCRIPTOR)
        if rest == text:
            raise error
        message = schema.message_class(kind)()
        _merge(rest, message)
        return message, unknown
    return message, []


def _net_of_solver(text: str) -> tuple[NetParameter, list[Unknown]]:
    """The net inside the text of a solver: one for both phases, else the first for tests, else that for training.

    Source: BVLC/caffe src/caffe/proto/caffe.proto, SolverParameter.
    """
    solver, unknown = _parsed(text, "SolverParameter")
    unknown = [each for each in unknown if each.owner != "SolverParameter"]
    nets = [getattr(solver, field) for field in ("net_param", "train_net_param") if solver.HasField(field)]
    if not solver.HasField("net_param"):
        nets = [*solver.test_net_param, *nets]
    if len(nets) > 1:
        # The layers' positions are counted over all nets.
        unknown = [each._replace(layers="") for each in unknown]
    return nets[0], unknown


def _merge(text: str, message: Message) -> None:
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
        if placeholders.names(offending) or _NAMED_NUMBER.search(problem):
            raise TemplateError(_placeholders(text, message), line, column, offending[:120]) from None
        raise PrototxtError(problem, line, column, offending[:120]) from None


def _placeholders(text: str, message: Message) -> list[str]:
    """The placeholders of a template: those with marks, and each name where a number is due."""
    names = placeholders.names(text)
    while True:
        try:
            given = placeholders.filled(text, dict.fromkeys(names, 1))
            text_format.Parse(given, type(message)(), allow_unknown_field=True)
        except text_format.ParseError as error:
            named = _NAMED_NUMBER.search(str(error).rstrip("."))
            if named is None or named[1] in names:
                return names
            names.append(named[1])
        else:
            return names


def unknown_error(unknown: Sequence[Unknown], way_out: str = "") -> PrototxtError:
    """The error that lists all unknown fields; way_out is the end of its message."""
    first = unknown[0]
    if len(unknown) == 1:
        kind, lacked = ("Enum", "value") if first.value else ("Message", "field")
        problem = f'{kind} type "{first.owner}" has no {lacked} named "{first.value or first.name}"'
        return PrototxtError(problem + way_out, first.line, first.column, first.text)
    lines: dict[str, list[int]] = {}
    for each in unknown:
        lines.setdefault(_named(each), []).append(each.line)
    listed = "; ".join(f"{name} in line{'s' * (len(at) > 1)} {some(at)}" for name, at in lines.items())
    return PrototxtError(f"{len(unknown)} unknown fields: {listed}{way_out}", 0, 0, "")


def _named(unknown: Unknown) -> str:
    where = f" of {'.'.join(unknown.path[:-1])}" if unknown.path[:-1] else ""
    return f"value {unknown.value!r} for {unknown.name!r}{where}" if unknown.value else f"{unknown.name!r}{where}"


def some(lines: Sequence[int]) -> str:
    """The first few line numbers."""
    return ", ".join(map(str, lines[:_LISTED])) + (f" and {len(lines) - _LISTED} more" if len(lines) > _LISTED else "")


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


def read_leniently(
    path: AnyPath,
    values: Values | None = None,
    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
) -> tuple[NetParameter, list[Unknown]]:
    """Parse a prototxt file as `parse_leniently` does.

    Args:
        path: the file.
        values: of placeholders, by name, for a template.
        input_shape: the shape of its first input, or shapes by name, for placeholders that stand for an image's size.

    Raises:
        ArgumentError: the text has no placeholder for one of the values.
        FcnkitError: as in `read` and `parse_leniently`.
    """
    with naming(path):
        text = decode(read_bytes(path))
        placeholders.check_names(text, values or {})
        return parse_leniently(text, values={**placeholders.of_shape(input_shape), **(values or {})})


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
    return _OWN_NAME.sub(r"\1\2: ", text_format.MessageToString(message))
