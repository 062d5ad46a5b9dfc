"""Safetensors: the weights, with definition and preprocessing in the metadata: one file contains the whole net."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fcnkit.aliases import AnyPath
from fcnkit.caffe.preprocessing import to_json
from fcnkit.errors import FileFormatError, OutputError
from fcnkit.formats.state_dict import net_from_state
from fcnkit.mapped import Stored
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions

# In the order in which the library writes them: wide values first, so that each is aligned to a multiple of its width.
_DTYPES = {
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float64: "F64",
    torch.complex64: "C64",
    torch.float32: "F32",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
# The limit that readers of the format accept.
_LONGEST_HEADER = 100_000_000


def save(net: CaffeNet, path: Path) -> None:
    """Write the net to path."""
    # A weight that layers share is stored once, under the first layer's name.
    shared = {user.path for _, user, _ in net.ties}
    state = {name: tensor for name, tensor in net.state_dict().items() if name not in shared}
    metadata = {
        "format": "pt",
        "producer": "fcnkit",
        "prototxt": net.prototxt,
        "preprocessing": to_json(net.preprocessing),
    }
    write(path, state, metadata, net.places)


def write(
    path: AnyPath,
    state: Mapping[str, Tensor],
    metadata: Mapping[str, str] | None,
    places: Mapping[str, Stored] = MappingProxyType({}),
) -> None:
    """Write tensors by name to path, one after the other.

    The library writes only from memory. For a tensor that is still mapped from a file, the unmodified pages are
    copied from the file instead.

    Args:
        path: the file.
        state: the tensors, on any device.
        metadata: further content of the file.
        places: the positions of tensors that were views of a mapped file, by name.

    Raises:
        OutputError: the format does not support a data type, or the header exceeds the size limit.

    Source: huggingface/safetensors README.md, Format.
    """
    for name, tensor in state.items():
        if tensor.dtype not in _DTYPES:
            raise OutputError(f"cannot store {name!r}: .safetensors has no values of type {tensor.dtype}")
    ranks = {dtype: rank for rank, dtype in enumerate(_DTYPES)}
    state = dict(sorted(state.items(), key=lambda item: (ranks[item[1].dtype], item[0])))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, tensor in state.items():
        start, end = end, end + tensor.nbytes
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _LONGEST_HEADER:
        raise OutputError(
            f"names and definition take {len(text):,} bytes; .safetensors has at most {_LONGEST_HEADER:,} for them"
        )
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in state.items():
            tensor = tensor.detach().cpu().contiguous()
            place = places.get(name)
            if place is not None and place.address == tensor.data_ptr():
                file.writelines(place.file.pieces(place.offset, tensor.nbytes))
            else:
                file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Rebuild the net from the file; a prototxt overrides the definition in it."""
    tensors, metadata = read(path)
    return net_from_state(path, tensors, options, metadata.get("prototxt"), metadata.get("preprocessing", "{}"))


def read(path: AnyPath) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name, and the metadata."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    # torch raises RuntimeError for shapes that it does not support, and others for types.
    except (SafetensorError, OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise FileFormatError(f"is not a safetensors file, or is damaged: {error}") from None
