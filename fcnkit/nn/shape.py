"""Modules that change the shape of a blob."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Im2col(nn.Module):
    """Put the elements that a window covers along the channel axis, for every position of the window.

    The top has channels * window elements along that axis, channel by channel, followed by an axis for each spatial
    axis of the window. nn.Unfold does the same for two spatial axes, and flattens the positions into one axis.

    Args:
        kernel, stride, pad, dilation: per spatial axis, in elements.
        axis: the channel axis; all axes after it are spatial.

    Source: BVLC/caffe src/caffe/layers/im2col_layer.cpp.
    """

    def __init__(
        self, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int], dilation: Sequence[int], axis: int = 1
    ):
        super().__init__()
        self.kernel, self.stride, self.pad, self.dilation = tuple(kernel), tuple(stride), tuple(pad), tuple(dilation)
        self.axis = axis

    def forward(self, bottom: Tensor) -> Tensor:
        first = bottom.dim() - len(self.kernel)
        result = F.pad(bottom, [pad for pad in reversed(self.pad) for _ in (0, 1)])
        for axis, (kernel, stride, dilation) in enumerate(zip(self.kernel, self.stride, self.dilation, strict=True)):
            # Every unfold appends the window's elements along that axis as the last axis.
            result = result.unfold(first + axis, dilation * (kernel - 1) + 1, stride)[..., ::dilation]
        places = range(first, bottom.dim())
        window = range(bottom.dim(), result.dim())
        result = result.permute(*range(first), *window, *places)
        return result.flatten(first - 1, first - 1 + len(self.kernel))

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}, stride={self.stride}, pad={self.pad}, dilation={self.dilation}, axis={self.axis}"


class Permute(nn.Module):
    """Reorder the axes: axis i of the top is axis order[i] of the bottom.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/permute_layer.cpp.
    """

    def __init__(self, order: Sequence[int]):
        super().__init__()
        self.order = tuple(order)

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.permute(self.order)

    def extra_repr(self) -> str:
        return f"{self.order}"


class Reshape(nn.Module):
    """Replace some axes of a bottom by others with the same number of elements.

    Args:
        sizes: sizes of the new axes. 0 copies the bottom's size at that position, -1 (once) is inferred.
        axis: first axis that is replaced; a negative one counts from the end, where -1 is after the last axis.
        num_axes: number of axes that are replaced; -1 for all that follow.

    Source: BVLC/caffe src/caffe/layers/reshape_layer.cpp.
    """

    def __init__(self, sizes: Sequence[int], axis: int = 0, num_axes: int = -1):
        super().__init__()
        self.sizes, self.axis, self.num_axes = tuple(sizes), axis, num_axes

    def forward(self, bottom: Tensor) -> Tensor:
        start = self.axis if self.axis >= 0 else bottom.dim() + 1 + self.axis
        stop = bottom.dim() if self.num_axes == -1 else start + self.num_axes
        if not 0 <= start <= stop <= bottom.dim():
            raise RuntimeError(f"axis {self.axis} and num_axes {self.num_axes} leave the bottom's {bottom.dim()} axes")
        sizes = list(self.sizes)
        for i, size in enumerate(sizes):
            if size == 0:
                if start + i >= bottom.dim():
                    raise RuntimeError(f"the bottom has no axis {start + i} that size 0 could copy")
                sizes[i] = bottom.shape[start + i]
        # From the replaced axes alone, so that -1 can be inferred for an empty batch as well.
        count = math.prod(bottom.shape[start:stop])
        if -1 in sizes:
            known = -math.prod(sizes)
            sizes[sizes.index(-1)] = count // known
        if math.prod(sizes) != count:
            raise RuntimeError(f"the shape {self.sizes} does not fit {count} elements")
        return bottom.reshape((*bottom.shape[:start], *sizes, *bottom.shape[stop:]))

    def extra_repr(self) -> str:
        return f"{self.sizes}, axis={self.axis}, num_axes={self.num_axes}"


class Tile(nn.Module):
    """Repeat a bottom along one axis.

    Source: BVLC/caffe src/caffe/layers/tile_layer.cpp.
    """

    def __init__(self, tiles: int, axis: int = 1):
        super().__init__()
        self.tiles, self.axis = tiles, axis

    def forward(self, bottom: Tensor) -> Tensor:
        repeats = [1] * bottom.dim()
        repeats[self.axis] = self.tiles
        return bottom.repeat(repeats)

    def extra_repr(self) -> str:
        return f"{self.tiles}, axis={self.axis}"


class Reorg(nn.Module):
    """Trade height and width for channels in Darknet's order, whose channels are not those of nn.PixelUnshuffle.

    The bottom is read as if it had stride**2 times fewer channels and larger planes. The squares of stride x stride
    pixels of these become channels, and the result is read as the top, of stride**2 times more channels than the
    bottom and smaller planes.

    Args:
        stride: the factor, of which height and width are multiples, and its square a factor of the channels.
        reverse: make planes larger instead: the channels become squares of stride x stride pixels.

    Source: eric612/MobileNet-YOLO include/caffe/layers/reorg_layer.hpp, reorg_cpu.
    """

    def __init__(self, stride: int, reverse: bool = False):
        super().__init__()
        self.stride, self.reverse = stride, reverse

    def forward(self, bottom: Tensor) -> Tensor:
        step = self.stride
        images, channels, height, width = bottom.shape
        less = channels // step**2
        if channels % step**2 or (not self.reverse and (height % step or width % step)):
            raise RuntimeError(f"stride {step} must divide height and width, and its square the channels")
        if self.reverse:
            parts = bottom.reshape(images, step, step, less, height, width).permute(0, 3, 4, 1, 5, 2)
            return parts.reshape(images, less, height * step, width * step)
        parts = bottom.reshape(images, less, height, step, width, step).permute(0, 3, 5, 1, 2, 4)
        return parts.reshape(images, channels * step**2, height // step, width // step)

    def extra_repr(self) -> str:
        return f"{self.stride}, reverse={self.reverse}"


class Squeeze(nn.Module):
    """Remove axes of length 1: those given, or all.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/squeeze_layer.cpp.
    """

    def __init__(self, axes: Sequence[int] = ()):
        super().__init__()
        self.axes = tuple(axes)

    def forward(self, bottom: Tensor) -> Tensor:
        axes = [axis % bottom.dim() for axis in self.axes] or [i for i, size in enumerate(bottom.shape) if size == 1]
        if any(bottom.shape[axis] != 1 for axis in axes):
            raise RuntimeError("only axes of length 1 can be removed")
        return bottom.reshape([size for axis, size in enumerate(bottom.shape) if axis not in axes])

    def extra_repr(self) -> str:
        return f"{self.axes}"


class ExpandDims(nn.Module):
    """Insert axes of length 1 before these axes of the bottom.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/expand_dims_nd_layer.cpp.
    """

    def __init__(self, axes: Sequence[int]):
        super().__init__()
        self.axes = tuple(axes)

    def forward(self, bottom: Tensor) -> Tensor:
        shape = list(bottom.shape)
        for place, axis in enumerate(self.axes):
            shape.insert((axis if axis >= 0 else axis + bottom.dim() + 1) + place, 1)
        return bottom.reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.axes}"


class Pad(nn.Module):
    """Put a value around the bottom, or cut off a border where a width is negative.

    Args:
        widths: (before, behind) of each axis from the last to the first, as nn.functional.pad takes them.
        value: the number to put there.
    """

    def __init__(self, widths: Sequence[int], value: float = 0.0):
        super().__init__()
        self.widths, self.value = tuple(widths), value

    def forward(self, bottom: Tensor) -> Tensor:
        return F.pad(bottom, self.widths, value=self.value)

    def extra_repr(self) -> str:
        return f"{self.widths}, {self.value}"


class Flip(nn.Module):
    """Reverse the order along some axes."""

    def __init__(self, axes: Sequence[int]):
        super().__init__()
        self.axes = tuple(axes)

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.flip(self.axes)

    def extra_repr(self) -> str:
        return f"{self.axes}"


class Blocks(nn.Module):
    """Trade squares of pixels for channels, or with `up` channels for squares, whose pixels come row by row.

    Args:
        size: the side of the squares.
        up: make the plane larger.
        outer: whether the pixel of the square comes before the channel in the order of the larger number of channels.
        last: whether the channels are the last axis.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/depth_to_space_layer.cpp.
    """

    def __init__(self, size: int, up: bool, outer: bool, last: bool):
        super().__init__()
        self.size, self.up, self.outer, self.last = size, up, outer, last

    def forward(self, bottom: Tensor) -> Tensor:
        if self.last:
            bottom = bottom.movedim(3, 1)
        batch, channels, height, width = bottom.shape
        size = self.size
        if (channels % size**2) if self.up else (height % size or width % size):
            raise RuntimeError(f"block_size {size} must divide height and width, and its square the channels")
        if self.up:
            channels //= size**2
            order = (size, size, channels) if self.outer else (channels, size, size)
            parts = bottom.reshape(batch, *order, height, width)
            row, column, channel = (1, 2, 3) if self.outer else (2, 3, 1)
            top = parts.permute(0, channel, 4, row, 5, column).reshape(batch, channels, height * size, width * size)
        else:
            height, width = height // size, width // size
            parts = bottom.reshape(batch, channels, height, size, width, size)
            axes = (0, 3, 5, 1, 2, 4) if self.outer else (0, 1, 3, 5, 2, 4)
            top = parts.permute(axes).reshape(batch, channels * size**2, height, width)
        return top.movedim(1, 3) if self.last else top

    def extra_repr(self) -> str:
        return f"{self.size}, up={self.up}, outer={self.outer}, last={self.last}"


class SpaceToBatch(nn.Module):
    """Trade blocks of the axes after the batch for items of the batch, or with `up` items for blocks.

    Args:
        block: the size of a block along axis 1, 2, ...
        edges: (before, behind) for each of these axes: zeros added first or, with `up`, cut off last.
        up: make the axes longer and the batch smaller.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/space_to_batch_nd_layer.cpp.
    """

    def __init__(self, block: Sequence[int], edges: Sequence[int], up: bool):
        super().__init__()
        self.block, self.edges, self.up = tuple(block), tuple(edges), up

    def forward(self, bottom: Tensor) -> Tensor:
        axes, block = len(self.block), self.block
        rest = bottom.shape[1 + axes :]
        # nn.functional.pad takes the widths from the last axis to the first.
        pairs = [self.edges[i : i + 2] for i in range(0, 2 * axes, 2)]
        widths = [width for pair in [*[(0, 0)] * len(rest), *pairs[::-1]] for width in pair]
        count = math.prod(block)
        if self.up:
            if bottom.shape[0] % count:
                raise RuntimeError(f"the batch must be a multiple of {count}")
            inner = bottom.shape[1 : 1 + axes]
            parts = bottom.reshape(*block, -1 if bottom.shape[0] else 0, *inner, *rest)
            order = [axes, *(i for axis in range(axes) for i in (axes + 1 + axis, axis))]
            parts = parts.permute(*order, *range(2 * axes + 1, parts.dim()))
            whole = parts.reshape(parts.shape[0], *(a * b for a, b in zip(inner, block, strict=True)), *rest)
            return F.pad(whole, [-width for width in widths])
        padded = F.pad(bottom, widths)
        if any(size % b for size, b in zip(padded.shape[1:], block, strict=False)):
            raise RuntimeError("block_shape must divide the padded axes")
        split = [side for size, b in zip(padded.shape[1:], block, strict=False) for side in (size // b, b)]
        parts = padded.reshape(padded.shape[0], *split, *rest)
        order = [*range(2, 2 * axes + 1, 2), 0, *range(1, 2 * axes, 2)]
        parts = parts.permute(*order, *range(2 * axes + 1, parts.dim()))
        return parts.reshape(count * padded.shape[0], *split[::2], *rest)

    def extra_repr(self) -> str:
        return f"{self.block}, {self.edges}, up={self.up}"
