"""How a Caffe layer type becomes a module: the base of all rules, and their registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import BlobShapeError, DefinitionError
from fcnkit.types import Count, LayerType, add, find, kind_of, own_type
from fcnkit.types.record import EACH, LOSS

# The most values that Caffe lets a blob have: it counts with 32-bit ints.
LARGEST_BLOB = 2**31 - 1


class Layer:
    """How layers of one Caffe type become modules: what is known of the type beside its record.

    A rule has no state of its own: the layer's settings come in with every call.
    """

    # What is known of the type without torch; set when the rule is registered.
    record: LayerType
    # The module's parameters or buffers in the order of Caffe's blobs.
    blob_names: tuple[str, ...] = ()

    @property
    def per_bottom(self) -> bool:
        """Whether a layer with several bottoms makes one top of each, all with the same weights."""
        return self.record.tops is EACH

    @property
    def auto_top(self) -> bool:
        """Whether a layer without a top still makes one, which is then an output of the net, as Caffe's losses do."""
        return self.record.role is LOSS

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        """The module that computes the layer.

        Args:
            layer: its LayerParameter.
            bottoms: shape of each bottom at the net's input size. What depends on a size that may differ
                later, height and width above all, must be read in the module's forward instead.

        The module takes the bottoms in order, and gives a tensor for one top, else a tuple.
        """
        raise NotImplementedError

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        """The module's own tensors, or views on them, in the order and the shapes of Caffe's blobs."""
        named = (getattr(module, name) for name in self.blob_names)
        return [tensor for tensor in named if tensor is not None]

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """A file's blobs in the order of `blobs`, for layers that files store in several."""
        return stored

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        """A FillerParameter for each blob that `blobs` can give."""
        return []

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """The multiplications, each with its addition, that the layer takes; without weights, the values it computes.

        Args:
            module: what `build` made.
            bottoms, tops: their shapes.
        """
        return 0 if self.record.moves else sum(map(math.prod, tops))

    def batchwise(self, layer: LayerParameter) -> bool:
        """Whether axis 0 is the batch, each item of which is computed alone.

        Such a layer's top shapes are found by running it on a batch of none, any other's on meta tensors.
        Both give what the module itself gives; the first needs nothing of torch that is slow to import.
        """
        return False


class Elementwise(Layer):
    """A rule whose layers compute each item of a batch alone, whatever their settings are."""

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


_RULES: dict[str, Layer] = {}

Rule = TypeVar("Rule", bound=type[Layer])


def rule(kind: LayerType | str) -> Callable[[Rule], Rule]:
    """Register the rule that a class is, for a layer type.

    Args:
        kind: the type's record; or the name of a user's own type in a prototxt ("module.Class" for a Python layer),
            of which no more is known than what the rule's attributes `bottom_count` and `moves` state.

    Raises:
        ValueError: there is a rule for the type, or the record is not among those of `fcnkit.types`.
    """

    def register(rule: Rule) -> Rule:
        name = kind if isinstance(kind, str) else kind.name
        if name in _RULES:
            raise ValueError(f"there is already a rule for layer type {name!r}")
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
    """The rule for a layer, or None where there is none."""
    return _RULES.get(kind_of(definition))


def supported() -> list[str]:
    """The names of all layer types with a rule, in alphabetical order."""
    return sorted(_RULES)


def uninitialized(module: type[nn.Module], *args: Any, **settings: Any) -> nn.Module:
    """Build a module without the time that PyTorch takes to fill it with random numbers.

    Its parameters are real but hold anything: a filler or a stored blob follows.
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
    """A layer of a net: its definition and rule, the module that it became, and the module's path in the net."""

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
        raise DefinitionError(f"layer {layer.name!r}: axis {axis} is none of the bottom's {len(bottom)}: {bottom}")
    return axis % len(bottom)


def fit(found: Tensor, expected: Shape, where: str, index: int) -> Tensor:
    """Give a stored blob the shape that its layer expects.

    Files from before 2015 store four axes; the leading ones of them that are 1 may be missing in expected.

    Raises:
        BlobShapeError: the shapes differ otherwise.

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
