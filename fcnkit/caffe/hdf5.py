"""Weights in HDF5 files: the `.caffemodel.h5` that Caffe writes, and the flat layouts of tools around it.

Caffe's layout has a dataset `/data/<layer>/<index>` per blob, and `/diff/..` beside it where snapshot_diff was set
(BVLC/caffe src/caffe/net.cpp, Net::ToHDF5). Other tools leave out `/data` or name the blobs: `/<layer>/<index>`,
`/<layer>/weights` and `/<layer>/bias`, or, as PyTorch names parameters, `/<layer>.weight` and `/<layer>.bias`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fcnkit.aliases import AnyPath
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import FileFormatError, OutputError, naming

_BLOB_PATH = re.compile(r"(?P<layer>.+)(/(?P<index>\d+)|[./](?P<name>weights?|bias))", re.DOTALL)
_LAYOUTS = "/data/<layer>/<index>, /<layer>/<index> or /<layer>.weight and .bias"

# The most that deflate, the compression of HDF5 files and of zip archives, can make of a file.
MOST_INFLATION = 1032


def read(path: AnyPath) -> dict[str, list[np.ndarray]]:
    """The blobs of each layer that has any, by layer name.

    A layer name with slashes lies in nested groups: that is what HDF5 makes of it.

    Returns:
        float32 arrays in memory, in the order of their indices; shapes as stored.

    Raises:
        FileFormatError: the file cannot be read, is damaged or no weights file, takes data from elsewhere (soft
            and external links, external and virtual datasets), or lacks a blob before another of the same layer.
    """
    import h5py

    with naming(path):
        kind = sniff(path)
        if kind is not FileKind.HDF5:
            raise FileFormatError(f"is {kind.phrase}, not {FileKind.HDF5.phrase}")
        try:
            with h5py.File(path, "r") as file:
                return _read_weights(file, Path(path).stat().st_size * MOST_INFLATION)
        # What h5py raises for damage is any of these; its text says where.
        except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, MemoryError) as error:
            # str() of a KeyError would put quotes around the text.
            problem = " ".join(str(error.args[0] if error.args else error).split())
            raise FileFormatError(f"is a damaged HDF5 file: {problem}") from None


def write(path: AnyPath, weights: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write weights in Caffe's layout, as float32.

    A name with slashes becomes nested groups, which read finds again; Caffe neither writes nor finds such layers here.

    Args:
        path: the file to write; one that exists is overwritten.
        weights: the blobs of each layer by its name; a layer without blobs becomes an empty group, as in Caffe.

    Raises:
        OutputError: HDF5 has no place for a layer's name.
    """
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        for layer, blobs in weights.items():
            if "\0" in layer or not {"", "."}.isdisjoint(layer.split("/")):
                raise OutputError(f"layer {layer!r} has a name that HDF5 files cannot store")
            try:
                group = data.require_group(layer)
                for i, blob in enumerate(blobs):
                    group.create_dataset(str(i), data=np.asarray(blob, dtype=np.float32))
            except (TypeError, ValueError):
                raise OutputError(f"layer {layer!r} is named like a blob of another layer in HDF5 files") from None


def _read_weights(file: Any, most_bytes: int) -> dict[str, list[np.ndarray]]:
    names = set(file)
    if names >= {"iter", "history"}:
        raise FileFormatError("is a Caffe solver state; the weights are in the .caffemodel.h5 saved with it")
    caffes_own = "data" in names and names <= {"data", "diff"}
    found: dict[str, dict[int, np.ndarray]] = {}
    for path, dataset in _datasets(file):
        if caffes_own and path.startswith("diff/"):
            continue
        match = _BLOB_PATH.fullmatch(path.removeprefix("data/") if caffes_own else path)
        if match is None:
            raise FileFormatError(f"dataset '/{path}' is not the blob of a layer; expected {_LAYOUTS}")
        layer = match["layer"]
        index = int(match["index"]) if match["index"] else int(match["name"] == "bias")
        if index in found.setdefault(layer, {}):
            raise FileFormatError(f"layer {layer!r}: blob {index} is stored twice")
        found[layer][index] = _read_array(path, dataset, most_bytes)
    if not found and not caffes_own:
        raise FileFormatError(f"contains no weights; expected {_LAYOUTS}")
    for layer, blobs in found.items():
        missing = min(set(range(len(blobs) + 1)) - blobs.keys())
        if missing < len(blobs):
            raise FileFormatError(
                f"layer {layer!r}: blob {missing} is missing (blob {max(blobs)} is stored); "
                "Caffe leaves out blobs that are shared with another layer"
            )
    return {layer: [blobs[i] for i in range(len(blobs))] for layer, blobs in sorted(found.items())}


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Every dataset of a file with its path from the root; never one that lies in another file."""
    import h5py

    pending = [("", file)]
    seen = set()
    while pending:
        prefix, group = pending.pop()
        # Groups may be linked into themselves.
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise FileFormatError(f"group '/{prefix}' is linked twice")
        seen.add(address)
        for name in group:
            if isinstance(name, bytes):
                raise FileFormatError(f"'/{prefix}' contains a name that is not UTF-8: {name!r}")
            path = prefix + name
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise FileFormatError(f"'/{path}' is a link to elsewhere, which is not followed")
            item = group[name]
            if isinstance(item, h5py.Group):
                pending.append((f"{path}/", item))
            elif isinstance(item, h5py.Dataset):
                yield path, item


def _read_array(path: str, dataset: Any, most_bytes: int) -> np.ndarray:
    if dataset.external or dataset.is_virtual:
        raise FileFormatError(f"dataset '/{path}' is in another file, which is not read")
    if dataset.shape is None or dataset.dtype.kind not in "fiu":
        raise FileFormatError(f"dataset '/{path}' contains no numbers, but {dataset.dtype}")
    if dataset.nbytes > most_bytes:
        raise FileFormatError(f"dataset '/{path}' states {dataset.nbytes} bytes, more than the file can contain")
    return np.asarray(dataset.astype(np.float32)[...])
