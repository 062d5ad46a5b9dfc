"""Layers that give a blob another shape."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.geometry.windows import convolution_window
from fcnkit.layers.base import Layer, Shape, canonical_axis, layer
from fcnkit.nn import shape


@layer("Flatten")
class Flatten(Layer):
    """Makes one axis of those from axis to end_axis: of all behind the batch by default."""

    moves = True
    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.flatten_param
        first, last = (canonical_axis(layer, axis, bottoms[0]) for axis in (p.axis, p.end_axis))
        if first > last:
            raise DefinitionError(f"layer {layer.name!r}: axis {first} comes after end_axis {last}")
        return nn.Flatten(first, last)

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.flatten_param.axis > 0)


@layer("Im2col")
class Im2col(Layer):
    """Puts what a convolution's window covers at each place along the channel axis."""

    moves = True
    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        axis = canonical_axis(layer, layer.convolution_param.axis, bottoms[0])
        axes = len(bottoms[0]) - axis - 1
        if not axes:
            raise DefinitionError(f"layer {layer.name!r}: no axis follows axis {axis} of the bottom {bottoms[0]}")
        return shape.Im2col(*convolution_window(layer, axes), axis)

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.convolution_param.axis > 0)


@layer("Reshape")
class Reshape(Layer):
    """Replaces num_axes axes from axis on; in the new shape 0 copies a size and -1 takes what is left."""

    moves = True
    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.reshape_param
        sizes, axis, num_axes = list(p.shape.dim), p.axis, p.num_axes
        if min(sizes, default=0) < -1 or sizes.count(-1) > 1 or p.num_axes < -1:
            raise DefinitionError(
                f"layer {layer.name!r}: a shape has sizes from 1 up, 0, and -1 once; num_axes is at least -1;"
                f" here are shape {sizes} and num_axes {p.num_axes}"
            )
        if self._keeps_batch(layer):
            # The same from the axis behind it on.
            sizes, axis, num_axes = sizes[1:], 1, max(num_axes - 1, -1)
        return shape.Reshape(sizes, axis, num_axes)

    def batchwise(self, layer: Message) -> bool:
        return layer.reshape_param.axis > 0 or self._keeps_batch(layer)

    @staticmethod
    def _keeps_batch(layer: Message) -> bool:
        p = layer.reshape_param
        return p.axis == 0 and p.num_axes != 0 and p.shape.dim[:1] == [0]


@layer("Tile")
class Tile(Layer):
    """Repeats its bottom along an axis."""

    moves = True
    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.tile_param
        if p.tiles < 1:
            raise DefinitionError(f"layer {layer.name!r}: tiles {p.tiles} must be positive")
        return shape.Tile(p.tiles, canonical_axis(layer, p.axis, bottoms[0]))

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.tile_param.axis > 0)
