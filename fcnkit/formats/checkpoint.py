"""State dicts as training scripts store them: inside a checkpoint, under the names that wrappers of a net give."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, TypeVar

from torch import Tensor

T = TypeVar("T")

# Keys under which training scripts store the state dict in a checkpoint.
KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params")
# The part of a name that torch.compile adds, at any level, and the first part that DataParallel and AveragedModel add.
_COMPILED, _WRAPPED = "_orig_mod", "module"
# What AveragedModel (torch.optim.swa_utils) stores beside the net.
_COUNT = "n_averaged"


def find_state(loaded: Any) -> tuple[dict[str, Tensor], str | None] | None:
    """The state dict, tensors by name, that an object is or contains, and its key in the object; None without one."""
    # A net without weights has an empty state dict.
    if _is_state(loaded) or (isinstance(loaded, Mapping) and not loaded):
        return dict(loaded), None
    if isinstance(loaded, Mapping):
        for key in KEYS:
            if _is_state(loaded.get(key)):
                return dict(loaded[key]), key
    return None


def _is_state(loaded: Any) -> bool:
    return (
        isinstance(loaded, Mapping)
        and bool(loaded)
        and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items())
    )


def unwrapped(state: Mapping[str, T], layers: Container[str] = ()) -> dict[str, T]:
    """A state dict under the names of the net itself, without the parts that wrappers add to them.

    These are `_orig_mod` of torch.compile, and a leading `module` of DataParallel, DistributedDataParallel and
    AveragedModel if all names have it.

    Args:
        state: values by name.
        layers: the net's layers, if they are known; if one of them has a weight in the state dict, names are kept.
    """
    if any(name.rpartition(".")[0] in layers for name in state):
        return dict(state)
    state = {".".join(part for part in name.split(".") if part != _COMPILED): value for name, value in state.items()}
    inner = {name: value for name, value in state.items() if name != _COUNT}
    if inner and all(name.startswith(f"{_WRAPPED}.") for name in inner):
        return unwrapped({name.removeprefix(f"{_WRAPPED}."): value for name, value in inner.items()}, layers)
    return state
