"""Safetensors: the weights, with definition and preprocessing in the metadata, so that one file is the net."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fcnkit.caffe.schema import Message
from fcnkit.conversion import InputShape
from fcnkit.errors import FileFormatError
from fcnkit.formats.state import net_from_state
from fcnkit.net import CaffeNet


def save(net: CaffeNet, path: Path) -> None:
    """Write the net to path."""
    # The format refuses tensors that share memory: of a weight that layers share the first one's name is enough.
    shared = {user.path for _, user, _ in net.ties}
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items() if name not in shared}
    metadata = {
        "format": "pt",
        "producer": "fcnkit",
        "prototxt": net.prototxt,
        "preprocessing": json.dumps(net.preprocessing),
    }
    write(path, state, metadata)


def write(path: str | os.PathLike[str], state: dict[str, Tensor], metadata: dict[str, str] | None) -> None:
    """Write tensors by name to path."""
    try:
        save_file(state, path, metadata)
    except SafetensorError as error:
        # A full disk, say; files.writing tells it like any other error of the system.
        raise OSError(str(error)) from None


def load(
    path: str | os.PathLike[str], prototxt: str | os.PathLike[str] | None, shape: InputShape | None, state: Message
) -> CaffeNet:
    """Rebuild the net from the one file; a prototxt takes the place of the definition in it."""
    tensors, metadata = read(path)
    net = net_from_state(tensors, prototxt, shape, state, metadata.get("prototxt"))
    if prototxt is None:
        net.preprocessing = _preprocessing(metadata.get("preprocessing", "{}"))
    return net


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name, and the metadata."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FileFormatError(f"is no safetensors file, or a damaged one: {error}") from None


def _preprocessing(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FileFormatError("has metadata of which the preprocessing is not JSON; was it edited by hand?")
    return found
