"""A Caffe net as a PyTorch module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe import prototxt
from fcnkit.caffe.caffemodel import Blobs
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.messages import NetParameter
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import InputError
from fcnkit.layers import rule_for
from fcnkit.layers.base import Placed
from fcnkit.mapped import Stored
from fcnkit.net.building import Step, build, call_with, plan
from fcnkit.net.sharing import Tie, find_ties, held_ties, tie, views
from fcnkit.net.tree import place
from fcnkit.net.weights import fill_weights, freeze, load_weights, require_distinct_names
from fcnkit.types import is_input


class CaffeNet(nn.Module):
    """A Caffe net; its children are named after the layers, its state dict after Caffe's: `conv1_1.weight`.

    A dot in a layer's name is a level in the module tree, as everywhere in PyTorch.

    Attributes:
        inputs, outputs: names of the input and output blobs.
        prototxt: the definition as text.
        shapes: the shape of each blob at the definition's input shapes, by its name's last use.
        preprocessing: for each image input, how its values are computed from pixels.
        source: the file that the net was read from, or None.
        unused: names of layers in the weights that the net does not use.
        remarks: how the definition was read where that was not clear, each a line of text.
        ties: the weights that several layers share (see fcnkit.net.sharing).
        places: the positions of weights that are views on a file, by name.
    """

    outputs: tuple[str, ...]
    steps: list[Step]
    ties: list[Tie]

    def __init__(
        self,
        definition: NetParameter | str,
        blobs: Blobs | None = None,
        *,
        preprocessing: Mapping[str, Preprocessing] = MappingProxyType({}),
        source: Path | None = None,
        filled: bool = True,
        mapped: bool = False,
    ):
        """Build the net and fill its weights.

        Args:
            definition: a V2 net, or its text, in which every input has a shape.
            blobs: the weights by layer name; without them every blob is filled by its filler.
            preprocessing: how images become the values of inputs, by the inputs' names.
            source: the file that the net is read from.
            filled: False leaves the weights uninitialized, for a state dict that is loaded later.
            mapped: use float32 blobs in place instead of copying them. Use it only to write them to a file:
                they may be misaligned, and they change with the memory that they are a view on.

        Raises:
            DefinitionError, UnsupportedLayerError: the definition cannot be run.
            BlobShapeError, MissingBlobsError: the weights do not fit.
        """
        super().__init__()
        if isinstance(definition, str):
            definition = prototxt.parse(definition)
        self.prototxt = prototxt.to_text(definition)
        self._definition: NetParameter | None = None
        self.preprocessing = dict(preprocessing)
        self.source = source
        self.shapes: dict[str, Shape] = {}
        self.places: dict[str, Stored] = {}
        self.unused: list[str] = []
        self.remarks: list[str] = []
        # Each attribute is set before the layers, so that a layer of the same name gets another path.
        self.outputs, self.steps, self.ties = (), [], []
        built = list(build(definition, self.shapes))
        self.inputs = tuple(input_shapes(definition))
        paths = place(self, [(layer.name, module) for layer, _, module in built])
        self.outputs, self.steps = plan(self.inputs, [(layer, rule) for layer, rule, _ in built], paths)
        placed = [Placed(*each, path) for each, path in zip(built, paths, strict=True)]
        self.ties = find_ties(placed)
        tie(self, self.ties)
        if blobs is not None:
            require_distinct_names(definition, [each.layer.name for each in placed if each.blobs()])
            self.unused, self.places = load_weights(placed, self.ties, blobs, mapped)
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
        for _ in self._steps(blobs):
            pass
        if len(self.outputs) == 1:
            return blobs[self.outputs[0]]
        return {name: blobs[name] for name in self.outputs}

    def walk(self, *inputs: Tensor, **named: Tensor) -> Iterator[tuple[Step, tuple[Tensor, ...]]]:
        """Run the net one layer at a time: each step and the tops it made. Takes what `forward` takes."""
        blobs = self._feed(inputs, named)
        for step in self._steps(blobs):
            yield step, tuple(blobs[name] for name in step.tops)

    def forward_blobs(self, *inputs: Tensor, **named: Tensor) -> dict[str, Tensor]:
        """Run the net and keep every blob: its last value by name. Takes what `forward` takes."""
        blobs = self._feed(inputs, named)
        for _ in self._steps(blobs, keep=True):
            pass
        return blobs

    def _steps(self, blobs: dict[str, Tensor], keep: bool = False) -> Iterator[Step]:
        """Run each step, and drop the blobs that no later one reads."""
        for step in self.steps:
            self._run(step, blobs)
            yield step
            for name in () if keep else step.free:
                blobs.pop(name, None)

    def definition(self) -> NetParameter:
        """The definition as a message. It is the net's own: copy it before changing it."""
        if self._definition is None:
            self._definition = prototxt.parse(self.prototxt)
        return self._definition

    def blobs(self) -> dict[str, list[Tensor]]:
        """The weights by layer name, in Caffe's order and shapes: the module's own tensors, or views on them.

        Raises:
            DefinitionError: a layer with weights has the name of another layer.
        """
        found: dict[str, list[Tensor]] = {}
        layers = (layer for layer in self.definition().layer if not is_input(layer))
        for layer, step in zip(layers, self.steps, strict=True):
            rule = rule_for(layer)
            assert rule is not None
            tensors = rule.blobs(self.get_submodule(step.module), layer)
            if tensors:
                found[layer.name] = [tensor.detach() for tensor in tensors]
        require_distinct_names(self.definition(), found)
        return found

    def arrays(self) -> dict[str, list[np.ndarray]]:
        """The same as float32 arrays on the CPU; they are views if the weights are already float32 on the CPU."""
        places = {place.address: place for place in self.places.values()}

        def array(blob: Tensor) -> np.ndarray:
            blob = blob.to("cpu", torch.float32)
            place = places.get(blob.data_ptr())
            found: np.ndarray = place.array(blob.shape) if place and blob.is_contiguous() else blob.numpy()
            return found

        return {name: list(map(array, blobs)) for name, blobs in self.blobs().items()}

    def rebuilt(self, definition: NetParameter, blobs: Blobs, *, mapped: bool = False) -> CaffeNet:
        """A net of another definition and other weights that is otherwise like this one.

        It has the same source, preprocessing, remarks and unused layers, and its weights have the same type and device.
        Layers and weights of the same names keep their training state.

        Args:
            definition, blobs, mapped: as for a new net.
        """
        result = CaffeNet(definition, blobs, preprocessing=self.preprocessing, source=self.source, mapped=mapped)
        result.unused, result.remarks = list(self.unused), list(self.remarks)
        like = next(self.parameters(), None)
        if like is not None:
            result.to(like.device, like.dtype)
        result.train(self.training)
        modules = {step.name: self.get_submodule(step.module) for step in self.steps}
        for step in result.steps:
            if step.name in modules:
                result.get_submodule(step.module).train(modules[step.name].training)
        parameters = dict(self.named_parameters())
        for name, parameter in result.named_parameters():
            if name in parameters:
                parameter.requires_grad_(parameters[name].requires_grad)
        return result

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        # Moving or casting the net makes new tensors, as do loading with assign=True and copying.
        held = held_ties(self, self.ties)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        tie(self, held)
        return self

    def load_state_dict(self, *args: Any, **settings: Any) -> Any:
        held = held_ties(self, self.ties)
        result = super().load_state_dict(*args, **settings)
        tie(self, held)
        return result

    def __getstate__(self) -> dict[str, Any]:
        # A copy has weights of its own. Classes of messages are made at run time, where pickle does not find them.
        return {**self.__dict__, "places": {}, "_definition": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        tie(self, held_ties(self, self.ties))

    def _feed(self, inputs: Sequence[Tensor], named: dict[str, Tensor]) -> dict[str, Tensor]:
        if len(inputs) > len(self.inputs):
            raise InputError(f"the net has {len(self.inputs)} inputs, {len(inputs)} were given")
        blobs = dict(zip(self.inputs, inputs, strict=False))
        for name, value in named.items():
            if name in blobs or name not in self.inputs:
                problem = "is given twice" if name in blobs else "is not an input of the net"
                raise InputError(f"{name!r} {problem}; the inputs are {', '.join(map(repr, self.inputs))}")
            blobs[name] = value
        for name, value in blobs.items():
            if not isinstance(value, Tensor):
                raise InputError(f"input {name!r} is a {type(value).__name__}; give a tensor")
            if value.dim() == 3 and len(self.shapes[name]) == 4:
                shape = tuple(value.shape)
                raise InputError(f"input {name!r} has shape {shape}, without an axis for the batch; give {(1, *shape)}")
        lacking = [name for name in self.inputs if name not in blobs]
        if lacking:
            raise InputError(f"missing input{'s' * (len(lacking) > 1)} {', '.join(map(repr, lacking))}")
        return blobs

    def _run(self, step: Step, blobs: dict[str, Tensor]) -> None:
        bottoms = [blobs[name] for name in step.bottoms]
        module: Any = self.get_submodule(step.module)
        if shared := views(self, self.ties, step.module):
            module = partial(call_with, module, shared)
        try:
            tops = tuple(map(module, bottoms)) if step.per_bottom else module(*bottoms)
        except (RuntimeError, IndexError, ValueError) as error:
            sizes = ", ".join(f"{name!r} {tuple(b.shape)}" for name, b in zip(step.bottoms, bottoms, strict=True))
            if _is_out_of_memory(error):
                problem = f"layer {step.name!r} ({step.kind}) needs more memory than is available for {sizes}"
                raise InputError(f"{problem}; run it on smaller inputs") from None
            problem = str(error).split("\n")[0].rstrip(".")
            raise InputError(f"layer {step.name!r} ({step.kind}) cannot work with {sizes}: {problem}") from error
        if isinstance(tops, Tensor):
            tops = (tops,)
        blobs.update(zip(step.tops, tops, strict=True))


def _is_out_of_memory(error: Exception) -> bool:
    # On the CPU, torch has no error class for it.
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
