"""Find the fields and enum values of a prototxt that the schema lacks, so that the rest can be parsed.

protobuf's own parser stops at the first of them. This one looks at names and brackets alone; whatever else is wrong is
left for protobuf to report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<text>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')
      | (?P<word>[A-Za-z_]\w*)
      | (?P<placeholder>\$\w+|\$\{\w+\})
      | (?P<number>[0-9.](?:[\w.]|(?<=[eE])[+-])*)
      | (?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)
_CLOSING = {"{": "}", "<": ">"}
# Caffe's messages are at most 6 deep.
_DEEPEST = 60
# Fields that BVLC has once and forks for any number of axes, and the names here of the forks' fields.
# Source: mzolfaghari/ECO-efficient-video-understanding caffe_3d/src/caffe/proto/caffe.proto, PoolingParameter.
REPEATED = {("PoolingParameter", name): f"each_{name}" for name in ("kernel_size", "stride", "pad")}


class Unknown(NamedTuple):
    """A field, or a value of an enum, that the schema lacks.

    Attributes:
        line, column: its position in the text, from 1.
        owner: the name of the message type, or of the enum.
        path: the names of the messages that it stands in, of a net from the layer down, and its own name.
        value: the name that the enum lacks; "" where the field itself is unknown.
        layers: the net's field that holds the layer, "layer" or "layers"; "" outside of layers.
        position: the layer's number among those.
        text: its first line in the file.
    """

    line: int
    column: int
    owner: str
    path: tuple[str, ...]
    value: str
    layers: str
    position: int
    text: str

    @property
    def name(self) -> str:
        return self.path[-1]


class _Malformed(Exception):
    """The text is not in protobuf's text format."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Scan:
    def __init__(self, text: str):
        self.text = text
        self.tokens = self._tokens()
        self.next: _Token | None = None
        self.end = 0
        self.found: list[tuple[int, int, Unknown]] = []
        self.renamed: list[tuple[int, int, str]] = []
        self.counts = {"layer": 0, "layers": 0}
        self.layer = ("", 0)
        self.advance()

    def _tokens(self) -> Iterator[_Token]:
        for match in _TOKEN.finditer(self.text):
            if match.lastgroup != "space":
                yield _Token(str(match.lastgroup), match[0], match.start(), match.end())

    def advance(self) -> _Token | None:
        """The token that was next; reading goes on behind it."""
        taken, self.next = self.next, next(self.tokens, None)
        if taken is not None:
            self.end = taken.end
        return taken

    def accept(self, *marks: str) -> bool:
        if self.next is not None and self.next.kind == "mark" and self.next.text in marks:
            self.advance()
            return True
        return False

    def message(self, kind: Any, path: tuple[str, ...], closing: str) -> None:
        """The fields of a message up to its closing bracket; kind is None inside an unknown field."""
        if len(path) > _DEEPEST:
            raise _Malformed
        stated: dict[str, list[tuple[int, bool]]] = {}
        while not (closing and self.accept(closing)):
            if self.next is None and not closing:
                return
            self.field(kind, path, stated)
        for name, times in stated.items():
            if len(times) > 1 or any(listed for _, listed in times):
                self.renamed += [(start, start + len(name), REPEATED[kind.name, name]) for start, _ in times]

    def field(self, kind: Any, path: tuple[str, ...], stated: dict[str, list[tuple[int, bool]]]) -> None:
        name = self.advance()
        if name is None or name.kind != "word":
            raise _Malformed
        field = kind.fields_by_name.get(name.text) if kind is not None else None
        path = (*path, name.text)
        if kind is not None and kind.name == "NetParameter" and name.text in self.counts:
            self.layer, path = (name.text, self.counts[name.text]), ()
            self.counts[name.text] += 1
        self.accept(":")
        inner, enum = (field.message_type, field.enum_type) if field is not None else (None, None)
        at = self.next.start if self.next is not None else self.end
        if kind is not None and (kind.name, name.text) in REPEATED:
            stated.setdefault(name.text, []).append((name.start, self.text[at : at + 1] == "["))
        value = self.value(inner, path)
        self.accept(",", ";")
        quoted = value[:1] in ("'", '"')
        if kind is not None and field is None:
            self.note(name.start, name.start, kind.name, path, "")
        elif quoted and enum is not None and kind.name == "V1LayerParameter" and path == ("type",):
            # The types of old nets are no text, but Caffe's own of 2015 were; the two were mixed.
            self.note(name.start, at, enum.name, path, value[1:-1])
        elif not quoted and enum is not None and value and value not in enum.values_by_name:
            self.note(name.start, at, enum.name, path, value)
        if kind is not None and kind.name == "NetParameter":
            self.layer = ("", 0)

    def value(self, kind: Any, path: tuple[str, ...]) -> str:
        """Read a value; the text of one that is a single word or in quotes."""
        token = self.advance()
        if token is None:
            raise _Malformed
        if token.kind == "text":
            while self.next is not None and self.next.kind == "text":
                self.advance()
        elif token.text in _CLOSING:
            self.message(kind, path, _CLOSING[token.text])
        elif token.text == "[":
            while not self.accept("]"):
                self.value(kind, path)
                self.accept(",")
        elif token.text == "-":
            self.advance()
        elif token.kind == "mark":
            raise _Malformed
        return token.text if token.kind in ("word", "text") else ""

    def note(self, start: int, at: int, owner: str, path: tuple[str, ...], value: str) -> None:
        before = self.text.rfind("\n", 0, at) + 1
        line = self.text[before:].split("\n", 1)[0].strip()[:120]
        position = self.text.count("\n", 0, at) + 1, at - before + 1
        self.found.append((start, self.end, Unknown(*position, owner, path, value, *self.layer, line)))


def scan(text: str, kind: Any) -> tuple[str, list[Unknown]]:
    """The text with spaces in place of what the schema lacks, and that in order.

    A field of `REPEATED` that is given several times has the fork's name in the text.

    Args:
        text: prototxt text.
        kind: the descriptor of the message that it describes.
    """
    state = _Scan(text)
    with suppress(_Malformed):
        state.message(kind, (), "")
    parts, at = [], 0
    blank = [(start, end, re.sub(r"[^\n]", " ", text[start:end])) for start, end, _ in state.found]
    for start, end, other in sorted([*blank, *state.renamed]):
        parts += [text[at:start], other]
        at = end
    return "".join([*parts, text[at:]]), [unknown for _, _, unknown in state.found]
