"""Saving and loading nets; the format follows from the file's suffix. One module per format."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from fcnkit.caffe.schema import TEST, NetState
from fcnkit.errors import FileFormatError, OutputError, naming
from fcnkit.files import telling, writing
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape

# Suffix and the module that knows it, imported when it is needed.
_MODULES = {
    ".safetensors": "safetensors",
    ".pth": "pth",
    ".pt": "pth",
    ".h5": "hdf5",
    ".npz": "npz",
    ".caffemodel": "caffemodel",
    ".prototxt": "prototxt",
    ".py": "python",
    ".onnx": "onnx",
    ".pt2": "pt2",
}
# What is written beside a file, under the same stem: Caffe takes a net from two files.
_BESIDE = {".caffemodel": ".prototxt"}
# What `load` reads: state dicts, and Caffe's own files.
STATES = (".safetensors", ".pth", ".pt", ".npz")
_LOADED = (*STATES, ".h5", ".caffemodel")

FilePath = str | os.PathLike[str]


def suffixes() -> list[str]:
    """The suffixes that can be written."""
    return list(_MODULES)


def outputs(paths: Iterable[FilePath]) -> list[Path]:
    """The files that saving to these paths writes: a .caffemodel has its .prototxt beside it.

    Raises:
        OutputError: a suffix names no format.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        suffix = path.suffix.lower()
        if suffix not in _MODULES:
            raise OutputError(f"has no suffix of a known format; known are {', '.join(_MODULES)}").in_file(path)
        found[path] = None
        if suffix in _BESIDE:
            found[path.with_suffix(_BESIDE[suffix])] = None
    return list(found)


def save(
    net: CaffeNet,
    *paths: FilePath,
    force: bool = True,
    watch: Callable[[Path], AbstractContextManager[Any]] | None = None,
) -> None:
    """Write a net to files of one or several formats: all of them, or none.

    Args:
        net: the net; its weights may be on any device.
        paths: the files, each of which appears whole or not at all. .safetensors and .caffemodel (with a .prototxt
            of the same stem) hold the net; .pth, .h5 and .npz hold its weights.
        force: replace existing files.
        watch: called with each path that is being written, gives a context to write in (for progress).

    Raises:
        OutputError: a suffix is unknown, a file cannot be written, or its format cannot hold the net.
    """
    with ExitStack() as stack:
        partials = [(path, stack.enter_context(writing(path, force))) for path in outputs(paths)]
        for path, partial in partials:
            with naming(path), telling(path), watch(partial) if watch else nullcontext():
                _module(path).save(net, partial)


def load(
    path: FilePath,
    prototxt: FilePath | None = None,
    *,
    input_shape: InputShape | None = None,
    level: int = 0,
    stages: Sequence[str] = (),
) -> CaffeNet:
    """Load a net, in eval mode, on the CPU.

    Args:
        path: .safetensors or .caffemodel; or .pth, .h5 or .npz with weights alone.
        prototxt: the definition; needed for weights alone, and else in place of the one in the file.
        input_shape, level, stages: as in `convert`.

    Raises:
        FcnkitError: the file cannot be read, holds no net of fcnkit's, or does not fit the definition.
    """
    suffix = Path(path).suffix.lower()
    with naming(path):
        if suffix not in _LOADED:
            problem = "is of a format that is only written" if suffix in _MODULES else "has no suffix of a known format"
            raise FileFormatError(f"{problem}; nets are loaded from {', '.join(_LOADED)}")
        state = NetState(phase=TEST, level=level, stage=stages)
        net: CaffeNet = _module(path).load(path, prototxt, input_shape, state)
    net.source = Path(path)
    return net.eval()


def _module(path: FilePath) -> ModuleType:
    return importlib.import_module(f"fcnkit.formats.{_MODULES[Path(path).suffix.lower()]}")
