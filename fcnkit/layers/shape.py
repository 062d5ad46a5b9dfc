"""Layers that change the shape of a blob or rearrange its values."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, canonical_axis, rule
from fcnkit.nn import shape
from fcnkit.types import shape as types
from fcnkit.types.windows import convolution_window


@rule(types.FLATTEN)
class Flatten(Layer):
    """Merges the axes from axis to end_axis into one: by default all axes after the batch."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.flatten_param
        first, last = (canonical_axis(layer, axis, bottoms[0]) for axis in (p.axis, p.end_axis))
        if first > last:
            raise DefinitionError(f"layer {layer.name!r}: axis {first} comes after end_axis {last}")
        return nn.Flatten(first, last)

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.flatten_param.axis > 0)


@rule(types.IM2COL)
class Im2col(Layer):
    """Puts the values that a convolution's window covers along the channel axis, for each window position."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        axis = canonical_axis(layer, layer.convolution_param.axis, bottoms[0])
        axes = len(bottoms[0]) - axis - 1
        if not axes:
            raise DefinitionError(f"layer {layer.name!r}: no axis follows axis {axis} of the bottom {bottoms[0]}")
        return shape.Im2col(*convolution_window(layer, axes), axis)

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.convolution_param.axis > 0)


@rule(types.PERMUTE)
class Permute(Layer):
    """Reorders the axes; those that order does not name follow in their own order.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/permute_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        order, axes = list(layer.permute_param.order), range(len(bottoms[0]))
        if len(set(order)) != len(order) or not set(order) <= set(axes):
            raise DefinitionError(f"layer {layer.name!r}: order {order} must name axes 0 to {axes[-1]}, each once")
        return shape.Permute([*order, *(axis for axis in axes if axis not in order)])

    def batchwise(self, layer: LayerParameter) -> bool:
        return list(layer.permute_param.order[:1]) in ([], [0])


@rule(types.REORG)
class Reorg(Elementwise):
    """Trades height and width for channels in Darknet's order.

    Source: eric612/MobileNet-YOLO src/caffe/layers/reorg_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.reorg_param
        if not p.stride:
            raise DefinitionError(f"layer {layer.name!r}: stride must be given, and positive")
        return shape.Reorg(p.stride, p.reverse)


@rule(types.DARKNET_REORG)
class DarknetReorg(Elementwise):
    """The same with a stride of 2."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return shape.Reorg(2)


@rule(types.RESHAPE)
class Reshape(Layer):
    """Replaces num_axes axes from axis on; in the new shape 0 copies a size and -1 is inferred."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.reshape_param
        sizes, axis, num_axes = list(p.shape.dim), p.axis, p.num_axes
        if min(sizes, default=0) < -1 or sizes.count(-1) > 1 or p.num_axes < -1:
            raise DefinitionError(
                f"layer {layer.name!r}: a shape has sizes from 1 up, 0, and -1 once; num_axes is at least -1;"
                f" given are shape {sizes} and num_axes {p.num_axes}"
            )
        if self._keeps_batch(layer):
            # The same reshape, without the batch axis.
            sizes, axis, num_axes = sizes[1:], 1, max(num_axes - 1, -1)
        return shape.Reshape(sizes, axis, num_axes)

    def batchwise(self, layer: LayerParameter) -> bool:
        return layer.reshape_param.axis > 0 or self._keeps_batch(layer)

    @staticmethod
    def _keeps_batch(layer: LayerParameter) -> bool:
        p = layer.reshape_param
        return p.axis == 0 and p.num_axes != 0 and p.shape.dim[:1] == [0]


@rule(types.SHUFFLE_CHANNEL)
class ShuffleChannel(Layer):
    """Interleaves the groups of channels: the first channel of each group, then the second of each.

    Source: farmingyard/ShuffleNet shuffle_channel_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        group, channels = layer.shuffle_channel_param.group, bottoms[0][1]
        if not group or channels % group:
            raise DefinitionError(f"layer {layer.name!r}: group {group} must divide {channels} channels")
        return nn.ChannelShuffle(group)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.TILE)
class Tile(Layer):
    """Repeats its bottom along an axis."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.tile_param
        if p.tiles < 1:
            raise DefinitionError(f"layer {layer.name!r}: tiles {p.tiles} must be positive")
        return shape.Tile(p.tiles, canonical_axis(layer, p.axis, bottoms[0]))

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.tile_param.axis > 0)
