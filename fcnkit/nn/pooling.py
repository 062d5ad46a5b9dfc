"""Caffe's pooling where PyTorch's own modules would give another size or another value."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

Sizes = tuple[int, ...]


def pooled_size(size: int, kernel: int, stride: int, pad: int, ceil: bool = True) -> int:
    """The number of windows along an axis of `size` elements.

    Rounded up by default; with padding, a last window that starts beyond bottom and padding is dropped.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cpp, Reshape.
    """
    span = size + 2 * pad - kernel
    windows = (-(-span // stride) if ceil else span // stride) + 1
    if pad and (windows - 1) * stride >= size + pad:
        windows -= 1
    return windows


class Pool2d(nn.Module):
    """Pooling with explicit padding, for pads over half the kernel and strides over the kernel.

    PyTorch refuses the first and silently leaves out windows in the second case.

    Args:
        method: "MAX" or "AVE"; an average counts the padding, up to one pad beyond the bottom.
        kernel, stride, pad: (height, width) in elements.
        ceil: round the number of windows up, as Caffe does unless told otherwise.

    Source: BVLC/caffe src/caffe/layers/pooling_layer.cpp.
    """

    def __init__(self, method: str, kernel: Sizes, stride: Sizes, pad: Sizes, ceil: bool = True):
        super().__init__()
        self.method, self.kernel, self.stride, self.pad, self.ceil = method, kernel, stride, pad, ceil

    def forward(self, bottom: Tensor) -> Tensor:
        height, width = (
            pooled_size(bottom.shape[2 + i], self.kernel[i], self.stride[i], self.pad[i], self.ceil) for i in (0, 1)
        )
        for axis, windows in ((0, height), (1, width)):
            if (windows - 1) * self.stride[axis] >= bottom.shape[2 + axis] + 2 * self.pad[axis]:
                raise RuntimeError("its last window lies outside of the bottom, where Caffe's result is undefined")
        padding = (self.pad[1], self.pad[1], self.pad[0], self.pad[0])
        if self.method == "MAX":
            padded = F.pad(bottom, padding, value=-math.inf)
            pooled = F.max_pool2d(padded, self.kernel, self.stride, ceil_mode=self.ceil)
        else:
            padded = F.pad(bottom, padding)
            pooled = F.avg_pool2d(padded, self.kernel, self.stride, ceil_mode=self.ceil)
        return pooled[:, :, :height, :width]

    def extra_repr(self) -> str:
        return f"{self.method}, kernel={self.kernel}, stride={self.stride}, pad={self.pad}, ceil={self.ceil}"
