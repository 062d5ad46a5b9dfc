"""Caffe's solver states: the iteration, and the history that a solver keeps of each blob.

Source: BVLC/caffe src/caffe/solvers/sgd_solver.cpp, SnapshotSolverState and RestoreSolverState.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from fcnkit.aliases import AnyPath
from fcnkit.caffe import messages, wire
from fcnkit.caffe.caffemodel import Walk, blob_head
from fcnkit.caffe.sniff import FileKind, sniff
from fcnkit.errors import FileFormatError, naming
from fcnkit.mapped import MappedFile

# SolverState, from proto/caffe.proto.
_HISTORY = 3


class State(NamedTuple):
    """The next iteration, the file of the weights, the steps of the rate, and the history of each blob."""

    iteration: int
    learned_net: str
    current_step: int
    history: list[np.ndarray]


def read(path: AnyPath) -> State:
    """Read a .solverstate or a .solverstate.h5.

    Raises:
        FileFormatError: the file cannot be read, or is not a solver state.
    """
    with naming(path):
        if not Path(path).is_file():
            raise FileFormatError("cannot be read: there is no such file")
        return _read_hdf5(path) if sniff(path) == FileKind.HDF5 else _read_binary(path)


def write(path: AnyPath, state: State) -> None:
    """Write a .solverstate as Caffe does, without a second copy of the history."""
    message = messages.SolverState
    with Path(path).open("wb") as file:
        file.write(message(iter=state.iteration, learned_net=state.learned_net).SerializeToString())
        for each in state.history:
            array = np.ascontiguousarray(each, "<f4").reshape(each.shape)
            head = blob_head(array)
            file.write(wire.header(_HISTORY, len(head) + array.nbytes) + head)
            file.write(array.reshape(-1).view(np.uint8).data)
        file.write(message(current_step=state.current_step).SerializeToString())


def write_hdf5(path: AnyPath, state: State) -> None:
    """Write a .solverstate.h5 as Caffe does."""
    import h5py

    with h5py.File(path, "w") as file:
        file["iter"] = np.array([state.iteration], np.int32)
        name = state.learned_net.encode()
        # Caffe also reads the zero after the text.
        file["learned_net"] = np.array(name, f"S{len(name) + 1}")
        file["current_step"] = np.array([state.current_step], np.int32)
        group = file.create_group("history")
        for index, array in enumerate(state.history):
            group[str(index)] = np.asarray(array, np.float32)


def _read_binary(path: AnyPath) -> State:
    try:
        buffer = memoryview(MappedFile(path))
    except ValueError:
        raise FileFormatError("is empty") from None
    except OSError as error:
        raise FileFormatError(f"cannot be read: {error.strerror}") from None
    walk = Walk(buffer)
    rest: list[bytes] = []
    history: list[np.ndarray] = []
    try:
        for field in wire.fields(buffer, 0, len(buffer)):
            if field.number == _HISTORY and field.kind == wire.BYTES:
                history.append(walk.blob(field).array("history", len(history)))
            else:
                rest.append(bytes(buffer[field.tag : field.end]))
        state = messages.SolverState.FromString(b"".join(rest))
    except (wire.WireError, DecodeError) as error:
        raise FileFormatError(f"is {sniff(path).phrase}, not a whole solver state: {error}") from None
    if not state.HasField("iter"):
        raise FileFormatError(f"is {sniff(path).phrase}, not a solver state: it states no iteration")
    return State(state.iter, state.learned_net, state.current_step, history)


def _read_hdf5(path: AnyPath) -> State:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if not {"iter", "history"} <= set(file):
                raise FileFormatError("is an HDF5 file, but not a solver state: it has no iter and history")
            group = file["history"]
            datasets = [group[str(index)] for index in range(len(group))]
            if any(dataset.external or dataset.is_virtual for dataset in datasets):
                raise FileFormatError("takes a part of its history from another file, which is not followed")
            history = [np.asarray(dataset[...], np.float32) for dataset in datasets]
            step = _number(file["current_step"]) if "current_step" in file else 0
            name = file["learned_net"][()] if "learned_net" in file else b""
            iteration = _number(file["iter"])
    except FileFormatError:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileFormatError(f"is a damaged solver state: {' '.join(str(error).split())}") from None
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return State(iteration, text.rstrip("\0"), step, history)


def _number(dataset: Any) -> int:
    return int(np.asarray(dataset[...]).reshape(-1)[0])
