"""PyTorch's own files: a plain state dict."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fcnkit.caffe.schema import Message
from fcnkit.errors import FileFormatError
from fcnkit.formats.state_dict import net_from_state
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape


def save(net: CaffeNet, path: Path) -> None:
    """Write the net's state dict to path."""
    pickle_to(path, net.state_dict())


def pickle_to(path: str | os.PathLike[str], content: Any) -> None:
    """Write a state dict, or a checkpoint around one, to path."""
    try:
        torch.save(content, path)
    except RuntimeError as error:
        # A full disk, say, of which torch's writer tells no more; files.writing tells it like any other.
        raise OSError(str(error).split("\n")[0]) from None


def load(
    path: str | os.PathLike[str], prototxt: str | os.PathLike[str] | None, shape: InputShape | None, state: Message
) -> CaffeNet:
    """Build the net of prototxt with the weights of path."""
    return net_from_state(read_state(path), prototxt, shape, state)


def read_state(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The state dict in a file; nothing in it is run, and tensors are read when they are used.

    Raises:
        FileFormatError: the file cannot be read, holds code, or holds something else than tensors by name.
    """
    state = unpickle(path)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FileFormatError("contains no state dict, tensors by name").in_file(path)
    return dict(state)


def unpickle(path: str | os.PathLike[str]) -> Any:
    """What a file holds, tensors and plain Python values alone; nothing in it is run.

    Raises:
        FileFormatError: the file cannot be read, or holds code.
    """
    try:
        with warnings.catch_warnings():
            # Of pickles that were not written by torch's own defaults; reading them works, or fails below.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            # What torch wrote before version 1.6 is no zip archive, and cannot be mapped.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:
        raise FileFormatError(
            "is not a file of weights alone: it is damaged, or contains Python objects, which may run code"
        ).in_file(path) from None
    # Damage makes torch's reader raise nearly anything.
    except Exception as error:
        problem = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise FileFormatError(f"cannot be read as a PyTorch file: {problem}").in_file(path) from None
