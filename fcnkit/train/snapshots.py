"""Snapshots: weights, solver state, and a file with the positions in the data and the random states."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fcnkit.caffe import caffemodel, hdf5, solverstate
from fcnkit.caffe.messages import NetParameter, ParamSpec
from fcnkit.caffe.solverstate import State
from fcnkit.errors import DefinitionError, InputError, naming
from fcnkit.files import writing
from fcnkit.net import CaffeNet
from fcnkit.train.definition import as_written
from fcnkit.train.nets import Learnable, is_loss, stored_blobs
from fcnkit.train.solvers import CaffeOptimizer
from fcnkit.train.splits import with_splits

_NUMBERED = re.compile(r"_iter_(\d+)\.solverstate(\.h5)?")


def place_file(state: str | Path) -> Path:
    """The file beside a solver state with the position in the data and the random state, which Caffe does not store."""
    return Path(f"{state}.json")


def newest(prefix: str) -> str | None:
    """The solver state of a prefix with the highest iteration whose weights exist, or None."""
    folder, stem = Path(prefix).parent, Path(prefix).name
    found = []
    for path in folder.glob("*") if folder.is_dir() else ():
        match = _NUMBERED.fullmatch(path.name.removeprefix(stem)) if path.name.startswith(stem) else None
        weights = path.with_name(path.name.replace(".solverstate", ".caffemodel"))
        if match and weights.is_file():
            found.append((int(match[1]), path.stat().st_mtime_ns, str(path)))
    return max(found)[2] if found else None


def write(
    prefix: str,
    definition: NetParameter,
    net: CaffeNet,
    blobs: Sequence[Learnable],
    optimizer: CaffeOptimizer,
    iteration: int,
    current_step: int,
    places: Mapping[str, Any],
    as_hdf5: bool = False,
) -> Path:
    """Write PREFIX_iter_N.caffemodel and .solverstate, the latter last; each file is complete or absent.

    Args:
        prefix: the prefix of the file names.
        definition: the train net, in its phase.
        net: the net whose weights are written.
        blobs: the blobs, in the solver's order.
        optimizer: the optimizer whose history is written.
        iteration: N, the number of iterations completed.
        current_step: the current step of the rate's policy.
        places: written to the file beside the solver state.
        as_hdf5: write .caffemodel.h5 and .solverstate.h5.

    Returns:
        The path of the solver state.
    """
    end = ".h5" if as_hdf5 else ""
    weights, state = Path(f"{prefix}_iter_{iteration}.caffemodel{end}"), f"{prefix}_iter_{iteration}.solverstate{end}"
    whole = with_splits(as_snapshot(definition, net))
    with writing(weights, force=True) as partial:
        if as_hdf5:
            stored = stored_blobs(net)
            hdf5.write(partial, {layer.name: stored.get(layer.name, []) for layer in whole.layer})
        else:
            caffemodel.write(partial, whole, stored_blobs(net))
    history = [
        blob.blob(optimizer.history(blob.tensor)[kind]).cpu().numpy()
        for kind in range(len(optimizer.histories))
        for blob in blobs
    ]
    kept = State(iteration, str(weights), current_step, history)
    with writing(state, force=True) as partial:
        (solverstate.write_hdf5 if as_hdf5 else solverstate.write)(partial, kept)
        with writing(place_file(state), force=True) as beside:
            beside.write_text(json.dumps({"solverstate": _digest(partial), **places}))
    return Path(state)


def as_snapshot(definition: NetParameter, net: CaffeNet) -> NetParameter:
    """A train net as in Caffe's snapshot: with the loss weights and rates that its layers set themselves."""
    result = as_written(definition)
    blobs = net.blobs()
    statistics = {tensor.untyped_storage().data_ptr() for tensor in net.buffers() if tensor.numel()} - {
        tensor.untyped_storage().data_ptr() for tensor in net.parameters()
    }
    for layer in result.layer:
        if is_loss(layer) and not layer.loss_weight:
            layer.loss_weight.append(1)
        for index, blob in enumerate(blobs.get(layer.name, ())):
            if len(layer.param) == index and blob.untyped_storage().data_ptr() in statistics:
                layer.param.append(ParamSpec(lr_mult=0))
    return result


def read(path: str) -> tuple[State, dict[str, Any] | None]:
    """A solver state, and the contents of the file beside it if that was written with the same state."""
    state = solverstate.read(path)
    places = None
    with suppress(OSError, ValueError):
        found = json.loads(place_file(path).read_text())
        if isinstance(found, dict) and found.get("solverstate") == _digest(Path(path)):
            places = found
    return state, places


def weights_of(path: str, state: State) -> str:
    """The file of weights that belongs to a solver state: at the path in the state, else beside it.

    Raises:
        InputError: the file is in neither place.
    """
    name = state.learned_net
    beside = Path(path).with_name(Path(name).name)
    for found in (Path(name), beside):
        if name and found.is_file():
            return str(found)
    raise InputError(f"names the weights {name!r}, which exist neither at that path nor beside it").in_file(path)


@torch.no_grad()
def restore(path: str, state: State, blobs: Sequence[Learnable], optimizer: CaffeOptimizer) -> None:
    """Restore the history of an optimizer from a solver state.

    Raises:
        InputError: the history is that of another net or solver.
    """
    kinds = len(optimizer.histories)
    with naming(path):
        if len(state.history) != kinds * len(blobs):
            solver = type(optimizer).__name__
            problem = f"has the history of {len(state.history)} blobs; {solver} on this net needs {kinds * len(blobs)}"
            raise InputError(f"{problem}: it is of another net or solver")
        for kind in range(kinds):
            for blob, array in zip(blobs, state.history[kind * len(blobs) :], strict=False):
                shape = blob.view[0]
                if array.size != math.prod(shape):
                    problem = f"its history of {blob.name} has shape {array.shape}, expected {shape}"
                    raise InputError(f"{problem}: it is of another net")
                # Blobs that were never updated need no history.
                if array.any():
                    source = torch.from_numpy(np.array(array, np.float32)).reshape(shape)
                    blob.blob(optimizer.kept(blob.tensor)[kind]).copy_(source)
    for group in optimizer.param_groups:
        group["iteration"] = state.iteration


def check_finite(blobs: Sequence[Learnable]) -> None:
    """Check that all weights are finite, so that a good snapshot is not overwritten.

    Raises:
        DefinitionError: some weights are not finite.
    """
    for blob in blobs:
        if not torch.isfinite(blob.tensor).all():
            raise DefinitionError(f"no snapshot is written: the weights {blob.name} are no longer finite")


def _digest(path: Path) -> int:
    total = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total = zlib.crc32(block, total)
    return total
