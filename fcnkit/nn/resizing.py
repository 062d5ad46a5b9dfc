"""Modules that change the height and width of feature maps."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

Size = tuple[int, int]


class Interp(nn.Module):
    """Bilinear interpolation with aligned corners; it crops first, and shrinks before it zooms.

    Args:
        shrink, zoom: whole factors of the distances between pixels.
        size: (height, width) of the top, instead of the factors.
        crop: pixels cut off at the top and left, and at the bottom and right.

    Source: hszhao/PSPNet src/caffe/layers/interp_layer.cpp; src/caffe/util/interp.cpp, caffe_cpu_interp2.
    """

    def __init__(self, shrink: int = 1, zoom: int = 1, size: Size | None = None, crop: Size = (0, 0)):
        super().__init__()
        self.shrink, self.zoom, self.size, self.crop = shrink, zoom, size, crop

    def forward(self, bottom: Tensor) -> Tensor:
        before, behind = self.crop
        height, width = (length - before - behind for length in bottom.shape[2:])
        bottom = bottom.narrow(2, before, height).narrow(3, before, width)
        size = self.size or tuple((length - 1) // self.shrink * self.zoom + 1 for length in (height, width))
        return F.interpolate(bottom, size, mode="bilinear", align_corners=True)

    def extra_repr(self) -> str:
        return f"shrink={self.shrink}, zoom={self.zoom}, size={self.size}, crop={self.crop}"


class Unpool(nn.Module):
    """Put each value at the index in a larger plane that a pooling mask gives, and 0 elsewhere.

    Indices count row by row from 0. Of several values for one index the last is kept.

    Args:
        scale: (height, width) of the top divided by those of the bottom.
        less: (height, width) to subtract from the scaled size, 0 or 1 each.
        size: (height, width) of the top, instead of the scale.

    Source: alexgkendall/caffe-segnet src/caffe/layers/upsample_layer.cpp.
    """

    def __init__(self, scale: Size = (2, 2), less: Size = (0, 0), size: Size | None = None):
        super().__init__()
        self.scale, self.less, self.size = scale, less, size

    def forward(self, bottom: Tensor, mask: Tensor) -> Tensor:
        if bottom.shape != mask.shape:
            raise RuntimeError("the bottoms must have equal shapes")
        height, width = self.size or (
            length * scale - less for length, scale, less in zip(bottom.shape[2:], self.scale, self.less, strict=True)
        )
        plane = bottom.new_zeros((*bottom.shape[:2], height * width))
        plane = plane.scatter(2, mask.long().flatten(2), bottom.flatten(2))
        return plane.reshape(*bottom.shape[:2], height, width)

    def extra_repr(self) -> str:
        return f"scale={self.scale}, less={self.less}, size={self.size}"
