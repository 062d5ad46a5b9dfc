"""Casting the weights of a state dict: the position of each layer follows from the names and their order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, MutableMapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from fcnkit.errors import nearest
from fcnkit.surgery.kernels import Cast, CastError, KernelFinder, Kernels, fc_weight_from_conv, is_fully_connected

# Modules with these names run in parallel, and their outputs are concatenated (torchvision's GoogLeNet).
_BRANCH = "branch"


class Unit(NamedTuple):
    """A layer that sets the number of output channels: a fully connected one, a convolution or a normalization."""

    path: tuple[str, ...]
    channels: int
    fully_connected: bool

    @property
    def name(self) -> str:
        return ".".join(self.path)


def cast_state(
    state: MutableMapping[str, Tensor], *, kernel: Kernels = None, order: str = "chw", ordered: bool = True
) -> list[Cast]:
    """Cast, in place, the fully connected weights of a state dict to filters.

    A layer's kernel follows from its number of inputs and from the output channels of the nearest layer before it.
    A module with another number of outputs, such as a side classifier, is skipped.

    Args:
        state: tensors by name.
        kernel: for layers whose shapes are ambiguous: one for all layers, or one by layer.
        order: the order in which the maps were flattened, "chw" or "hwc".
        ordered: whether the tensors are in the order in which the layers run; else the order is found from the names.

    Returns:
        The casts, in order.

    Raises:
        CastError: there is nothing to cast, or no kernel fits.
    """
    finder = KernelFinder(kernel, order)
    units = _units(state)
    if not ordered:
        units = _in_order(units)
    casts = []
    for index, unit in enumerate(units):
        if not unit.fully_connected:
            continue
        key = f"{unit.name}.weight".removeprefix(".")
        weight = state[key]
        filters = finder.filters(unit.name, weight, _channels_before(unit, units[:index], weight.shape[1]))
        if not ordered and unit.name not in finder.said and filters.shape[2:].numel() > 1:
            _check_certain(unit, units, weight, filters)
        state[key] = filters
        casts.append(Cast(unit.name, tuple(weight.shape), tuple(filters.shape)))
    if not casts:
        raise CastError("has no fully connected layer to cast")
    finder.check_used()
    return casts


def cast_state_back(
    state: MutableMapping[str, Tensor], *, layers: Collection[str] = (), order: str = "chw"
) -> list[Cast]:
    """Cast, in place, the filters of a classifier's layers back to fully connected weights.

    Args:
        state: tensors by name.
        layers: the layers to cast; by default those with usual classifier names: fc6, classifier.0, head.fc.
        order: the order in which the fully connected layers flatten maps, "chw" or "hwc".

    Raises:
        CastError: there is nothing to cast.
    """
    order = KernelFinder(order=order).order
    casts, known = [], []
    for key, tensor in state.items():
        layer, _, part = key.rpartition(".")
        if part != "weight" or tensor.dim() != 4:
            continue
        known.append(layer)
        if layer in layers if layers else is_fully_connected(layer):
            state[key] = fc_weight_from_conv(tensor, order)
            casts.append(Cast(layer, tuple(tensor.shape), tuple(state[key].shape)))
    check_cast_back(casts, layers, known)
    return casts


def check_cast_back(casts: Iterable[Cast], layers: Collection[str], known: Iterable[str]) -> None:
    """Raises CastError unless all requested layers were cast, or at least one if none was requested.

    Args:
        casts: the casts that were made.
        layers: the names of the requested layers.
        known: the names of the layers with filters.
    """
    done = {cast.name for cast in casts}
    missing = [layer for layer in layers if layer not in done]
    if missing:
        known = list(known)
        listed = ", ".join(f"{layer!r}{nearest(layer, known)}" for layer in missing)
        raise CastError(f"has no filters of a layer {listed}")
    if not done:
        raise CastError("has no filters of layers called fc, classifier or head; name the layers to cast with `layers`")


def _units(state: MutableMapping[str, Tensor]) -> list[Unit]:
    units = []
    for key, tensor in state.items():
        layer, _, part = key.rpartition(".")
        if (part == "weight" and tensor.dim() in (2, 4)) or part == "running_mean":
            units.append(Unit(tuple(layer.split(".")), tensor.shape[0], tensor.dim() == 2))
    return units


def _in_order(units: Sequence[Unit]) -> list[Unit]:
    """Sort layers into the order in which they run, by name: numbers ascend, and classifiers come last.

    Within a module, modules with filters only come first, then those that also have fully connected layers, then
    modules with fully connected layers only.
    """
    kinds: dict[tuple[str, ...], set[bool]] = {}
    for unit in units:
        for depth in range(1, len(unit.path) + 1):
            kinds.setdefault(unit.path[:depth], set()).add(unit.fully_connected)

    def key(unit: Unit) -> list[Any]:
        prefixes = [unit.path[: depth + 1] for depth in range(len(unit.path))]
        return [(True in kinds[prefix], False not in kinds[prefix], natural(prefix[-1])) for prefix in prefixes]

    return sorted(units, key=key)


def natural(name: str) -> list[str | int]:
    """A key to sort names by in which numbers count as numbers: conv2 before conv10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _channels_before(unit: Unit, before: Sequence[Unit], inputs: int) -> int:
    """The channels of a fully connected layer's input; 0 if no layer before it sets them."""
    while before:
        last = before[-1]
        depth = 0
        while last.path[: depth + 1] == unit.path[: depth + 1]:
            depth += 1
        module = [other for other in before if other.path[: depth + 1] == last.path[: depth + 1]]
        if not last.fully_connected:
            return _outputs(module, depth + 1)
        if last.channels == inputs:
            return inputs
        before = [other for other in before if other not in module]
    return 0


def _outputs(units: Sequence[Unit], depth: int) -> int:
    """The output channels of a module, given its layers, which share the first `depth` parts of path."""
    last = units[-1]
    if len(last.path) == depth:
        return last.channels
    children: dict[str, list[Unit]] = {}
    for unit in units:
        if len(unit.path) > depth:
            children.setdefault(unit.path[depth], []).append(unit)
    end = last.path[depth]
    ends = [name for name in children if name.startswith(_BRANCH)] if end.startswith(_BRANCH) else [end]
    return sum(_outputs(children[name], depth + 1) for name in ends)


def _check_certain(unit: Unit, units: Sequence[Unit], weight: Tensor, filters: Tensor) -> None:
    inputs = weight.shape[1]
    rivals = [other.name for other in units if other.channels == inputs and not other.fully_connected]
    if rivals:
        h, w = filters.shape[2:]
        raise CastError(
            f"layer {unit.name!r} has {inputs} inputs: {h} x {w} over {filters.shape[1]} channels, or 1 x 1 over those"
            f" of {rivals[-1]!r}; the file does not store the order of its layers; choose with `kernel`"
        )
