"""The modules of a net's layers, the shapes of its blobs, and the order in which it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.errors import DefinitionError, UnsupportedLayerError
from fcnkit.layers import Layer, kind_of, rule_for
from fcnkit.layers.base import LARGEST_BLOB
from fcnkit.types import is_input

# Caffe's name for the top of a loss layer that names none (BVLC/caffe src/caffe/net.cpp, AppendTop). Here the layer's
# name is appended, because there may be several.
AUTO_TOP = "(automatic) "


class Step(NamedTuple):
    """One layer of a run: its module, the blobs it reads and makes, and the blobs that no later layer reads."""

    module: str
    name: str
    kind: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    per_bottom: bool
    free: tuple[str, ...]


def blob_shapes(definition: NetParameter) -> dict[str, Shape]:
    """The shape of each blob of a net whose inputs have shapes, by its name's last use."""
    shapes: dict[str, Shape] = {}
    for _ in build(definition, shapes):
        pass
    return shapes


def build(definition: NetParameter, shapes: dict[str, Shape]) -> Iterator[tuple[LayerParameter, Layer, nn.Module]]:
    """Build each layer's module, and find its tops' shapes by running it; shapes is updated with each layer."""
    require_supported(definition)
    layers = [layer for layer in definition.layer if not is_input(layer)]
    for name, shape in input_shapes(definition).items():
        _check_size(f"input {name!r}", shape)
        shapes[name] = shape
    for layer in layers:
        found = rule_for(layer)
        assert found is not None
        rule = found.in_net(layer, definition)
        unknown = [bottom for bottom in layer.bottom if bottom not in shapes]
        if unknown:
            raise DefinitionError(f"layer {layer.name!r}: bottom {unknown[0]!r} is not a top of an earlier layer")
        _check_bottoms(layer, rule)
        bottoms = [shapes[bottom] for bottom in layer.bottom]
        try:
            module = rule.build(layer, bottoms).eval()
            tops = _top_shapes(layer, rule, module, bottoms)
        except (RuntimeError, IndexError, ValueError) as error:
            problem = str(error).split("\n")[0].rstrip(".")
            raise DefinitionError(f"layer {layer.name!r} ({layer.type}), bottoms {bottoms}: {problem}") from error
        names = _top_names(layer, rule)
        if len(tops) != len(names):
            raise DefinitionError(f"layer {layer.name!r} ({layer.type}) makes {len(tops)} tops, {len(names)} are named")
        for name, shape in zip(names, tops, strict=True):
            _check_size(f"layer {layer.name!r}: its top {name!r}", shape)
            shapes[name] = shape
        yield layer, rule, module


def require_supported(definition: NetParameter) -> None:
    """Check that all layers of a net have a rule.

    Raises:
        UnsupportedLayerError: it lists all that have none.
    """
    layers = [layer for layer in definition.layer if not is_input(layer)]
    unsupported = [(layer.name, kind_of(layer)) for layer in layers if rule_for(layer) is None]
    if unsupported:
        raise UnsupportedLayerError(unsupported)


def _check_size(what: str, shape: Shape) -> None:
    """Source: BVLC/caffe src/caffe/blob.cpp, Reshape."""
    if min(shape, default=0) < 0 or math.prod(shape) > LARGEST_BLOB:
        raise DefinitionError(f"{what} would have the shape {shape}; a blob of Caffe's has up to {LARGEST_BLOB} values")


def _check_bottoms(layer: LayerParameter, rule: Layer) -> None:
    wanted, found = rule.record.bottoms, len(layer.bottom)
    if not wanted.admits(found):
        plural = "s" * (str(wanted) != "1")
        raise DefinitionError(f"layer {layer.name!r}: {layer.type} needs {wanted} bottom{plural}, it has {found}")


def _top_names(layer: LayerParameter, rule: Layer) -> tuple[str, ...]:
    """The blobs that a layer makes: its tops, and bottoms that it makes anew."""
    own = tuple(layer.top) or ((AUTO_TOP + layer.name,) if rule.auto_top else ())
    return own + rule.rewritten(layer)


@torch.no_grad()
def _top_shapes(layer: LayerParameter, rule: Layer, module: nn.Module, bottoms: Sequence[Shape]) -> list[Shape]:
    """The shapes of the module's tops, found without computing a value."""
    batches = {shape[:1] for shape in bottoms}
    batchwise = len(batches) == 1 and () not in batches and rule.batchwise(layer)
    if batchwise:
        blobs = [torch.empty((0, *shape[1:])) for shape in bottoms]
    else:
        blobs = [torch.empty(shape, device="meta") for shape in bottoms]
        module = _on_meta(module)
    tops = tuple(map(module, blobs)) if rule.per_bottom else module(*blobs)
    found = [tuple(top.shape) for top in ((tops,) if isinstance(tops, Tensor) else tops)]
    return [(bottoms[0][0], *shape[1:]) for shape in found] if batchwise else found


def _on_meta(module: nn.Module) -> Any:
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    meta = {name: torch.empty(tensor.shape, dtype=tensor.dtype, device="meta") for name, tensor in tensors.items()}
    return partial(call_with, module, meta)


def call_with(module: nn.Module, tensors: dict[str, Tensor], *bottoms: Tensor) -> Any:
    """Run a module with other tensors in place of its own."""
    return torch.func.functional_call(module, tensors, bottoms)


def plan(
    inputs: Sequence[str], layers: Sequence[tuple[LayerParameter, Layer]], paths: Sequence[str]
) -> tuple[tuple[str, ...], list[Step]]:
    """The outputs of the net (blobs that no layer reads), and its steps with the blobs that each may free."""
    unread: dict[str, None] = {}
    for layer, rule in layers:
        for bottom in layer.bottom:
            unread.pop(bottom, None)
        unread.update((top, None) for top in _top_names(layer, rule) if top not in rule.rewritten(layer))
    outputs = tuple(unread) or tuple(inputs)
    steps = []
    alive = set(outputs)
    for (layer, rule), path in zip(reversed(layers), reversed(paths), strict=True):
        bottoms, tops = tuple(layer.bottom), _top_names(layer, rule)
        free = tuple(name for name in dict.fromkeys(bottoms + tops) if name not in alive)
        steps.append(Step(path, layer.name, layer.type, bottoms, tops, rule.per_bottom, free))
        alive.difference_update(tops)
        alive.update(bottoms)
    return outputs, steps[::-1]
