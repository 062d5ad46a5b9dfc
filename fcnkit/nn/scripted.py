"""Modules of layers that projects define in Python."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Weighted(nn.Module):
    """The product of a map and weights, whose axes of length 1 are repeated.

    Source: JXingZhao/ContrastPrior caffe/lib/add_weight.py.
    """

    def forward(self, bottom: Tensor, weights: Tensor) -> Tensor:
        top = bottom * weights
        if top.shape != bottom.shape:
            raise RuntimeError("the weights must not be larger than the first bottom")
        return top


class OrdinalDecode(nn.Module):
    """How many pairs of channels have a larger second value: (batch, 1, ...).

    The fork's own sum is right for a batch of one alone.

    Source: hufu6371/DORN caffe/pylayer/ordinal_decode_layer.py.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        pairs = bottom.shape[1] // 2 * 2
        larger = bottom[:, 1:pairs:2] > bottom[:, 0:pairs:2]
        return larger.sum(1, keepdim=True).to(bottom.dtype)


class FixedInterpolation(nn.Module):
    """Bilinear interpolation to a fixed size, with aligned corners.

    Source: CLT29/OpenSALICON custom_interpolation_layer.py, with scipy.ndimage.zoom.
    """

    def __init__(self, size: tuple[int, int]):
        super().__init__()
        self.size = size

    def forward(self, bottom: Tensor) -> Tensor:
        return F.interpolate(bottom, self.size, mode="bilinear", align_corners=True)

    def extra_repr(self) -> str:
        return f"{self.size}"


class Repeated(nn.Module):
    """Values of (batch, channels, 1, 1) at all pixels of a second bottom.

    Source: junyanz/interactive-deep-colorization caffe_files/caffe_traininglayers.py, SpatialRepLayer.
    """

    def forward(self, bottom: Tensor, like: Tensor) -> Tensor:
        if bottom.shape[2:] != (1, 1):
            raise RuntimeError("height and width of the first bottom must be 1")
        return bottom.expand(*bottom.shape[:2], *like.shape[2:])
