"""A Caffe net as a PyTorch module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fcnkit.caffe import prototxt
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError, InputError, MissingBlobsError, UnsupportedLayerError
from fcnkit.layers import Layer, fit, kind_of, rule_for
from fcnkit.layers.fillers import fill

Shape = tuple[int, ...]

# What Caffe calls the top of a loss layer that names none (BVLC/caffe src/caffe/net.cpp, AppendTop).
AUTO_TOP = "(automatic)"


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
        unused: names of layers in the weights that the net had no use for.
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
                a file: they may be misaligned, and they change with what they are a view on.

        Raises:
            DefinitionError, UnsupportedLayerError: the definition cannot be run.
            BlobShapeError, MissingBlobsError: the weights do not fit.
        """
        super().__init__()
        if isinstance(definition, str):
            definition = prototxt.parse(definition)
        self.prototxt = prototxt.to_text(definition)
        self.preprocessing: dict[str, Any] = {}
        self.shapes: dict[str, Shape] = {}
        built = list(_build(definition, self.shapes))
        self.inputs = tuple(input_shapes(definition))
        paths = _place(self, [(layer.name, module) for layer, _, module in built])
        self.outputs, self.steps = _plan(self.inputs, [(layer, rule) for layer, rule, _ in built], paths)
        self.unused: list[str] = []
        if blobs is None and filled:
            for layer, rule, module in built:
                for tensor, filler in zip(rule.blobs(module, layer), rule.fillers(layer), strict=False):
                    fill(tensor.detach(), filler, layer.name)
        elif blobs is not None:
            self._load_blobs([(layer, rule.blobs(module, layer)) for layer, rule, module in built], blobs, mapped)
        for layer, rule, module in built:
            # A learning rate of 0 is how Caffe freezes a blob.
            for tensor, spec in zip(rule.blobs(module, layer), layer.param, strict=False):
                if spec.lr_mult == 0 and isinstance(tensor, nn.Parameter):
                    tensor.requires_grad_(False)

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

    def _load_blobs(self, wanted: list[tuple[Message, list[Tensor]]], blobs: Blobs, mapped: bool) -> None:
        missing = [layer.name for layer, tensors in wanted if tensors and not blobs.get(layer.name)]
        if missing:
            raise MissingBlobsError(f"the weights have no blobs for the layers {', '.join(map(repr, missing))}")
        used = set()
        for layer, tensors in wanted:
            stored = blobs.get(layer.name, ())
            if not tensors:
                continue
            used.add(layer.name)
            if len(stored) != len(tensors):
                raise MissingBlobsError(
                    f"layer {layer.name!r}: the weights have {len(stored)} blobs, the net needs {len(tensors)}"
                )
            for index, (tensor, array) in enumerate(zip(tensors, stored, strict=True)):
                source = fit(torch.from_numpy(array), tuple(tensor.shape), layer.name, index)
                usable = source.dtype == tensor.dtype and source.is_contiguous()
                if mapped and usable and isinstance(tensor, nn.Parameter):
                    tensor.data = source
                else:
                    tensor.detach().copy_(source)
        self.unused = [name for name in blobs if name not in used]

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
        module = self.get_submodule(step.module)
        try:
            tops = tuple(map(module, bottoms)) if step.per_bottom else module(*bottoms)
        except RuntimeError as error:
            sizes = ", ".join(f"{name!r} {tuple(b.shape)}" for name, b in zip(step.bottoms, bottoms, strict=True))
            problem = str(error).split("\n")[0].rstrip(".")
            raise InputError(f"layer {step.name!r} ({step.kind}) cannot work with {sizes}: {problem}") from error
        if isinstance(tops, Tensor):
            tops = (tops,)
        blobs.update(zip(step.tops, tops, strict=True))


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
    shapes.update(input_shapes(definition))
    for layer in layers:
        rule = rule_for(layer)
        assert rule is not None
        unknown = [bottom for bottom in layer.bottom if bottom not in shapes]
        if unknown:
            raise DefinitionError(f"layer {layer.name!r}: bottom {unknown[0]!r} is made by no layer before it")
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
        shapes.update(zip(names, tops, strict=True))
        yield layer, rule, module


def _top_names(layer: Message, rule: Layer) -> tuple[str, ...]:
    return tuple(layer.top) or ((AUTO_TOP,) if rule.auto_top else ())


@torch.no_grad()
def _top_shapes(layer: Message, rule: Layer, module: nn.Module, bottoms: Sequence[Shape]) -> list[Shape]:
    """The shapes that the module itself gives, found without computing a value."""
    batchwise = bool(bottoms) and all(bottoms) and rule.batchwise(layer)
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
    return lambda *blobs: torch.func.functional_call(module, meta, blobs)


def _place(net: nn.Module, modules: Sequence[tuple[str, nn.Module]]) -> list[str]:
    """Make the modules children of net under their layers' names; gives the path of each.

    A dot opens a level. A part that Python or PyTorch already uses ("forward", or nothing at all) gets
    underscores behind it until it is free, and so does a name that two layers share.
    """
    paths = [""] * len(modules)
    # Parents first, so that a layer "a" stands before "a.b" moves in below it.
    for index in sorted(range(len(modules)), key=lambda i: modules[i][0].count(".")):
        name, module = modules[index]
        parent, path = net, []
        *levels, last = name.split(".")
        for level in levels:
            while not level or (level not in parent._modules and hasattr(parent, level)):
                level += "_"
            if level not in parent._modules:
                parent.add_module(level, nn.Module())
            parent = parent.get_submodule(level)
            path.append(level)
        while not last or hasattr(parent, last):
            last += "_"
        parent.add_module(last, module)
        paths[index] = ".".join([*path, last])
    return paths


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
        alive = alive - set(tops) | set(bottoms)
    return outputs, steps[::-1]
