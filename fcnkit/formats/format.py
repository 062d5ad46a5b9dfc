"""The formats that nets are written in and loaded from: one record for each."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType

from fcnkit.aliases import AnyPath
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import ArgumentError, FileFormatError


class Holds(Enum):
    """The parts of a net that a file contains."""

    NET = "definition and weights"
    WEIGHTS = "weights alone"
    DEFINITION = "the definition alone"


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        suffixes: of the file names.
        module: in fcnkit.formats, imported when it is needed. Its `save(net, path)` writes a net; if fcnkit loads the
            format, its `load(path, options)` reads one.
        holds: the parts that fcnkit loads from a file; None if it only writes the format.
        kind: the type of the files' content, by which they are recognized regardless of their names.
        loading: returns the lines of Python that load a file; takes its path, and the path of its definition or None.
        beside: suffix of a file that is written with it, under the same stem.
    """

    suffixes: tuple[str, ...]
    module: str
    holds: Holds | None
    kind: FileKind | None
    loading: Callable[[Path, Path | None], list[str]]
    beside: str = ""

    def implementation(self) -> ModuleType:
        return importlib.import_module(f"fcnkit.formats.{self.module}")


def _load(path: Path, prototxt: Path | None) -> list[str]:
    return ["import fcnkit", f"net = fcnkit.load({str(path)!r})"]


def _load_with_definition(path: Path, prototxt: Path | None) -> list[str]:
    definition = f"prototxt={str(prototxt)!r})" if prototxt else "prototxt=...)  # the net's definition"
    return ["import fcnkit", f"net = fcnkit.load({str(path)!r}, {definition}"]


def _load_onnx(path: Path, prototxt: Path | None) -> list[str]:
    return ["import onnxruntime", f"net = onnxruntime.InferenceSession({str(path)!r})"]


def _load_pt2(path: Path, prototxt: Path | None) -> list[str]:
    return ["import torch", f"net = torch.export.load({str(path)!r}).module()"]


def _load_python(path: Path, prototxt: Path | None) -> list[str]:
    name = re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)[-1]
    return [f"from {path.stem} import {name}", f"net = {name}()"]


# Caffe takes a net from two files, so a .caffemodel has its .prototxt beside it.
SAFETENSORS = Format((".safetensors",), "safetensors", Holds.NET, FileKind.SAFETENSORS, _load)
PTH = Format((".pth", ".pt"), "pth", Holds.WEIGHTS, FileKind.PYTORCH, _load_with_definition)
HDF5 = Format((".h5",), "hdf5", Holds.WEIGHTS, FileKind.HDF5, _load_with_definition)
NPZ = Format((".npz",), "npz", Holds.WEIGHTS, FileKind.NPZ, _load_with_definition)
CAFFEMODEL = Format((".caffemodel",), "caffemodel", Holds.NET, FileKind.NET, _load, beside=".prototxt")
PROTOTXT = Format((".prototxt",), "prototxt", Holds.DEFINITION, FileKind.PROTOTXT, _load)
PYTHON = Format((".py",), "python", None, None, _load_python)
ONNX = Format((".onnx",), "onnx", None, FileKind.ONNX, _load_onnx)
PT2 = Format((".pt2",), "pt2", Holds.NET, FileKind.PT2, _load_pt2)

FORMATS = (SAFETENSORS, PTH, HDF5, NPZ, CAFFEMODEL, PROTOTXT, PYTHON, ONNX, PT2)


def suffixes(formats: tuple[Format, ...] = FORMATS) -> list[str]:
    """The suffixes of formats."""
    return [suffix for each in formats for suffix in each.suffixes]


def named(path: AnyPath) -> Format | None:
    """The format that a file's suffix names, or None."""
    suffix = Path(path).suffix.lower()
    return next((each for each in FORMATS if suffix in each.suffixes), None)


def check_path(path: object) -> None:
    """Raises ArgumentError unless a value can be the path of a file."""
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"the path of a file is expected, not a value of type {type(path).__name__}")


def recognize(path: AnyPath) -> Format:
    """The format of a file with a net, weights or a definition: by its content, else by its name.

    Raises:
        ArgumentError: it is no path.
        FileFormatError: the file cannot be read, or its format cannot be loaded.
    """
    check_path(path)
    kind = sniff(path)
    found = next((each for each in FORMATS if each.kind is kind.intact), None) or named(path)
    if found is None or found.holds is None:
        loaded = ", ".join(suffixes(tuple(each for each in FORMATS if each.holds)))
        problem = f"is {kind.phrase}" if found is None else f"is a {found.suffixes[0]} file, which fcnkit only writes"
        way_out = kind.way_out or f"; nets are loaded from {loaded}"
        raise FileFormatError(problem + way_out).in_file(path)
    return found
