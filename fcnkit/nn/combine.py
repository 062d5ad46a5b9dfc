"""Modules that take blobs apart and put them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def require_equal_shapes(bottoms: Sequence[Tensor]) -> None:
    """Caffe never broadcasts: bottoms that must agree do so in every axis."""
    for bottom in bottoms[1:]:
        if bottom.shape != bottoms[0].shape:
            raise RuntimeError("the bottoms must have equal shapes")


class Concat(nn.Module):
    """Join bottoms along one axis.

    Source: BVLC/caffe src/caffe/layers/concat_layer.cpp.
    """

    def __init__(self, axis: int = 1):
        super().__init__()
        self.axis = axis

    def forward(self, *bottoms: Tensor) -> Tensor:
        return torch.cat(bottoms, self.axis)

    def extra_repr(self) -> str:
        return f"axis={self.axis}"


class Crop(nn.Module):
    """Cut from the first bottom, from an axis on, a window of the second one's size.

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
        coeff: for SUM a factor for each bottom, or none.

    Source: BVLC/caffe src/caffe/layers/eltwise_layer.cpp.
    """

    def __init__(self, operation: str = "SUM", coeff: Sequence[float] = ()):
        super().__init__()
        self.operation, self.coeff = operation, tuple(coeff)

    def forward(self, *bottoms: Tensor) -> Tensor:
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


class Split(nn.Module):
    """Give one blob several names."""

    def __init__(self, tops: int):
        super().__init__()
        self.tops = tops

    def forward(self, bottom: Tensor) -> tuple[Tensor, ...]:
        return (bottom,) * self.tops


class Silence(nn.Module):
    """Read blobs, so that they are no outputs of the net, and do nothing."""

    def forward(self, *bottoms: Tensor) -> tuple[Tensor, ...]:
        return ()
