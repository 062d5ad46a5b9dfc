"""PyTorch's own files: a state dict, or a checkpoint that contains one."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fcnkit.aliases import AnyPath
from fcnkit.errors import FileFormatError
from fcnkit.formats.checkpoint import KEYS, find_state
from fcnkit.formats.state_dict import net_from_state
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions


def save(net: CaffeNet, path: Path) -> None:
    """Write the net's state dict to path."""
    pickle_to(path, net.state_dict())


def pickle_to(path: AnyPath, content: Any) -> None:
    """Write a state dict, or a checkpoint around one, to path."""
    try:
        torch.save(content, path)
    except RuntimeError as error:
        # For example a full disk, whose cause torch's writer hides; files.writing reports it like any other error.
        raise OSError(str(error).split("\n")[0]) from None


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Build the net of the options' prototxt with the weights of path."""
    return net_from_state(path, read_state(path), options)


def read_state(path: AnyPath) -> dict[str, Tensor]:
    """The state dict in a file, itself or in a checkpoint; no code is executed, and tensors are read on their use.

    Raises:
        FileFormatError: the file cannot be read, contains code, or contains no tensors by name.
    """
    return read_checkpoint(path)[0]


def read_checkpoint(path: AnyPath) -> tuple[dict[str, Tensor], tuple[Mapping[str, Any], str] | None]:
    """The state dict in a file as in `read_state`; and the checkpoint that contains it with its key there, if any."""
    loaded = unpickle(path)
    found = find_state(loaded)
    if found is None:
        raise FileFormatError(
            f"contains no state dict, tensors by name, neither itself nor as {', '.join(KEYS)}"
        ).in_file(path)
    state, key = found
    return state, None if key is None else (loaded, key)


def unpickle(path: AnyPath) -> Any:
    """The content of a file, only tensors and plain Python values; no code in it is executed.

    Raises:
        FileFormatError: the file cannot be read, or contains code.
    """
    try:
        with warnings.catch_warnings():
            # Warnings about pickles not written with torch's defaults; reading them works, or fails below.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            # A file written by torch before version 1.6 is not a zip archive, and cannot be mapped. If a path ends in
            # .safetensors, torch reads that format regardless of the content.
            if zipfile.is_zipfile(path) and Path(path).suffix != ".safetensors":
                return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            with open(path, "rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise FileFormatError(
            "is not a file of weights alone: it is damaged, or contains Python objects, which may run code"
        ).in_file(path) from None
    # For a damaged file, torch's reader raises exceptions of nearly any type.
    except Exception as error:
        problem = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise FileFormatError(f"cannot be read as a PyTorch file: {problem}").in_file(path) from None
