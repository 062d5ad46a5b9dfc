"""Modules that find the peaks of heat maps: joints of people."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.aliases import Pair

# Around a peak, in pixels, of the square whose values place it between pixels.
_AROUND = 3


class MeanOfScales(nn.Module):
    """The mean of heat maps of one image at several scales, each resized to one size by cubic interpolation.

    The image of scale n fills the middle of its map; the map's outer part is cut off first.

    Args:
        factor: by which height and width grow; 0 for a size.
        size: (height, width) of the top where there is no factor.
        start: the first scale.
        gap: by how much each further scale is smaller.

    Source: CMU-Perceptual-Computing-Lab/caffe_rtpose src/caffe/cpm/layers/imresize_layer.cu, imresize_cubic_kernel; the
    code for CPUs beside it takes other cubes and one scale.
    """

    def __init__(self, factor: float, size: Pair | None, start: float = 1, gap: float = 0.1):
        super().__init__()
        self.factor, self.size, self.start, self.gap = factor, size, start, gap

    def forward(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[2:]
        size = self.size or (int(height * self.factor), int(width * self.factor))
        scaled = []
        for number, each in enumerate(maps):
            less = 1 - self.start + number * self.gap
            above, left = math.floor(height // 2 * less), math.floor(width // 2 * less)
            each = each[:, above : height - above, left : width - left]
            for axis, length in ((1, size[0]), (2, size[1])):
                each = _cubic(each, axis, length)
            scaled.append(each)
        return torch.stack(scaled).mean(0, keepdim=True)

    def extra_repr(self) -> str:
        return f"factor={self.factor}, size={self.size}, start={self.start}, gap={self.gap}"


def _cubic(plane: Tensor, axis: int, length: int) -> Tensor:
    """An axis resized by cubes through four neighbours, Catmull and Rom's; edges are repeated."""
    old = plane.shape[axis]
    places = (torch.arange(length, device=plane.device) - (length / old / 2 - 0.5)) * (old / length)
    first = (places + 1e-5).trunc().clamp(min=0)
    share = (places - first).to(plane.dtype).reshape(-1, *[1] * (2 - axis))
    second = first.long()
    third = (second + 1).clamp(max=old - 1)
    near = ((second - 1).clamp(min=0), second, third, (third + 1).clamp(max=old - 1))
    a, b, c, d = (plane.index_select(axis, index) for index in near)
    cube, square = -0.5 * a + 1.5 * b - 1.5 * c + 0.5 * d, a - 2.5 * b + 2 * c - 0.5 * d
    return ((cube * share + square) * share + (c - a) / 2) * share + b


class Peaks(nn.Module):
    """The places and heights of the peaks of each heat map: the number of peaks, then x, y and height of each.

    A peak is larger than a threshold and than its eight neighbours, and not at the edge. Its place is the mean of the
    pixels around it, weighted by their positive values. Rows after the last peak are 0.

    Args:
        parts: the number of maps that are searched, from the first on.
        most: the number of peaks that are listed for each map; the number of all of them is given.
        threshold: the least height.

    Returns:
        (images, parts, most + 1, 3).

    Source: CMU-Perceptual-Computing-Lab/caffe_rtpose src/caffe/cpm/layers/nms_layer.cu, nms_register_kernel and
    writeResultKernel.
    """

    def __init__(self, parts: int, most: int, threshold: float):
        super().__init__()
        self.parts, self.most, self.threshold = parts, most, threshold

    @torch.no_grad()
    def forward(self, maps: Tensor) -> Tensor:
        top = maps.new_zeros(len(maps), self.parts, self.most + 1, 3)
        if maps.is_meta:
            return top
        maps = maps[:, : self.parts]
        inside = maps[:, :, 1:-1, 1:-1]
        around = F.unfold(maps.flatten(0, 1)[:, None], 3)
        others = torch.cat([around[:, :4], around[:, 5:]], 1).amax(1).reshape(inside.shape)
        for image, part, y, x in ((inside > others) & (inside > self.threshold)).nonzero().tolist():
            top[image, part, 0, 0] += 1
            index = int(top[image, part, 0, 0])
            if index <= self.most:
                top[image, part, index] = self._placed(maps[image, part], y + 1, x + 1)
        return top

    @staticmethod
    def _placed(plane: Tensor, y: int, x: int) -> Tensor:
        # The first row and column are left out, as in the source; it compares rows with the width too.
        height, width = plane.shape
        rows = torch.arange(max(y - _AROUND, 1), min(y + _AROUND + 1, width, height), device=plane.device)
        columns = torch.arange(max(x - _AROUND, 1), min(x + _AROUND + 1, width), device=plane.device)
        values = plane[rows[:, None], columns].clamp(min=0)
        total = values.sum()
        return torch.stack([(values * columns).sum() / total, (values * rows[:, None]).sum() / total, plane[y, x]])

    def extra_repr(self) -> str:
        return f"{self.parts}, {self.most}, threshold={self.threshold}"
