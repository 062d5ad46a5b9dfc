"""Caffe's pooling, for cases in which PyTorch's own modules give another size or other values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.aliases import Pair
from fcnkit.types.windows import pooled_size

Sizes = Sequence[int]
# Of the top, bottom, left and right.
Sides = tuple[int, int, int, int]


def same_sides(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> Sides:
    """The pad with which windows at every stride-th pixel cover the bottom, as in TensorFlow, an odd pixel behind."""
    pads = []
    for length, span, step in zip(size, kernel, stride, strict=True):
        whole = max(span - (length % step or step), 0)
        pads += [whole // 2, whole - whole // 2]
    return pads[0], pads[1], pads[2], pads[3]


def pooled_sizes(sizes: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, ceil: bool = True) -> list[int]:
    """The number of windows along each axis.

    Raises:
        RuntimeError: without padding a last window lies beyond the bottom, where Caffe's result is undefined.
    """
    windows = []
    for size, kernel_, stride_, pad_ in zip(sizes, kernel, stride, pad, strict=True):
        count = pooled_size(size, kernel_, stride_, pad_, ceil, any(pad))
        if (count - 1) * stride_ >= size + pad_:
            raise RuntimeError("its last window lies outside of the bottom, where Caffe's result is undefined")
        windows.append(count)
    return windows


def max_pool2d(bottom: Tensor, kernel: Sizes, stride: Sizes, pad: Sizes, ceil: bool = True) -> tuple[Tensor, Tensor]:
    """The largest value in each window and its index in the bottom's plane, row by row; both in the bottom's type.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cpp, Forward_cpu.
    """
    height, width = pooled_sizes(bottom.shape[2:], kernel, stride, pad, ceil)
    padded = F.pad(bottom, (pad[1], pad[1], pad[0], pad[0]), value=-math.inf)
    values, places = F.max_pool2d(padded, tuple(kernel), tuple(stride), ceil_mode=ceil, return_indices=True)
    rows, columns = places // padded.shape[3] - pad[0], places % padded.shape[3] - pad[1]
    places = (rows * bottom.shape[3] + columns).to(bottom.dtype)
    return values[:, :, :height, :width], places[:, :, :height, :width]


def ave_pool2d(bottom: Tensor, kernel: Sizes, stride: Sizes, pad: Sizes, ceil: bool = True) -> Tensor:
    """The mean of each window, including the padding up to one pad beyond the bottom.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cpp, Forward_cpu.
    """
    height, width = pooled_sizes(bottom.shape[2:], kernel, stride, pad, ceil)
    padded = F.pad(bottom, (pad[1], pad[1], pad[0], pad[0]))
    return F.avg_pool2d(padded, tuple(kernel), tuple(stride), ceil_mode=ceil)[:, :, :height, :width]


def stochastic_pool2d(bottom: Tensor, kernel: Sizes, stride: Sizes, ceil: bool = True, random: bool = False) -> Tensor:
    """One value of each window, drawn with probability proportional to itself, or the mean under that probability.

    The bottom must not be negative; a window of zeros gives 0.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cu, StoPoolForwardTrain and StoPoolForwardTest.
    """
    windows = pooled_sizes(bottom.shape[2:], kernel, stride, (0, 0), ceil)
    lacking = [
        max((count - 1) * stride_ + kernel_ - size, 0)
        for count, stride_, kernel_, size in zip(windows, stride, kernel, bottom.shape[2:], strict=True)
    ]
    padded = F.pad(bottom, (0, lacking[1], 0, lacking[0]))
    values = padded.unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1]).flatten(4)
    if random:
        sums = values.cumsum(-1)
        drawn = torch.rand_like(sums[..., -1:]) * sums[..., -1:]
        return values.gather(-1, (sums >= drawn).int().argmax(-1, keepdim=True)).squeeze(-1)
    total = values.sum(-1)
    return values.square().sum(-1) / torch.where(total > 0, total, 1) * (total > 0)


class Pool2d(nn.Module):
    """Caffe's pooling, including the cases in which nn.MaxPool2d and nn.AvgPool2d differ.

    PyTorch refuses pads above half the kernel, and silently omits windows if the stride is above the kernel.

    Args:
        method: "MAX", "AVE" or "STOCHASTIC".
        kernel: (height, width) in elements, or None for the whole plane.
        stride, pad: (height, width) in elements.
        ceil: round the number of windows up, as Caffe does by default.
        mask: for MAX return the indices of the largest values as well.
    """

    def __init__(
        self,
        method: str,
        kernel: Sizes | None,
        stride: Sizes = (1, 1),
        pad: Sizes = (0, 0),
        ceil: bool = True,
        mask: bool = False,
    ):
        super().__init__()
        self.method, self.kernel, self.stride, self.pad, self.ceil = method, kernel, stride, pad, ceil
        self.mask = mask

    def forward(self, bottom: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        kernel = bottom.shape[2:] if self.kernel is None else self.kernel
        if self.method == "MAX":
            pooled = max_pool2d(bottom, kernel, self.stride, self.pad, self.ceil)
            return pooled if self.mask else pooled[0]
        if self.method == "AVE":
            return ave_pool2d(bottom, kernel, self.stride, self.pad, self.ceil)
        return stochastic_pool2d(bottom, kernel, self.stride, self.ceil, random=self.training)

    def extra_repr(self) -> str:
        return f"{self.method}, kernel={self.kernel}, stride={self.stride}, pad={self.pad}, ceil={self.ceil}"


class SpatialPyramid(nn.Module):
    """Pooling over 1, 2, 4, ... windows along each axis, whatever the bottom's size, flattened and joined.

    A pyramid of one level is not flattened: its top is (batch, channels, 1, 1), that of others
    (batch, channels * (1 + 4 + 16 + ...)).

    Args:
        levels: height of the pyramid.
        method: as in `Pool2d`.

    Source: BVLC/caffe src/caffe/layers/spp_layer.cpp.
    """

    def __init__(self, levels: int, method: str = "MAX"):
        super().__init__()
        self.levels, self.method = levels, method

    def forward(self, bottom: Tensor) -> Tensor:
        pooled = [self._pool(bottom, 2**level) for level in range(self.levels)]
        return pooled[0] if self.levels == 1 else torch.cat([level.flatten(1) for level in pooled], 1)

    def _pool(self, bottom: Tensor, bins: int) -> Tensor:
        kernel = [-(-size // bins) for size in bottom.shape[2:]]
        pad = [(k * bins - size + 1) // 2 for k, size in zip(kernel, bottom.shape[2:], strict=True)]
        if any(pad_ >= kernel_ for pad_, kernel_ in zip(pad, kernel, strict=True)):
            raise RuntimeError(f"{bins} windows along each axis need a larger bottom")
        if self.method == "MAX":
            return max_pool2d(bottom, kernel, kernel, pad)[0]
        if self.method == "AVE":
            return ave_pool2d(bottom, kernel, kernel, pad)
        if any(pad):
            raise RuntimeError(f"STOCHASTIC pooling needs a size that {bins} windows divide")
        return stochastic_pool2d(bottom, kernel, kernel, random=self.training)

    def extra_repr(self) -> str:
        return f"{self.levels}, {self.method}"


class PaddedPool2d(nn.Module):
    """Pooling with a pad for each side.

    Args:
        method: "MAX"; "AVE", whose divisor counts the pad; "AVE_EXC_PAD", whose divisor does not.
        kernel, stride: (height, width) in pixels.
        sides: the pad at the top, bottom, left and right; None for `same_sides`.
        ceil: round the number of windows up.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/pooling_layer.cpp.
    """

    def __init__(self, method: str, kernel: Pair, stride: Pair, sides: Sides | None, ceil: bool = True):
        super().__init__()
        self.method, self.kernel, self.stride, self.sides, self.ceil = method, kernel, stride, sides, ceil

    def forward(self, bottom: Tensor) -> Tensor:
        size = bottom.shape[2:]
        above, below, left, right = self.sides or same_sides(size, self.kernel, self.stride)
        counts = []
        for length, before, behind, kernel, stride in zip(
            size, (above, left), (below, right), self.kernel, self.stride, strict=True
        ):
            span = length + before + behind - kernel
            count = (-(-span // stride) if self.ceil else span // stride) + 1
            if self.sides is None:
                count = -(-length // stride)
            elif any(self.sides) and (count - 1) * stride >= length + before:
                count -= 1
            counts.append(count)
        # The last windows may reach beyond the pad.
        reach = [(count - 1) * s + k for count, s, k in zip(counts, self.stride, self.kernel, strict=True)]
        more = (0, max(reach[1] - size[1] - left - right, 0), 0, max(reach[0] - size[0] - above - below, 0))
        widths = (left, right, above, below)

        def pooled(values: Tensor, fill: float) -> Tensor:
            values = F.pad(F.pad(values, widths, value=fill), more, value=-math.inf if self.method == "MAX" else 0.0)
            if self.method == "MAX":
                return F.max_pool2d(values, self.kernel, self.stride)[:, :, : counts[0], : counts[1]]
            return F.avg_pool2d(values, self.kernel, self.stride)[:, :, : counts[0], : counts[1]]

        if self.method == "MAX":
            return pooled(bottom, -math.inf)
        ones = torch.ones(1, 1, *size, device=bottom.device, dtype=bottom.dtype)
        return pooled(bottom, 0.0) / pooled(ones, 1.0 if self.method == "AVE" else 0.0)

    def extra_repr(self) -> str:
        return f"{self.method}, {self.kernel}, {self.stride}, sides={self.sides}, ceil={self.ceil}"


class NoisyOr(nn.Module):
    """The probability for each channel that a pixel is positive, at least the largest, from those of the pixels.

    Source: s-gupta/caffe, branch mil, src/caffe/layers/mil_layer.cpp, NOR.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        pixels = bottom.flatten(2)
        top = torch.maximum(1 - (1 - pixels).prod(2), pixels.amax(2))
        return top[:, :, None, None]
