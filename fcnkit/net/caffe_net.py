"""A Caffe net as a PyTorch module."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fcnkit.caffe import prototxt
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError, InputError, UnsupportedLayerError
from fcnkit.layers import Layer, kind_of, rule_for
from fcnkit.layers.base import LARGEST_BLOB, Placed
from fcnkit.net.sharing import Weight, find_ties, held_ties, tie, views
from fcnkit.net.tree import place
from fcnkit.net.weights import fill_weights, freeze, load_weights

Shape = tuple[int, ...]

# What Caffe calls the top of a loss layer that names none (BVLC/caffe src/caffe/net.cpp, AppendTop); here the layer's
# name follows, for there may be several.
AUTO_TOP = "(automatic) "


class Step(NamedTuple):
    """One layer at work: which module reads and makes which blobs, and which blobs no one reads after it."""

    module: str
    name: str
    kind: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    per_bottom: bool
    free: tuple[str, ...]


class CaffeNet(nn.Module):
    """A Caffe net; its children are named after the layers, its state dict after Caffe's: `conv1_1.weight`.

    A dot in a layer's name is a level in the module tree, as everywhere in PyTorch.

    Attributes:
        inputs, outputs: names of the blobs that go in and come out.
        prototxt: the definition as text.
        shapes: the shape of each blob at the definition's input shapes, by its name's last use.
        preprocessing: for each image input how its values are made of pixels (see fcnkit.caffe.data).
        source: the file that the net was read from, or None.
        unused: names of layers in the weights that the net had no use for.
        ties: the weights that several layers share (see fcnkit.net.sharing).
        mapped: whether the weights may be views on a file.
    """

    def __init__(
        self, definition: Message | str, blobs: Blobs | None = None, *, filled: bool = True, mapped: bool = False
    ):
        """Build the net, and fill it.

        Args:
            definition: a V2 net, or its text, in which every input has a shape.
            blobs: the weights by layer name; without them every blob is filled as its filler says.
            filled: False leaves the weights as they come out of memory, for a state dict to follow.
            mapped: use float32 blobs where they lie instead of copying them. That is for passing them on to
                a file: they may be misaligned, they change with what they are a view on, and changes of them are lost.

        Raises:
            DefinitionError, UnsupportedLayerError: the definition cannot be run.
            BlobShapeError, MissingBlobsError: the weights do not fit.
        """
        super().__init__()
        if isinstance(definition, str):
            definition = prototxt.parse(definition)
        self.prototxt = prototxt.to_text(definition)
        self.preprocessing: dict[str, Any] = {}
        self.source: Path | None = None
        self.shapes: dict[str, Shape] = {}
        self.mapped = mapped
        built = list(_build(definition, self.shapes))
        self.inputs = tuple(input_shapes(definition))
        paths = place(self, [(layer.name, module) for layer, _, module in built])
        self.outputs, self.steps = _plan(self.inputs, [(layer, rule) for layer, rule, _ in built], paths)
        placed = [Placed(*each, path) for each, path in zip(built, paths, strict=True)]
        self.ties = find_ties(placed)
        tie(self, self.ties)
        self.unused: list[str] = []
        if blobs is not None:
            self.unused = load_weights(placed, self.ties, blobs, mapped)
        elif filled:
            fill_weights(placed, self.ties)
        freeze(placed, self.ties)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor | dict[str, Tensor]:
        """Run the net.

        Args:
            inputs: tensors in the order of `inputs`.
            named: the other inputs by name.

        Returns:
            The output if there is one, else all outputs by name.

        Raises:
            InputError: inputs are missing, unknown or given twice, or a layer cannot work with their sizes.
        """
        blobs = self._feed(inputs, named)
        for step in self.steps:
            self._run(step, blobs)
            for name in step.free:
                blobs.pop(name, None)
        if len(self.outputs) == 1:
            return blobs[self.outputs[0]]
        return {name: blobs[name] for name in self.outputs}

    def walk(self, *inputs: Tensor, **named: Tensor) -> Iterator[tuple[Step, tuple[Tensor, ...]]]:
        """Run the net one layer at a time: each step and the tops it made. Takes what `forward` takes."""
        blobs = self._feed(inputs, named)
        for step in self.steps:
            self._run(step, blobs)
            yield step, tuple(blobs[name] for name in step.tops)
            for name in step.free:
                blobs.pop(name, None)

    def forward_blobs(self, *inputs: Tensor, **named: Tensor) -> dict[str, Tensor]:
        """Run the net and keep every blob: its last value by name. Takes what `forward` takes."""
        blobs = self._feed(inputs, named)
        for step in self.steps:
            self._run(step, blobs)
        return blobs

    def definition(self) -> Message:
        """The definition as a message."""
        return prototxt.parse(self.prototxt)

    def blobs(self) -> dict[str, list[Tensor]]:
        """The weights by layer name, in Caffe's order and shapes: the module's own tensors, or views on them."""
        modules = {step.name: self.get_submodule(step.module) for step in self.steps}
        found: dict[str, list[Tensor]] = {}
        for layer in self.definition().layer:
            rule = rule_for(layer)
            if rule is not None and layer.name in modules:
                tensors = rule.blobs(modules[layer.name], layer)
                if tensors:
                    found[layer.name] = [tensor.detach() for tensor in tensors]
        return found

    def neutral(self) -> tuple[CaffeNet, dict[str, str]]:
        """The same net under names of fcnkit's own, for tools that write names into code and run it.

        torch.export, torch.fx and torch.compile do: a layer's name, which is anyone's, could end a string there and
        begin a statement. The twin shares the modules of this net; its inputs and blobs are numbered, its outputs
        keep their names, which such tools handle as values.

        Returns:
            The twin, and the path in this net of each of its modules (`layer_0`, ...).
        """
        numbers = (number for number in count() if f"layer_{number}" not in self._modules)
        paths = {step.module: f"layer_{next(numbers)}" for step in self.steps}
        names = dict.fromkeys((*self.inputs, *(name for step in self.steps for name in step.bottoms + step.tops)))
        blobs = {name: f"blob_{number}" for number, name in enumerate(names)}
        twin = _Twin.__new__(_Twin)
        nn.Module.__init__(twin)
        for path, own in paths.items():
            twin.add_module(own, self.get_submodule(path))
        twin.inputs = tuple(blobs[name] for name in self.inputs)
        twin.outputs = tuple(blobs[name] for name in self.outputs)
        twin.output_names = self.outputs
        twin.steps = [
            step._replace(
                module=paths[step.module],
                bottoms=tuple(blobs[name] for name in step.bottoms),
                tops=tuple(blobs[name] for name in step.tops),
                free=tuple(blobs[name] for name in step.free),
            )
            for step in self.steps
        ]
        twin.ties = [
            each._replace(owner=_moved(each.owner, paths), user=_moved(each.user, paths)) for each in self.ties
        ]
        return twin.train(self.training), {own: path for path, own in paths.items()}

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        # Moving or casting the net makes new tensors, as do loading with assign=True and copying.
        held = held_ties(self, self.ties)
        super()._apply(fn, recurse)
        tie(self, held)
        return self

    def load_state_dict(self, *args: Any, **settings: Any) -> Any:
        held = held_ties(self, self.ties)
        result = super().load_state_dict(*args, **settings)
        tie(self, held)
        return result

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        tie(self, held_ties(self, self.ties))

    def _feed(self, inputs: Sequence[Tensor], named: dict[str, Tensor]) -> dict[str, Tensor]:
        if len(inputs) > len(self.inputs):
            raise InputError(f"the net has {len(self.inputs)} inputs, {len(inputs)} were given")
        blobs = dict(zip(self.inputs, inputs, strict=False))
        for name, value in named.items():
            if name in blobs or name not in self.inputs:
                problem = "is given twice" if name in blobs else "is no input of the net"
                raise InputError(f"{name!r} {problem}; the inputs are {', '.join(map(repr, self.inputs))}")
            blobs[name] = value
        lacking = [name for name in self.inputs if name not in blobs]
        if lacking:
            raise InputError(f"no value for the inputs {', '.join(map(repr, lacking))}")
        return blobs

    def _run(self, step: Step, blobs: dict[str, Tensor]) -> None:
        bottoms = [blobs[name] for name in step.bottoms]
        module: Any = self.get_submodule(step.module)
        if shared := views(self, self.ties, step.module):
            module = partial(_call_with, module, shared)
        try:
            tops = tuple(map(module, bottoms)) if step.per_bottom else module(*bottoms)
        except (RuntimeError, IndexError, ValueError) as error:
            sizes = ", ".join(f"{name!r} {tuple(b.shape)}" for name, b in zip(step.bottoms, bottoms, strict=True))
            if _is_out_of_memory(error):
                problem = f"layer {step.name!r} ({step.kind}) needs more memory than there is for {sizes}"
                raise InputError(f"{problem}; run it on smaller inputs") from None
            problem = str(error).split("\n")[0].rstrip(".")
            raise InputError(f"layer {step.name!r} ({step.kind}) cannot work with {sizes}: {problem}") from error
        if isinstance(tops, Tensor):
            tops = (tops,)
        blobs.update(zip(step.tops, tops, strict=True))


def _is_out_of_memory(error: Exception) -> bool:
    # On the CPU torch has no class of error for it.
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


class _Twin(CaffeNet):
    """A net under neutral names, whose outputs keep those of the net."""

    output_names: tuple[str, ...]

    def forward(self, *inputs: Tensor) -> Tensor | dict[str, Tensor]:  # type: ignore[override]
        found = super().forward(*inputs)
        if isinstance(found, Tensor):
            return found
        return {name: found[blob] for name, blob in zip(self.output_names, self.outputs, strict=True)}


def _moved(weight: Weight, paths: dict[str, str]) -> Weight:
    module, _, name = weight.path.rpartition(".")
    return weight._replace(path=f"{paths[module]}.{name}")


def blob_shapes(definition: Message) -> dict[str, Shape]:
    """The shape of each blob of a net whose inputs have shapes, by its name's last use."""
    shapes: dict[str, Shape] = {}
    for _ in _build(definition, shapes):
        pass
    return shapes


def _build(definition: Message, shapes: dict[str, Shape]) -> Iterator[tuple[Message, Layer, nn.Module]]:
    """Build each layer's module, and find its tops' shapes by running it; shapes is filled as it goes."""
    layers = [layer for layer in definition.layer if layer.type != "Input"]
    unsupported = [(layer.name, kind_of(layer)) for layer in layers if rule_for(layer) is None]
    if unsupported:
        raise UnsupportedLayerError(unsupported)
    for name, shape in input_shapes(definition).items():
        _check_size(f"input {name!r}", shape)
        shapes[name] = shape
    for layer in layers:
        rule = rule_for(layer)
        assert rule is not None
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


def _check_size(what: str, shape: Shape) -> None:
    """Source: BVLC/caffe src/caffe/blob.cpp, Reshape."""
    if min(shape, default=0) < 0 or math.prod(shape) > LARGEST_BLOB:
        raise DefinitionError(f"{what} would have the shape {shape}; a blob of Caffe's has up to {LARGEST_BLOB} values")


def _check_bottoms(layer: Message, rule: Layer) -> None:
    wanted, found = rule.record.bottoms, len(layer.bottom)
    if not wanted.admits(found):
        plural = "s" * (str(wanted) != "1")
        raise DefinitionError(f"layer {layer.name!r}: {layer.type} needs {wanted} bottom{plural}, it has {found}")


def _top_names(layer: Message, rule: Layer) -> tuple[str, ...]:
    return tuple(layer.top) or ((AUTO_TOP + layer.name,) if rule.auto_top else ())


@torch.no_grad()
def _top_shapes(layer: Message, rule: Layer, module: nn.Module, bottoms: Sequence[Shape]) -> list[Shape]:
    """The shapes that the module itself gives, found without computing a value."""
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
    return partial(_call_with, module, meta)


def _call_with(module: nn.Module, tensors: dict[str, Tensor], *bottoms: Tensor) -> Any:
    """Run a module with other tensors in place of its own."""
    return torch.func.functional_call(module, tensors, bottoms)


def _plan(
    inputs: Sequence[str], layers: Sequence[tuple[Message, Layer]], paths: Sequence[str]
) -> tuple[tuple[str, ...], list[Step]]:
    """The outputs of the net (what is made and never read), and its steps with what each may free."""
    unread: dict[str, None] = {}
    for layer, rule in layers:
        for bottom in layer.bottom:
            unread.pop(bottom, None)
        unread.update(dict.fromkeys(_top_names(layer, rule)))
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
