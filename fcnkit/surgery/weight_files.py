"""Files of PyTorch weights as people have them: plain state dicts, and checkpoints that wrap one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from fcnkit.errors import FileFormatError, naming
from fcnkit.formats import safetensors
from fcnkit.formats.pth import pickle_to, unpickle

SUFFIXES = (".pth", ".pt", ".safetensors")

# Where training scripts keep the state dict in a checkpoint.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "module")


@dataclass
class Weights:
    """The state dict of a file, and what else the file holds.

    Attributes:
        state: tensors by name.
        ordered: whether they stand in the order of the model, which .safetensors does not keep.
        around: the checkpoint the state dict lies in, and its key there; none if the file is the state dict.
        metadata: of a .safetensors file.
    """

    state: dict[str, Tensor]
    ordered: bool = True
    around: tuple[Mapping[str, Any], str] | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def write(self, path: str | os.PathLike[str], suffix: str) -> None:
        """Write all that was read, the state dict as it is now."""
        if suffix == ".safetensors":
            safetensors.write(path, self.state, self.metadata)
        elif self.around:
            checkpoint, key = self.around
            pickle_to(path, {**checkpoint, key: self.state})
        else:
            pickle_to(path, self.state)


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Read a .pth, .pt or .safetensors file; nothing in it is run.

    Raises:
        FileFormatError: it cannot be read, or holds no tensors by name, neither itself nor in a checkpoint.
    """
    with naming(path):
        if Path(path).suffix.lower() == ".safetensors":
            state, metadata = safetensors.read(path)
            return Weights(state, ordered=False, metadata=metadata)
        loaded = unpickle(path)
        if _is_state(loaded):
            return Weights(dict(loaded))
        if isinstance(loaded, Mapping):
            for key in _WRAPPERS:
                if _is_state(loaded.get(key)):
                    return Weights(dict(loaded[key]), around=(loaded, key))
        raise FileFormatError(f"holds no state dict, tensors by name, neither itself nor as {', '.join(_WRAPPERS)}")


def _is_state(loaded: Any) -> bool:
    return isinstance(loaded, Mapping) and bool(loaded) and all(isinstance(value, Tensor) for value in loaded.values())
