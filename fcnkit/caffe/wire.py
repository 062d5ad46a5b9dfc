"""The part of protobuf's wire format that reading and writing large files needs.

Source: the protobuf encoding specification (protocolbuffers/protobuf, docs: Encoding).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are not a protobuf message; the text gives the offset."""


class Field(NamedTuple):
    """One field of a message: where its tag starts, and where its value starts and ends."""

    number: int
    kind: int
    tag: int
    start: int
    end: int


def varint(buffer: memoryview, at: int, end: int) -> tuple[int, int]:
    """The varint at offset `at`, and the offset behind it."""
    value = shift = 0
    for position in range(at, min(end, at + 10)):
        byte = buffer[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
        shift += 7
    raise WireError(f"the number at byte {at} " + ("runs past the end" if end - at < 10 else "has more than 10 bytes"))


def fields(buffer: memoryview, start: int, end: int) -> Iterator[Field]:
    """The fields of the message in buffer[start:end], in file order, without parsing their values."""
    at = start
    while at < end:
        tag, value_start = varint(buffer, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            _, value_end = varint(buffer, value_start, end)
        elif kind == FIXED64:
            value_end = value_start + 8
        elif kind == FIXED32:
            value_end = value_start + 4
        elif kind == BYTES:
            length, value_start = varint(buffer, value_start, end)
            value_end = value_start + length
        else:
            raise WireError(f"no valid protobuf field at byte {at}")
        if number == 0:
            raise WireError(f"no valid protobuf field at byte {at}")
        if value_end > end:
            needed, left = value_end - value_start, end - value_start
            raise WireError(f"the field at byte {at} needs {needed} bytes, {left} are left")
        yield Field(number, kind, at, value_start, value_end)
        at = value_end


def encode_varint(value: int) -> bytes:
    """A non-negative number as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def header(number: int, length: int) -> bytes:
    """The tag and the length that precede a value of `length` bytes."""
    return encode_varint(number << 3 | BYTES) + encode_varint(length)
