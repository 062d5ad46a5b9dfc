"""Saving and loading nets; the format follows from the file's suffix. One module per format."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from fcnkit.conversion import InputShape
from fcnkit.errors import FileFormatError, OutputError, naming
from fcnkit.files import writing
from fcnkit.net import CaffeNet

# Suffix and the module that knows it, imported when it is needed.
_MODULES = {".safetensors": "safetensors", ".pth": "pth", ".pt": "pth", ".caffemodel": "caffemodel"}


def suffixes() -> list[str]:
    """The suffixes that can be written."""
    return list(_MODULES)


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Refuse an output whose suffix names no format.

    Raises:
        OutputError: it does not.
    """
    if _module(path) is None:
        raise OutputError(f"names no format by its suffix; known are {', '.join(_MODULES)}").in_file(path)


def save(
    net: CaffeNet,
    path: str | os.PathLike[str],
    *,
    force: bool = True,
    watch: Callable[[Path], AbstractContextManager[Any]] | None = None,
) -> None:
    """Write a net: .safetensors with its definition, .pth with its state dict, .caffemodel as Caffe does.

    Args:
        net: the net; its weights may be on any device.
        path: the file; it appears whole or not at all.
        force: replace an existing file.
        watch: called with the path that is being written, gives a context to write in (for progress).

    Raises:
        OutputError: the suffix is unknown, or the file cannot be written.
    """
    check_suffix(path)
    module = _module(path)
    assert module is not None
    with writing(path, force) as partial, watch(partial) if watch else nullcontext():
        module.save(net, partial)


def load(
    path: str | os.PathLike[str],
    prototxt: str | os.PathLike[str] | None = None,
    *,
    input_shape: InputShape | None = None,
) -> CaffeNet:
    """Load a net, in eval mode, on the CPU.

    Args:
        path: .safetensors, .caffemodel, or .pth with a state dict.
        prototxt: the definition; needed for .pth, which holds none, and else in place of the one in the file.
        input_shape: as in `convert`.

    Raises:
        FcnkitError: the file cannot be read, holds no net of fcnkit's, or does not fit the definition.
    """
    module = _module(path)
    if module is None:
        raise FileFormatError(f"names no format by its suffix; known are {', '.join(_MODULES)}").in_file(path)
    with naming(path):
        net: CaffeNet = module.load(path, prototxt, input_shape)
    return net.eval()


def _module(path: str | os.PathLike[str]) -> ModuleType | None:
    name = _MODULES.get(Path(path).suffix.lower())
    return importlib.import_module(f"fcnkit.formats.{name}") if name else None
