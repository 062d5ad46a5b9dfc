"""Layers that change the shape of a blob or rearrange its values."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.caffe.param_str import settings_of
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

    Source: eric612/MobileNet-YOLO src/caffe/layers/reorg_layer.cpp, LayerSetUp; choasup/caffe-yolo9000
    src/caffe/proto/caffe.proto, ReorgParameter, for the default stride, which other forks lack.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.reorg_param
        if not p.stride:
            raise DefinitionError(f"layer {layer.name!r}: stride must be positive")
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
        if p.pixelshuffler > 1:
            # foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/reshape_layer.cpp, Forward_cpu
            return nn.PixelShuffle(p.pixelshuffler)
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


@rule(types.PERIODIC_SHUFFLE)
class PeriodicShuffle(Elementwise):
    """Spreads groups of num_output channels over squares of pixels, row by row.

    Source: Wangyupei/CED src/caffe/layers/periodic_shuffle_layer.cpp, Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.periodic_shuffle_param
        square = p.group_size**2
        if not square or len(bottoms[0]) != 4 or bottoms[0][1] != p.num_output * square:
            raise DefinitionError(
                f"layer {layer.name!r}: the bottom needs num_output {p.num_output} * group_size {p.group_size} squared"
                f" channels, not {bottoms[0]}"
            )
        return nn.Sequential(nn.ChannelShuffle(square), nn.PixelShuffle(p.group_size))


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


@rule(types.TILING)
class Tiling(Elementwise):
    """Trades channels for squares of tile_dim x tile_dim pixels.

    Source: SeokjuLee/VPGNet caffe/src/caffe/layers/tiling_layer.cpp, Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        side, channels = layer.tiling_param.tile_dim, bottoms[0][1]
        if side < 1 or channels % side**2:
            raise DefinitionError(
                f"layer {layer.name!r}: the square of tile_dim {side} must divide {channels} channels"
            )
        return nn.PixelShuffle(side)


@rule(types.BY_ANCHOR)
class ByAnchor(Layer):
    """The values of each anchor at each place as a row, place by place.

    Source: demonzyj56/py-faster-rcnn lib/misc/transpose_layer.py, forward.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        anchors, channels = settings_of(layer).get("num_anchors"), bottoms[0][1]
        if not isinstance(anchors, int) or anchors < 1 or channels % anchors:
            raise DefinitionError(f"layer {layer.name!r}: num_anchors {anchors} must divide {channels} channels")
        return nn.Sequential(shape.Permute((0, 2, 3, 1)), shape.Reshape((-1, channels // anchors)))


@rule(types.SQUEEZE)
class Squeeze(Layer):
    """Removes axes of length 1."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return shape.Squeeze(layer.squeeze_param.axis)


@rule(types.EXPAND_DIMS)
class ExpandDimsND(Layer):
    """Inserts axes of length 1."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return shape.ExpandDims(layer.expand_dims_nd_param.axis)


@rule(types.PAD)
class Pad(Layer):
    """Puts a value around its bottom, in widths given for each axis."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, axes = layer.pad_param, len(bottoms[0])
        if len(p.paddings) != 2 * axes:
            raise DefinitionError(f"layer {layer.name!r}: paddings are given {len(p.paddings)} times for {axes} axes")
        pairs = [p.paddings[2 * axis : 2 * axis + 2] for axis in reversed(range(axes))]
        return shape.Pad([width for pair in pairs for width in pair], p.constant_values)


@rule(types.PADDING)
class Padding(Elementwise):
    """Puts zeros around height and width, or cuts off a border where pad_beg and pad_end are below 0."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.padding_param
        if p.pad_beg * p.pad_end < 0:
            raise DefinitionError(f"layer {layer.name!r}: pad_beg and pad_end must have one sign")
        return shape.Pad((p.pad_beg, p.pad_end) * 2)


@rule(types.FLIP)
class Flip(Elementwise):
    """Mirrors along the width, unless flip_width is off, and along the height if flip_height is on."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.flip_param
        return shape.Flip([2] * p.flip_height + [3] * p.flip_width)


@rule(types.REVERSE)
class Reverse(Layer):
    """Reverses the order along an axis, the first by default, or along several."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return shape.Flip([canonical_axis(layer, axis, bottoms[0]) for axis in layer.reverse_param.axis or [0]])


@rule(types.TRANSPOSE)
class Transpose(Layer):
    """Reorders the axes, all of which are given."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        order, axes = list(layer.transpose_param.dim), len(bottoms[0])
        if sorted(order) != list(range(axes)):
            raise DefinitionError(f"layer {layer.name!r}: dim {order} must name axes 0 to {axes - 1}, each once")
        return shape.Permute(order)


class _Blocks(Layer):
    up: bool

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.depth_to_space_param if self.up else layer.space_to_depth_param
        if p.block_size < 1 or p.data_format not in ("NHWC", "NCHW", "DCR", "CRD"):
            raise DefinitionError(f"layer {layer.name!r}: block_size {p.block_size}, data_format {p.data_format!r}")
        return shape.Blocks(p.block_size, self.up, p.data_format != "CRD", p.data_format == "NHWC")


@rule(types.DEPTH_TO_SPACE)
class DepthToSpace(_Blocks):
    """Trades channels for squares of pixels."""

    up = True


@rule(types.SPACE_TO_DEPTH)
class SpaceToDepth(_Blocks):
    """Trades squares of pixels for channels."""

    up = False


@rule(types.SPACE_TO_BATCH)
class SpaceToBatchND(Layer):
    """Trades blocks of the axes after the batch for items."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.space_to_batch_nd_param
        return shape.SpaceToBatch(p.block_shape, _edges(layer, p.block_shape, p.paddings), up=False)


@rule(types.BATCH_TO_SPACE)
class BatchToSpaceND(Layer):
    """Trades items of the batch for blocks of the axes after it."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.batch_to_space_nd_param
        return shape.SpaceToBatch(p.block_shape, _edges(layer, p.block_shape, p.crops), up=True)


def _edges(layer: LayerParameter, block: Sequence[int], edges: Sequence[int]) -> Sequence[int]:
    if not block or min(block) < 1 or len(edges) not in (0, 2 * len(block)):
        raise DefinitionError(f"layer {layer.name!r}: block_shape has positive sizes, and two edges for each")
    return edges or [0] * (2 * len(block))
