"""NumPy archives: the state dict, one array per name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fcnkit.aliases import AnyPath
from fcnkit.caffe.hdf5 import MOST_INFLATION
from fcnkit.errors import FcnkitError, FileFormatError, OutputError
from fcnkit.formats.state_dict import net_from_state
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions

# A zip archive stores the length of a name in two bytes, and readers end a name at its first NUL.
_LONGEST_NAME = 2**16 - 1


def save(net: CaffeNet, path: Path) -> None:
    """Write the net's state dict to path; bfloat16, which NumPy lacks, becomes float32 of the same values.

    Raises:
        OutputError: a name cannot be stored in a zip archive, which an .npz file is.
    """
    state = {name: tensor.cpu() for name, tensor in net.state_dict().items()}
    arrays = {
        name: (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy() for name, tensor in state.items()
    }
    for name in arrays:
        if "\0" in name or len(f"{name}.npy".encode()) > _LONGEST_NAME:
            layer = name.rpartition(".")[0]
            raise OutputError(f"layer {layer!r} has a name that .npz files cannot store; write another format")
    with path.open("wb") as file:
        np.savez(file, **arrays)


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Build the net of the options' prototxt with the weights of path."""
    return net_from_state(path, read_state(path), options)


def read_state(path: AnyPath) -> dict[str, Tensor]:
    """The state dict in a file.

    Raises:
        FileFormatError: the file cannot be read, or contains anything other than arrays of numbers by name.
    """
    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise FileFormatError("contains one array, not an archive of arrays")
            parts = found.zip.infolist() if found.zip else []
            if sum(part.file_size for part in parts) > MOST_INFLATION * os.path.getsize(path):
                raise FileFormatError("states a size beyond that to which its bytes can be inflated")
            arrays = {name: found[name] for name in found.files}
        # PyTorch supports only the machine's own byte order.
        return {
            name: torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
            for name, array in arrays.items()
        }
    except FcnkitError:
        raise
    # For a damaged file, NumPy and zipfile raise exceptions of nearly any type.
    except Exception as error:
        problem = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise FileFormatError(f"cannot be read as a NumPy archive: {problem}") from None
