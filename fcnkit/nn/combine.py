"""Modules that split, join and select blobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def require_equal_shapes(bottoms: Sequence[Tensor]) -> None:
    """Refuse bottoms of different shapes: Caffe does not broadcast them."""
    for bottom in bottoms[1:]:
        if bottom.shape != bottoms[0].shape:
            raise RuntimeError("the bottoms must have equal shapes")


class BatchReindex(nn.Module):
    """Select items along axis 0 by the indices in a second bottom, in any order and with repetition.

    Source: BVLC/caffe src/caffe/layers/batch_reindex_layer.cpp.
    """

    def forward(self, bottom: Tensor, index: Tensor) -> Tensor:
        if index.dim() != 1:
            raise RuntimeError("the indices must have 1 axis")
        return bottom.index_select(0, index.long())


class Concat(nn.Module):
    """Join bottoms along one axis.

    Source: BVLC/caffe src/caffe/layers/concat_layer.cpp.
    """

    def __init__(self, axis: int = 1):
        super().__init__()
        self.axis = axis

    def forward(self, *bottoms: Tensor) -> Tensor:
        return torch.cat(of_equal_axes(bottoms), self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


def of_equal_axes(bottoms: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Blobs with axes of length 1 at the end, up to the number of axes of the blob that has most.

    Until 2015 each blob had four axes, and nets of that time join those of an InnerProduct with those of a Pooling.

    Source: BVLC/caffe at v0.9999 src/caffe/layers/inner_product_layer.cpp, Reshape; pull request 1970 since.
    """
    most = max(bottom.dim() for bottom in bottoms)
    missing = [most - bottom.dim() for bottom in bottoms]
    return tuple(
        bottom.reshape(bottom.shape + (1,) * axes) if axes else bottom
        for bottom, axes in zip(bottoms, missing, strict=True)
    )


class Crop(nn.Module):
    """Cut a window of the second bottom's size from the first bottom, along all axes from one on.

    The window is not centred: it starts at the offset.

    Args:
        axis: first axis that is cropped.
        offsets: one for all cropped axes, or one for each; in elements.

    Source: BVLC/caffe src/caffe/layers/crop_layer.cpp.
    """

    def __init__(self, axis: int = 2, offsets: Sequence[int] = (0,)):
        super().__init__()
        self.axis, self.offsets = axis, tuple(offsets)

    def forward(self, bottom: Tensor, reference: Tensor) -> Tensor:
        start = self.axis % bottom.dim()
        for axis in range(start, bottom.dim()):
            offset = self.offsets[axis - start if len(self.offsets) > 1 else 0]
            # narrow, unlike a slice, refuses a window that leaves the blob.
            bottom = bottom.narrow(axis, offset, reference.shape[axis])
        return bottom

    def extra_repr(self) -> str:
        return f"axis={self.axis}, offsets={self.offsets}"


_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "SUM": torch.add,
    "PROD": torch.mul,
    "MAX": torch.maximum,
}


class Eltwise(nn.Module):
    """Combine bottoms of equal shape element by element.

    Args:
        operation: "SUM", "PROD" or "MAX".
        coeff: for SUM a factor for each bottom; empty for no factors.

    Source: BVLC/caffe src/caffe/layers/eltwise_layer.cpp.
    """

    def __init__(self, operation: str = "SUM", coeff: Sequence[float] = ()):
        super().__init__()
        self.operation, self.coeff = operation, tuple(coeff)

    def forward(self, *bottoms: Tensor) -> Tensor:
        bottoms = of_equal_axes(bottoms)
        require_equal_shapes(bottoms)
        if self.coeff:
            bottoms = tuple(bottom * factor for bottom, factor in zip(bottoms, self.coeff, strict=True))
        combine = _COMBINE[self.operation]
        result = bottoms[0]
        for bottom in bottoms[1:]:
            result = combine(result, bottom)
        return result

    def extra_repr(self) -> str:
        return f"{self.operation}" + (f", coeff={self.coeff}" if self.coeff else "")


class WeightedSum(nn.Module):
    """The sum of bottoms of equal shape, times factors (bottoms, ...) in the last one for parts of their first axes.

    Args:
        coeff: a further factor for each bottom; empty for none.

    Source: LisaAnne/lisa-caffe-public src/caffe/layers/eltwise_layer.cpp.
    """

    def __init__(self, coeff: Sequence[float] = ()):
        super().__init__()
        self.coeff = tuple(coeff)

    def forward(self, *bottoms: Tensor) -> Tensor:
        *blobs, factors = bottoms
        require_equal_shapes(blobs)
        shape = blobs[0].shape
        if factors.shape != (len(blobs), *shape[: factors.dim() - 1]):
            raise RuntimeError(f"the factors must have the shape of the first axes behind {len(blobs)}, one per bottom")
        factors = factors.reshape(*factors.shape, *(1,) * (len(shape) + 1 - factors.dim()))
        scaled = [blob * factor for blob, factor in zip(blobs, factors, strict=True)]
        if self.coeff:
            scaled = [blob * factor for blob, factor in zip(scaled, self.coeff, strict=True)]
        return torch.stack(scaled).sum(0)

    def extra_repr(self) -> str:
        return f"coeff={self.coeff}" if self.coeff else ""


class Filter(nn.Module):
    """Keep the items along axis 0 for which the last bottom, the selector, is not 0; one top for each other bottom.

    How many items are kept depends on the selector's values.

    Source: BVLC/caffe src/caffe/layers/filter_layer.cpp.
    """

    def forward(self, *bottoms: Tensor) -> tuple[Tensor, ...]:
        *blobs, selector = bottoms
        if any(size != 1 for size in selector.shape[1:]):
            raise RuntimeError("all axes of the selector but the first must be 1 long")
        if any(blob.shape[0] != selector.shape[0] for blob in blobs):
            raise RuntimeError("the selector needs one value for each item of the other bottoms")
        kept = selector.flatten().nonzero().squeeze(1)
        return tuple(blob.index_select(0, kept) for blob in blobs)


class Slice(nn.Module):
    """Cut a bottom along one axis.

    Args:
        tops: number of pieces.
        axis: the axis that is cut.
        points: the index at which each piece but the first begins; empty for pieces of equal size.

    Source: BVLC/caffe src/caffe/layers/slice_layer.cpp.
    """

    def __init__(self, tops: int, axis: int = 1, points: Sequence[int] = ()):
        super().__init__()
        self.tops, self.axis, self.points = tops, axis, tuple(points)

    def forward(self, bottom: Tensor) -> tuple[Tensor, ...]:
        size = bottom.shape[self.axis]
        if self.points:
            sizes = [stop - start for start, stop in pairwise((0, *self.points, size))]
            return torch.split(bottom, sizes, self.axis)
        if size % self.tops:
            raise RuntimeError(f"{size} elements along axis {self.axis} cannot be cut into {self.tops} equal pieces")
        return torch.split(bottom, size // self.tops, self.axis)

    def extra_repr(self) -> str:
        return f"{self.tops}, axis={self.axis}" + (f", points={self.points}" if self.points else "")


class Split(nn.Module):
    """Give one blob several names."""

    def __init__(self, tops: int):
        super().__init__()
        self.tops = tops

    def forward(self, bottom: Tensor) -> tuple[Tensor, ...]:
        return (bottom,) * self.tops


class Silence(nn.Module):
    """Read blobs, so that they are not outputs of the net, and do nothing."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensor, ...]:
        return ()


class ClippedConcat(nn.Module):
    """Join the first bottom, cut to the second's height and width from the first pixel on, with the second.

    Source: demonzyj56/py-faster-rcnn lib/concat_layer/layer.py, setup and forward.
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        (height, width), (rows, columns) = first.shape[2:], second.shape[2:]
        if not (0 <= height - rows <= 1 and 0 <= width - columns <= 1):
            raise RuntimeError("the first bottom must be as high and wide as the second, or a pixel more")
        return torch.cat((first[:, :, :rows, :columns], second), 1)


class MergeCrop(nn.Module):
    """Join the first bottom's channels with those of the middle of the second bottom, or add the two.

    Source: naibaf7/caffe src/caffe/layers/mergecrop_layer.cu.
    """

    def __init__(self, add: bool = False):
        super().__init__()
        self.add = add

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        for axis in range(2, first.dim()):
            spare = second.shape[axis] - first.shape[axis]
            if spare < 0:
                raise RuntimeError("the second bottom must be as large as the first")
            second = second.narrow(axis, spare // 2, first.shape[axis])
        return first + second if self.add else torch.cat((first, second), 1)

    def extra_repr(self) -> str:
        return f"add={self.add}"


class Arithmetic(nn.Module):
    """A function of two bottoms that are broadcast to one shape, or of a bottom and a weight.

    Args:
        function: the name of one of torch's functions, such as "add".
        shape: of the weight; None for a second bottom.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/mul_layer.cpp.
    """

    def __init__(self, function: str, shape: Sequence[int] | None = None):
        super().__init__()
        self.function = function
        self.weight = None if shape is None else nn.Parameter(torch.zeros(tuple(shape)))

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        other = self.weight if second is None else second
        assert other is not None
        result: Tensor = getattr(torch, self.function)(first, other)
        return result

    def extra_repr(self) -> str:
        return self.function


class MatMul(nn.Module):
    """The products of matrices in the last two axes; a second factor of two axes multiplies all of them.

    Args:
        transposed: whether the first and the second factor are transposed.
        shape: of a weight as the second factor; None for a second bottom.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/matmul_layer.cpp.
    """

    def __init__(self, transposed: tuple[bool, bool] = (False, False), shape: Sequence[int] | None = None):
        super().__init__()
        self.transposed = transposed
        self.weight = None if shape is None else nn.Parameter(torch.zeros(tuple(shape)))

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        other = self.weight if second is None else second
        assert other is not None
        same = first.dim() == other.dim()
        if first.dim() < other.dim() or (same and first.shape[:-2] != other.shape[:-2]):
            raise RuntimeError("both factors need the same axes before the last two")
        if same:
            # Where the second has fewer axes, the fork transposes neither.
            first = first.mT if self.transposed[0] else first
            other = other.mT if self.transposed[1] else other
        return torch.matmul(first, other)

    def extra_repr(self) -> str:
        return f"transposed={self.transposed}"
