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
