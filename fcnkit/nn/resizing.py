"""Modules that change the height and width of feature maps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Size = tuple[int, int]


class Interp(nn.Module):
    """Bilinear interpolation with aligned corners; it crops first, and shrinks before it zooms.

    Args:
        shrink, zoom: whole factors of the distances between pixels.
        size: (height, width) of the top, instead of the factors; a second bottom's overrides both.
        crop: pixels cut off at the top and left, and at the bottom and right.

    Source: hszhao/PSPNet src/caffe/layers/interp_layer.cpp; src/caffe/util/interp.cpp, caffe_cpu_interp2.
    """

    def __init__(self, shrink: int = 1, zoom: int = 1, size: Size | None = None, crop: Size = (0, 0)):
        super().__init__()
        self.shrink, self.zoom, self.size, self.crop = shrink, zoom, size, crop

    def forward(self, bottom: Tensor, like: Tensor | None = None) -> Tensor:
        before, behind = self.crop
        height, width = (length - before - behind for length in bottom.shape[2:])
        bottom = bottom.narrow(2, before, height).narrow(3, before, width)
        size = self.size if like is None else tuple(like.shape[2:])
        size = size or tuple((length - 1) // self.shrink * self.zoom + 1 for length in (height, width))
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


def _triangle(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp(min=0)


def _cubic(distance: Tensor) -> Tensor:
    x = distance.abs()
    near, far = x * x * (1.5 * x - 2.5) + 1, x * (x * (2.5 - 0.5 * x) - 4) + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))


def _separably(bottom: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """A bottom (N, C, H, W) after matrices (height, H) and (width, W) of weights along its axes."""
    return torch.matmul(torch.matmul(rows, bottom), columns.t())


class Resample(nn.Module):
    """Interpolate to another size; with antialias, weights reach as far as the distance of the top's pixels.

    Args:
        kind: "NEAREST", "LINEAR" or "CUBIC".
        size: (height, width) of the top, unless a second bottom gives it.
        antialias: widen the weights along both axes where either axis shrinks.

    Pixel i of the top lies at i * f + f' / 2 - 1/2, where f is the factor of its own axis and f' that of the other one:
    the fork exchanges the two.

    Source: lmb-freiburg/flownet2 src/caffe/layers/resample_layer.cu.
    """

    def __init__(self, kind: str = "LINEAR", size: Sequence[int] = (), antialias: bool = True):
        super().__init__()
        self.kind, self.size, self.antialias = kind, tuple(size), antialias

    def forward(self, bottom: Tensor, like: Tensor | None = None) -> Tensor:
        size = self.size if like is None else tuple(like.shape[2:])
        sizes = tuple(bottom.shape[2:])
        height, width = (length / made for length, made in zip(sizes, size, strict=True))
        widened = self.antialias and max(height, width) > 1
        places = [
            torch.arange(made, device=bottom.device, dtype=bottom.dtype) * own + other / 2 - 0.5
            for made, own, other in zip(size, (height, width), (width, height), strict=True)
        ]
        if self.kind == "NEAREST":
            rows, columns = (
                # Halves are rounded up, as C rounds positive numbers.
                (place + 0.5).floor().long().clamp(0, length - 1)
                for place, length in zip(places, sizes, strict=True)
            )
            return bottom[:, :, rows][:, :, :, columns]
        weigh = _cubic if self.kind == "CUBIC" else _triangle
        matrices = []
        for place, length, factor in zip(places, sizes, (height, width), strict=True):
            pixels = torch.arange(length, device=bottom.device, dtype=bottom.dtype)
            weights = weigh((place[:, None] - pixels) / (factor if widened else 1.0))
            total = weights.sum(1, keepdim=True)
            matrices.append(torch.where(total == 0, 0.0, weights / total))
        return _separably(bottom, *matrices)

    def extra_repr(self) -> str:
        return f"{self.kind}, size={self.size}, antialias={self.antialias}"


class Downsample(nn.Module):
    """Shrink with aligned corners, each pixel of the top a mean of the pixels around, weighted by their distance.

    Pixels without a value (NaN) are left out of the means; where they have most of the weight, the top has none.

    Args:
        size: (height, width) of the top, unless a second bottom gives it.

    Source: lmb-freiburg/flownet2 src/caffe/layers/downsample_layer.cu.
    """

    def __init__(self, size: Sequence[int] = ()):
        super().__init__()
        self.size = tuple(size)

    def forward(self, bottom: Tensor, like: Tensor | None = None) -> Tensor:
        size = self.size if like is None else tuple(like.shape[2:])
        if size == tuple(bottom.shape[2:]):
            return bottom
        matrices = []
        for length, made in zip(bottom.shape[2:], size, strict=True):
            scale = (length - 1) / (made - 1) if made > 1 else math.inf
            place = torch.arange(made, device=bottom.device, dtype=bottom.dtype) * (scale if made > 1 else 0)
            pixels = torch.arange(length, device=bottom.device, dtype=bottom.dtype)
            matrices.append(_triangle((place[:, None] - pixels) / scale))
        missing = bottom.isnan()
        weight = _separably((~missing).to(bottom.dtype), *matrices)
        lost = _separably(missing.to(bottom.dtype), *matrices)
        values = _separably(bottom.nan_to_num() if missing.is_meta else bottom.masked_fill(missing, 0), *matrices)
        return torch.where(lost / weight > 0.5, math.nan, values / weight)

    def extra_repr(self) -> str:
        return f"size={self.size}"


class PlainResize(nn.Module):
    """Resize by the position of each pixel of the top in the bottom, with the weights of the nearest pixels.

    Args:
        kind: "bilinear" or "nearest".
        size: (height, width) of the top, 0 where a scale gives it.
        scale: factors of height and width.
        positions: "corners" aligns the corners' pixels; "half" and "shifted" add half a pixel before scaling, and
            "half" subtracts it after; "plain" does neither.
        last: whether the channels are the last axis.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/resize_bilinear_layer.cpp,
    resize_nearest_neighbor_layer.cpp.
    """

    def __init__(self, kind: str, size: Size, scale: tuple[float, float], positions: str, last: bool):
        super().__init__()
        self.kind, self.size, self.scale, self.positions, self.last = kind, size, scale, positions, last

    def forward(self, bottom: Tensor) -> Tensor:
        first = 1 if self.last else 2
        for axis, size, scale in zip((first, first + 1), self.size, self.scale, strict=True):
            bottom = self._along(bottom, axis, size or int(bottom.shape[axis] * scale))
        return bottom

    def _along(self, bottom: Tensor, axis: int, size: int) -> Tensor:
        length = bottom.shape[axis]
        place = torch.arange(size, device=bottom.device, dtype=torch.float32)
        if self.positions == "corners" and size > 1:
            place = place * ((length - 1) / (size - 1))
        else:
            before = 0.5 if self.positions in ("half", "shifted") else 0.0
            place = (place + before) * (length / size) - (0.5 if self.positions == "half" else 0.0)
        if self.kind == "nearest":
            # Rounded away from 0 where corners are aligned.
            index = (place + 0.5).floor() if self.positions == "corners" else place.floor()
            return bottom.index_select(axis, index.long().clamp(0, length - 1))
        low = place.floor()
        weight = (place - low).to(bottom.dtype).reshape(-1, *(1,) * (bottom.dim() - 1 - axis))
        lower = bottom.index_select(axis, low.long().clamp(min=0))
        upper = bottom.index_select(axis, place.ceil().long().clamp(max=length - 1))
        return lower + (upper - lower) * weight

    def extra_repr(self) -> str:
        return f"{self.kind}, size={self.size}, scale={self.scale}, {self.positions}, last={self.last}"


class Unpooling(nn.Module):
    """Put each value at the place that a mask gives, or at the beginning of its window, and 0 elsewhere.

    Args:
        kernel, stride: of the windows, (height, width).
        size: (height, width) of the top; () for the size that the windows reach.
        method: "MAX"; "AVE" or "TILE" for sums of what is spread over the windows, whose mask is not read.

    Source: HyeonwooNoh/caffe and jimeiyang/objectContourDetector, caffe-cedn, src/caffe/layers/unpooling_layer.cpp.
    """

    def __init__(self, kernel: Size, stride: Size, size: Size | tuple[()] = (), method: str = "MAX"):
        super().__init__()
        self.kernel, self.stride, self.size, self.method = kernel, stride, size, method

    def forward(self, bottom: Tensor, mask: Tensor | None = None) -> Tensor:
        height, width = self.size or (
            (length - 1) * stride + kernel
            for length, stride, kernel in zip(bottom.shape[2:], self.stride, self.kernel, strict=True)
        )
        rows = torch.arange(bottom.shape[2], device=bottom.device) * self.stride[0]
        columns = torch.arange(bottom.shape[3], device=bottom.device) * self.stride[1]
        if self.method != "MAX":
            return self._spread(bottom, (rows, columns), (height, width))
        if mask is None:
            rows, columns = rows.clamp(max=height - 1), columns.clamp(max=width - 1)
            mask = (rows[:, None] * width + columns).expand(bottom.shape)
        if bottom.shape != mask.shape:
            raise RuntimeError("the bottoms must have equal shapes")
        plane = bottom.new_zeros((*bottom.shape[:2], height * width))
        plane = plane.scatter(2, mask.long().flatten(2), bottom.flatten(2))
        return plane.reshape(*bottom.shape[:2], height, width)

    def _spread(self, bottom: Tensor, starts: tuple[Tensor, Tensor], size: Size) -> Tensor:
        """Sums over windows from these starts on, which end at the borders of the top."""
        inside = []
        for start, kernel, length in zip(starts, self.kernel, size, strict=True):
            places = torch.arange(length, device=bottom.device)
            inside.append(((places >= start[:, None]) & (places < start[:, None] + kernel)).to(bottom.dtype))
        rows, columns = inside
        if self.method == "AVE":
            bottom = bottom / (rows.sum(1)[:, None] * columns.sum(1))
        return torch.matmul(torch.matmul(rows.t(), bottom), columns)

    def extra_repr(self) -> str:
        return f"{self.kernel}, {self.stride}, size={self.size}, method={self.method}"
