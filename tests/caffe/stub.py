"""Writes fcnkit/caffe/messages.pyi from the compiled descriptions of Caffe's messages. Run by `make proto`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from fcnkit.caffe.schema import FILE
from tests.paths import ROOT

STUB = ROOT / "fcnkit" / "caffe" / "messages.pyi"
WIDTH = 120
HEAD = '''\
"""Caffe's messages as types, forks' fields among them. Written by `make proto`; change proto/*.proto instead."""

from collections.abc import Iterable
from typing import Final, Literal

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
'''
PYTHON_TYPES = {
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_DOUBLE: "float",
    FieldDescriptor.CPPTYPE_FLOAT: "float",
    FieldDescriptor.CPPTYPE_ENUM: "int",
    FieldDescriptor.CPPTYPE_INT32: "int",
    FieldDescriptor.CPPTYPE_INT64: "int",
    FieldDescriptor.CPPTYPE_UINT32: "int",
    FieldDescriptor.CPPTYPE_UINT64: "int",
}


def stub() -> str:
    """The text of messages.pyi, in the formatter's own form."""
    parts = [HEAD]
    for enum in FILE.enum_types_by_name.values():
        parts.append("\n".join(_enum(enum)) + "\n")
    for message in FILE.message_types_by_name.values():
        parts.append("\n".join([f"class {message.name}(Message):", *_indented(_message(message))]) + "\n")
    return "\n".join(parts)


def _enum(enum: EnumDescriptor) -> Iterator[str]:
    yield f"{enum.name}: Final[EnumTypeWrapper]"
    for value in enum.values:
        yield f"{value.name}: Final = {value.number}"


def _message(message: Descriptor) -> Iterator[str]:
    for enum in message.enum_types:
        yield from _enum(enum)
    for field in message.fields:
        if _is_repeated(field) or field.message_type:
            yield "@property"
            yield f"def {field.name}(self) -> {_read(field)}: ..."
        else:
            yield f"{field.name}: {_read(field)}"
    given = [f"{field.name}: {_written(field)} = ..." for field in message.fields]
    yield from _wrapped("def __init__(", ["self", "*", *given], ") -> None: ...")
    for method, result, names in (
        ("HasField", "bool", [field.name for field in message.fields if not _is_repeated(field)]),
        ("ClearField", "None", [field.name for field in message.fields]),
    ):
        if names:
            literal = list(_wrapped("field_name: Literal[", [f'"{name}"' for name in names], "]", WIDTH - 9))
            one_line = f"def {method}(self, {literal[0]}) -> {result}: ..."
            if len(literal) == 1 and len(one_line) <= WIDTH - 4:
                yield one_line
            elif len(literal) == 1 and len(f"self, {literal[0]}") <= WIDTH - 8:
                yield from (f"def {method}(", f"    self, {literal[0]}", f") -> {result}: ...")
            else:
                yield from (f"def {method}(", "    self,", *_indented(literal[:-1]), f"    {literal[-1]},")
                yield f") -> {result}: ..."


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _wrapped(start: str, items: list[str], end: str, width: int = WIDTH - 4) -> Iterator[str]:
    """A bracket with its items in one line, else within the brackets' lines, else one item a line."""
    joined = ", ".join(items)
    if len(start + joined + end) <= width:
        yield start + joined + end
    elif len(joined) <= width - 4:
        yield from (start, f"    {joined}", end)
    else:
        yield from (start, *(f"    {item}," for item in items), end)


def _is_repeated(field: FieldDescriptor) -> bool:
    """As every release of protobuf has it: the default of a repeated field is a list."""
    return isinstance(field.default_value, list)


def _read(field: FieldDescriptor) -> str:
    if not _is_repeated(field):
        return _one(field)
    kind = "Composite" if field.message_type else "Scalar"
    return f"Repeated{kind}FieldContainer[{_one(field)}]"


def _written(field: FieldDescriptor) -> str:
    """A constructor takes an enum's value by its name, too."""
    one = "int | str" if field.enum_type else _one(field)
    return f"Iterable[{one}]" if _is_repeated(field) else one


def _one(field: FieldDescriptor) -> str:
    if field.message_type:
        return str(field.message_type.name)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "bytes" if field.type == FieldDescriptor.TYPE_BYTES else "str"
    return PYTHON_TYPES[field.cpp_type]


if __name__ == "__main__":
    STUB.write_text(stub())
