"""What a rule for a Caffe layer type is, and the registry of all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import BlobShapeError, DefinitionError

Shape = tuple[int, ...]

# The most values that Caffe lets a blob have: it counts with 32-bit ints.
LARGEST_BLOB = 2**31 - 1


class Layer:
    """All that the project knows of one Caffe layer type.

    A rule has no state of its own: the layer's settings come in with every call.
    """

    # How many bottoms the layer reads: at least, and at most (None for any number).
    bottom_count: tuple[int, int | None] = (0, None)
    # The module's parameters or buffers in the order of Caffe's blobs.
    blob_names: tuple[str, ...] = ()
    # Whether a layer with several bottoms makes one top of each, all with the same weights.
    per_bottom = False
    # Whether a layer without a top still makes one, which is then an output of the net, as Caffe's losses do.
    auto_top = False
    # Whether the layer only passes values on or puts them elsewhere, and computes none.
    moves = False

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        """The module that computes the layer.

        Args:
            layer: its LayerParameter.
            bottoms: shape of each bottom at the net's input size. What depends on a size that may differ
                later, height and width above all, must be read in the module's forward instead.

        The module takes the bottoms in order, and gives a tensor for one top, else a tuple.
        """
        raise NotImplementedError

    def blobs(self, module: nn.Module, layer: Message) -> list[Tensor]:
        """The module's own tensors, or views on them, in the order and the shapes of Caffe's blobs."""
        named = (getattr(module, name) for name in self.blob_names)
        return [tensor for tensor in named if tensor is not None]

    def in_order(self, layer: Message, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """A file's blobs in the order of `blobs`, for layers that files store in several."""
        return stored

    def fillers(self, layer: Message) -> list[Message]:
        """A FillerParameter for each blob that `blobs` can give."""
        return []

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        """The multiplications, each with its addition, that the layer takes; without weights, the values it computes.

        Args:
            module: what `build` made.
            bottoms, tops: their shapes.
        """
        return 0 if self.moves else sum(map(math.prod, tops))

    def batchwise(self, layer: Message) -> bool:
        """Whether axis 0 is the batch, each item of which is computed alone.

        Such a layer's top shapes are found by running it on a batch of none, any other's on meta tensors.
        Both give what the module itself gives; the first needs nothing of torch that is slow to import.
        """
        return False


_RULES: dict[str, Layer] = {}


def layer(kind: str) -> Callable[[type[Layer]], type[Layer]]:
    """Register a rule for a layer type by its name in a prototxt.

    For a Python layer the name is "module.Class".
    """

    def register(rule: type[Layer]) -> type[Layer]:
        if kind in _RULES:
            raise ValueError(f"there is already a rule for layer type {kind!r}")
        _RULES[kind] = rule()
        return rule

    return register


def kind_of(definition: Message) -> str:
    """The name a layer's rule is registered under."""
    if definition.type == "Python":
        return f"{definition.python_param.module}.{definition.python_param.layer}"
    return str(definition.type)


def rule_for(definition: Message) -> Layer | None:
    """The rule for a layer, or None where there is none."""
    return _RULES.get(kind_of(definition))


def supported() -> list[str]:
    """The names of all layer types with a rule, in alphabetical order."""
    return sorted(_RULES)


def uninitialized(module: type[nn.Module], *args: Any, **settings: Any) -> Any:
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

    layer: Message
    rule: Layer
    module: nn.Module
    path: str

    def blobs(self) -> list[Tensor]:
        """The layer's weights in Caffe's shapes (see `Layer.blobs`)."""
        return self.rule.blobs(self.module, self.layer)


def canonical_axis(layer: Message, axis: int, bottom: Shape) -> int:
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
