"""The base class of the rules that build modules from Caffe layers, and the registry of rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter, NetParameter
from fcnkit.errors import BlobShapeError, DefinitionError
from fcnkit.types import Count, LayerType, add, find, kind_of, own_type
from fcnkit.types.record import EACH, LOSS

# The largest number of values in a Caffe blob, which counts them in 32-bit ints.
LARGEST_BLOB = 2**31 - 1


class Layer:
    """The rule that builds modules from layers of one Caffe type.

    A rule has no state: every call receives the layer's settings.
    """

    # The record of the type; set when the rule is registered.
    record: LayerType
    # The module's parameters or buffers in the order of Caffe's blobs.
    blob_names: tuple[str, ...] = ()
    # The number of equal parts, along axis 0, in which each blob is filled, each by a filler of its own.
    parts: int = 1

    @property
    def per_bottom(self) -> bool:
        """Whether a layer with several bottoms makes one top from each, all with the same weights."""
        return self.record.tops is EACH

    @property
    def auto_top(self) -> bool:
        """Whether a layer without a named top makes one, which becomes an output of the net, as Caffe's losses do."""
        return self.record.role is LOSS

    def rewritten(self, layer: LayerParameter) -> tuple[str, ...]:
        """Bottoms that the layer writes into, for later readers; its module returns their values behind its tops."""
        return ()

    def in_net(self, layer: LayerParameter, net: NetParameter) -> Layer:
        """The rule for a layer of a net, where what it makes depends on the net's other layers."""
        return self

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        """The module that computes the layer.

        Args:
            layer: its LayerParameter.
            bottoms: shape of each bottom at the net's input size. Sizes that may differ later, above all height
                and width, must be read in the module's forward instead.

        Returns:
            A module that takes the bottoms in order and returns a tensor for one top, else a tuple.
        """
        raise NotImplementedError

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        """The module's own tensors, or views on them, in the order and the shapes of Caffe's blobs."""
        named = (getattr(module, name) for name in self.blob_names)
        return [tensor for tensor in named if tensor is not None]

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """A file's blobs in the order of `blobs`, for layers whose order differs between files."""
        return stored

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        """A FillerParameter for each blob that `blobs` can give, or for each of its `parts`."""
        return []

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """The number of multiply-adds; for a layer without weights, the number of values that it computes.

        Args:
            module: the module that `build` returned.
            bottoms, tops: shapes of the bottoms and tops.
        """
        return 0 if self.record.moves else sum(map(math.prod, tops))

    def batchwise(self, layer: LayerParameter) -> bool:
        """Whether axis 0 is the batch, whose items are computed independently.

        The top shapes of such a layer are found by running its module on an empty batch, those of other layers on
        meta tensors. An empty batch avoids the parts of torch that are slow to import.
        """
        return False


class Elementwise(Layer):
    """A rule whose layers compute the items of a batch independently, whatever their settings."""

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


_RULES: dict[str, Layer] = {}

Rule = TypeVar("Rule", bound=type[Layer])


def rule(kind: LayerType | str) -> Callable[[Rule], Rule]:
    """Register a class as the rule for a layer type.

    Args:
        kind: the type's record; or the name of a user's own type in a prototxt ("module.Class" for a Python layer),
            whose record is made from the rule's attributes `bottom_count` and `moves`.

    Raises:
        ValueError: the type already has a rule, or the record is not among those of `fcnkit.types`.
    """

    def register(rule: Rule) -> Rule:
        name = kind if isinstance(kind, str) else kind.name
        if name in _RULES:
            raise ValueError(f"layer type {name!r} already has a rule")
        record = kind if isinstance(kind, LayerType) else find(name) or add(_own_record(name, rule))
        if find(name) is not record:
            raise ValueError(f"the record of layer type {name!r} is not among those of fcnkit.types")
        _RULES[name] = rule()
        _RULES[name].record = record
        return rule

    return register


def _own_record(name: str, rule: type[Layer]) -> LayerType:
    least, most = getattr(rule, "bottom_count", (0, None))
    return own_type(name, Count(least, most), moves=getattr(rule, "moves", False))


def rule_for(definition: LayerParameter) -> Layer | None:
    """The rule for a layer, or None if its type has no rule."""
    return _RULES.get(kind_of(definition))


def supported() -> list[str]:
    """The names of all layer types with a rule, in alphabetical order."""
    return sorted(_RULES)


def uninitialized(module: type[nn.Module], *args: Any, **settings: Any) -> nn.Module:
    """Build a module without PyTorch's slow random initialization.

    Its parameters are allocated but not initialized; a filler or a stored blob sets them later.
    """
    with torch.device("meta"):
        built = module(*args, **settings)
    for owner in built.modules():
        for name, parameter in owner.named_parameters(recurse=False):
            if parameter.numel() > LARGEST_BLOB:
                raise ValueError(f"its {name} would have the shape {tuple(parameter.shape)}, too large for a blob")
            setattr(owner, name, nn.Parameter(torch.empty(parameter.shape)))
    return built


class Placed(NamedTuple):
    """A layer of a net: its definition, its rule, its module, and the module's path in the net."""

    layer: LayerParameter
    rule: Layer
    module: nn.Module
    path: str

    def blobs(self) -> list[Tensor]:
        """The layer's weights in Caffe's shapes (see `Layer.blobs`)."""
        return self.rule.blobs(self.module, self.layer)


def canonical_axis(layer: LayerParameter, axis: int, bottom: Shape) -> int:
    """An axis counted from the front; a negative one is counted from the end.

    Raises:
        DefinitionError: the bottom has no such axis.

    Source: BVLC/caffe include/caffe/blob.hpp, CanonicalAxisIndex.
    """
    if not -len(bottom) <= axis < len(bottom):
        raise DefinitionError(f"layer {layer.name!r}: axis {axis} is outside the bottom's {len(bottom)} axes: {bottom}")
    return axis % len(bottom)


def fit(found: Tensor, expected: Shape, where: str, index: int) -> Tensor:
    """Give a stored blob the shape that its layer expects.

    Files from before 2015 store four axes; expected may lack leading axes of length 1.

    Raises:
        BlobShapeError: the shapes differ in another way.

    Source: BVLC/caffe src/caffe/blob.cpp, ShapeEquals.
    """
    shape = tuple(found.shape)
    if shape == expected:
        return found
    if len(shape) == 4 and (1,) * (4 - len(expected)) + expected == shape:
        return found.reshape(expected)
    hint = ""
    if math.prod(shape) == math.prod(expected):
        hint = "the same number of values; fc2conv casts fully connected weights to filters"
    raise BlobShapeError(where, index, shape, expected, hint)
