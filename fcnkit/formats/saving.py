"""Writing nets to files of any format."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

from torch import nn

from fcnkit.aliases import AnyPath
from fcnkit.errors import ArgumentError, OutputError, naming
from fcnkit.files import telling, writing
from fcnkit.formats.format import Format, check_path, named, suffixes
from fcnkit.net import CaffeNet


def outputs(paths: Iterable[AnyPath]) -> dict[Path, Format]:
    """The files that are written for these paths, with their formats: a .caffemodel has its .prototxt beside it.

    Raises:
        ArgumentError: it is no path.
        OutputError: a suffix names no format.
    """
    found: dict[Path, Format] = {}
    for given in paths:
        check_path(given)
        path = Path(given)
        chosen = named(path)
        if chosen is None:
            raise OutputError(f"has no suffix of a known format; known are {', '.join(suffixes())}").in_file(path)
        found[path] = chosen
        if chosen.beside:
            found |= outputs([path.with_suffix(chosen.beside)])
    return found


def save(
    net: CaffeNet,
    *paths: AnyPath,
    force: bool = True,
    watch: Callable[[Path], AbstractContextManager[Any]] | None = None,
) -> None:
    """Write a net to files of one or several formats: either all of them are written, or none.

    Args:
        net: the net; its weights may be on any device.
        paths: the files, each written completely or not at all; their suffixes select the formats. .safetensors
            and .caffemodel (with a .prototxt of the same stem) store the net; .pth, .h5 and .npz store its weights.
        force: replace existing files.
        watch: called with each path to be written; returns a context manager for the write (for progress).

    Raises:
        ArgumentError: the net is no CaffeNet, or a path is none.
        OutputError: a suffix is unknown, a file cannot be written, or its format cannot store the net.
    """
    if not isinstance(net, CaffeNet):
        way_out = "convert it with fcnkit.from_torch" if isinstance(net, nn.Module) else "the paths are given behind it"
        raise ArgumentError(f"a CaffeNet is expected first, not a value of type {type(net).__name__}; {way_out}")
    with ExitStack() as stack:
        partials = [(path, each, stack.enter_context(writing(path, force))) for path, each in outputs(paths).items()]
        for path, each, partial in partials:
            with naming(path), telling(path), watch(partial) if watch else nullcontext():
                each.implementation().save(net, partial)
