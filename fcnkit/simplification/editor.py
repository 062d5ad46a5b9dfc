"""A net's layers and the blobs they read from each other, for rewrites that remove layers."""

from __future__ import annotations

import copy

from torch import nn

from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.net import CaffeNet
from fcnkit.types import is_input


class NetEditor:
    """A copy of a net's definition, with its weights, that rewrites change.

    Attributes:
        layers: LayerParameters in order, inputs included.
        blobs: the weights by layer name; those of the net until a rewrite replaces them.
    """

    def __init__(self, net: CaffeNet):
        self._definition = copy.deepcopy(net.definition())
        self._outputs = set(net.outputs)
        self.layers: list[LayerParameter] = list(self._definition.layer)
        self.blobs = net.arrays()
        running = (layer for layer in self.layers if not is_input(layer))
        # By identity: layers without weights may have the same name.
        self._modules = {
            id(layer): net.get_submodule(step.module) for layer, step in zip(running, net.steps, strict=True)
        }

    def definition(self) -> NetParameter:
        """The current definition of the net."""
        result = NetParameter()
        result.CopyFrom(self._definition)
        del result.layer[:]
        result.layer.extend(self.layers)
        return result

    def module(self, layer: LayerParameter) -> nn.Module | None:
        """The net's module of a layer; None for an input."""
        return self._modules.get(id(layer))

    def is_shared(self, layer: LayerParameter) -> bool:
        """Whether other layers may share the layer's weights."""
        return any(spec.name for spec in layer.param)

    def producer(self, layer: LayerParameter) -> LayerParameter | None:
        """The layer that makes a layer's first bottom; None for an input."""
        index = self._index(layer)
        makers = [other for other in self.layers[:index] if layer.bottom and layer.bottom[0] in other.top]
        return makers[-1] if makers and makers[-1].type != "Input" else None

    def only_reader(self, layer: LayerParameter) -> LayerParameter | None:
        """The one layer that reads a layer's one top; None if there are several or the top is an output."""
        if len(layer.top) != 1:
            return None
        readers, stays = self._readers(self._index(layer), layer.top[0])
        return self.layers[readers[0]] if len(readers) == 1 and not stays else None

    def bypass(self, layer: LayerParameter) -> bool:
        """Remove a layer: readers of its tops read its bottom instead. Returns whether that was possible."""
        index, source = self._index(layer), layer.bottom[0]
        remade = next((i for i in range(index + 1, len(self.layers)) if source in self.layers[i].top), len(self.layers))
        renamed = []
        for top in set(layer.top) - {source}:
            readers, stays = self._readers(index, top)
            if stays:
                return len(layer.top) == 1 and self._make_instead(layer)
            if any(reader > remade for reader in readers):
                return False
            renamed += [(reader, top) for reader in readers]
        for reader, top in renamed:
            bottoms = self.layers[reader].bottom
            bottoms[:] = [source if bottom == top else bottom for bottom in bottoms]
        del self.layers[index]
        return True

    def _make_instead(self, layer: LayerParameter) -> bool:
        """Let the layer before make the top of a removed layer; the top is an output and keeps its name."""
        before = self.producer(layer)
        if before is None or self.only_reader(before) is not layer:
            return False
        before.top[0] = layer.top[0]
        del self.layers[self._index(layer)]
        return True

    def _index(self, layer: LayerParameter) -> int:
        return next(index for index, other in enumerate(self.layers) if other is layer)

    def _readers(self, index: int, top: str) -> tuple[list[int], bool]:
        """The layers that read a layer's top, until another makes a blob of that name; and whether it is an output."""
        readers = []
        for position in range(index + 1, len(self.layers)):
            if top in self.layers[position].bottom:
                readers.append(position)
            if top in self.layers[position].top:
                return readers, False
        return readers, top in self._outputs
