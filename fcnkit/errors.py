"""The errors that a user's file or option can cause; each message is one line that states the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Self

from fcnkit.aliases import AnyPath

# The longest message, in characters: names in a file can be of any length.
_LONGEST = 10_000
# The longest name that is compared with others; the time grows with its square.
_LONGEST_NAME = 100
# How similar two names must be: "fcn8s" suggests "voc-fcn8s", and "resnet" does not suggest "alexnet".
_ALIKE = 0.7


def printable(text: str) -> str:
    """Text as one line: breaks become spaces; other unprintable characters, as in terminal commands, are escaped."""
    return "".join(c if c.isprintable() else " " if c == "\n" else c.encode("unicode_escape").decode() for c in text)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name that is most like a word, as a question for an error: " (did you mean 'conv1_1'?)", or nothing."""
    names = {name.lower(): name for name in known if len(name) <= _LONGEST_NAME}
    word = word.lower()
    found = []
    if len(word) <= _LONGEST_NAME:
        # What a longer name ends in is likelier than a shorter one: fcn8s is voc-fcn8s, not fcn.
        found = [name for name in names if len(word) > 3 and name.endswith(word)] or get_close_matches(
            word, names, 1, _ALIKE
        )
    return f" (did you mean {names[found[0]]!r}?)" if found else ""


class FcnkitError(Exception):
    """Base of all errors that a user's file or option can cause."""

    path: str | None = None

    def in_file(self, path: AnyPath) -> Self:
        """Name the file the error is about, unless an inner caller already has."""
        if self.path is None:
            self.path = str(path)
        return self

    def __str__(self) -> str:
        message = super().__str__()
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
        return printable(message if self.path is None else f"{self.path}: {message}")


class FileFormatError(FcnkitError):
    """A file does not have the expected format: it is foreign, truncated or damaged."""


class MissingFileError(FileFormatError, FileNotFoundError):
    """A file does not exist."""


class ArgumentError(FcnkitError, ValueError, TypeError):
    """An argument of a function that has the wrong type or an unknown value, or that does not exist."""


class PrototxtError(FileFormatError):
    """Text that is not a valid prototxt; the message has the line, the column and the offending text."""

    def __init__(self, problem: str, line: int, column: int, text: str):
        where = f"line {line}, column {column}: " if line else ""
        super().__init__(f"{where}{problem}" + (f", in: {text.strip()}" if text.strip() else ""))
        self.line, self.column = line, column


class TemplateError(PrototxtError):
    """Text with placeholders that need values; `names` lists them."""

    def __init__(self, names: Sequence[str], line: int, column: int, text: str):
        super().__init__(f"the text is a template: give `values` for {', '.join(names)}", line, column, text)
        self.names = list(names)


class DefinitionError(FcnkitError):
    """A net definition that contradicts itself or cannot be run."""


class UnsupportedLayerError(FcnkitError):
    """Layers of types that fcnkit does not support; the message lists all of the net's."""

    def __init__(self, layers: Sequence[tuple[str, str]]):
        listed = ", ".join(f"{name!r} ({kind})" for name, kind in layers)
        super().__init__(f"{len(layers)} unsupported layer{'s' * (len(layers) > 1)}: {listed}")
        self.layers = list(layers)


class BlobShapeError(FcnkitError):
    """A stored blob does not fit its layer."""

    def __init__(self, layer: str, index: int, found: Sequence[int], expected: Sequence[int], hint: str = ""):
        problem = f"layer {layer!r}: blob {index} has shape {tuple(found)}, expected {tuple(expected)}"
        super().__init__(problem)
        self.hint = ""
        if hint:
            self.add_hint(hint)

    def add_hint(self, hint: str) -> None:
        """Add a way out to the message."""
        self.hint = hint
        self.args = (f"{self.args[0]}; {hint}",)


class MissingBlobsError(FcnkitError):
    """The weights lack blobs that the net needs."""


class InputError(FcnkitError):
    """An input is missing, of unknown shape, or does not fit the net."""


class OutputError(FcnkitError):
    """A result cannot be written to the given path."""


@contextmanager
def naming(path: AnyPath) -> Iterator[None]:
    """Add the path to errors that are raised inside the block."""
    try:
        yield
    except FcnkitError as error:
        error.in_file(path)
        raise
