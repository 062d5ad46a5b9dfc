"""PyTorch's own files: a plain state dict."""

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
        # A full disk, say, of which torch's writer tells no more; files.writing tells it like any other.
        raise OSError(str(error).split("\n")[0]) from None


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Build the net of the options' prototxt with the weights of path."""
    return net_from_state(path, read_state(path), options)


def read_state(path: AnyPath) -> dict[str, Tensor]:
    """The state dict in a file; nothing in it is run, and tensors are read when they are used.

    Raises:
        FileFormatError: the file cannot be read, holds code, or holds something else than tensors by name.
    """
    state = unpickle(path)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FileFormatError("contains no state dict, tensors by name").in_file(path)
    return dict(state)


def unpickle(path: AnyPath) -> Any:
    """What a file holds, tensors and plain Python values alone; nothing in it is run.

    Raises:
        FileFormatError: the file cannot be read, or holds code.
    """
    try:
        with warnings.catch_warnings():
            # Of pickles that were not written by torch's own defaults; reading them works, or fails below.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            # What torch wrote before version 1.6 is no zip archive, and cannot be mapped; and of a path that ends in
            # .safetensors torch reads that format, whatever the file is.
            if zipfile.is_zipfile(path) and Path(path).suffix != ".safetensors":
                return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            with open(path, "rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise FileFormatError(
            "is not a file of weights alone: it is damaged, or contains Python objects, which may run code"
        ).in_file(path) from None
    # Damage makes torch's reader raise nearly anything.
    except Exception as error:
        problem = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise FileFormatError(f"cannot be read as a PyTorch file: {problem}").in_file(path) from None
