"""Normalizations that PyTorch lacks or computes differently."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Normalize each channel (axis 1) by its mean and variance, without weights of its own.

    Not nn.BatchNorm2d, because Caffe stores sums: mean and variance are the stored ones divided by a third number,
    the scale factor, which counts batches with the same decay. The original blobs cannot be recovered after the
    division. Caffe's sums also decay by a fraction, where PyTorch updates a running average by a momentum.

    In train mode the batch's own statistics are used and added to the stored ones. In eval mode nothing is stored,
    whichever statistics are used.

    Args:
        channels: length of axis 1.
        eps: added to the variance.
        fraction: the fraction of the stored sums that each batch keeps.
        use_stored: True for the stored statistics in both modes, False for the batch's, None to follow the mode.

    Source: BVLC/caffe src/caffe/layers/batch_norm_layer.cpp.
    """

    mean: Tensor
    variance: Tensor
    scale_factor: Tensor

    def __init__(self, channels: int, eps: float = 1e-5, fraction: float = 0.999, use_stored: bool | None = None):
        super().__init__()
        self.eps, self.fraction, self.use_stored = eps, fraction, use_stored
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.zeros(channels))
        self.register_buffer("scale_factor", torch.zeros(1))

    def forward(self, bottom: Tensor) -> Tensor:
        if bottom.shape[1] != len(self.mean):
            raise RuntimeError(f"the bottom has {bottom.shape[1]} channels, the statistics {len(self.mean)}")
        along = (1, -1) + (1,) * (bottom.dim() - 2)
        stored = not self.training if self.use_stored is None else self.use_stored
        if stored:
            weight = torch.where(self.scale_factor == 0, 0, 1 / self.scale_factor)
            mean, variance = self.mean * weight, self.variance * weight
            return (bottom - mean.view(along)) / (variance.view(along) + self.eps).sqrt()
        axes = [axis for axis in range(bottom.dim()) if axis != 1]
        mean = bottom.mean(axes)
        centred = bottom - mean.view(along)
        variance = centred.square().mean(axes)
        if self.training:
            self._store(mean.detach(), variance.detach(), bottom.numel() // bottom.shape[1])
        return centred / (variance.view(along) + self.eps).sqrt()

    @torch.no_grad()
    def _store(self, mean: Tensor, variance: Tensor, count: int) -> None:
        unbiased = variance * (count / (count - 1)) if count > 1 else variance
        self.scale_factor.mul_(self.fraction).add_(1)
        self.mean.mul_(self.fraction).add_(mean)
        self.variance.mul_(self.fraction).add_(unbiased)

    def extra_repr(self) -> str:
        return f"{len(self.mean)}, eps={self.eps}, fraction={self.fraction}, use_stored={self.use_stored}"


class LRNWithinChannel(nn.Module):
    """Local response normalization over a square window of each channel.

    bottom * (1 + alpha * mean of squares) ** -beta, where the mean counts zero padding.

    Source: BVLC/caffe src/caffe/layers/lrn_layer.cpp, WithinChannelForward.
    """

    def __init__(self, size: int, alpha: float, beta: float):
        super().__init__()
        self.size, self.alpha, self.beta = size, alpha, beta

    def forward(self, bottom: Tensor) -> Tensor:
        mean = F.avg_pool2d(bottom * bottom, self.size, stride=1, padding=self.size // 2)
        return bottom * (1 + self.alpha * mean) ** -self.beta

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}"


class MeanVarianceNorm(nn.Module):
    """Subtract the mean of each channel, or of each item, and divide by its standard deviation.

    The top has four axes, as in Caffe: axes of length 1 are appended to those of the bottom.

    Args:
        across_channels: one mean for all channels of an item.
        normalize_variance: divide as well.
        eps: added to the standard deviation, after the root.
        axis: one mean for all axes from this one on, whose number is any and is kept; None for BVLC's.

    Source: BVLC/caffe src/caffe/layers/mvn_layer.cpp; antran89/my-very-deep-caffe src/caffe/layers/mvn_nd_layer.cpp.
    """

    def __init__(
        self,
        across_channels: bool = False,
        normalize_variance: bool = True,
        eps: float = 1e-9,
        axis: int | None = None,
    ):
        super().__init__()
        self.across_channels, self.normalize_variance, self.eps = across_channels, normalize_variance, eps
        self.axis = axis

    def forward(self, bottom: Tensor) -> Tensor:
        if self.axis is not None:
            axes: tuple[int, ...] = tuple(range(self.axis, bottom.dim()))
        elif bottom.dim() > 4:
            raise RuntimeError("the bottom must have at most 4 axes")
        else:
            bottom = bottom.reshape(bottom.shape + (1,) * (4 - bottom.dim()))
            axes = (1, 2, 3) if self.across_channels else (2, 3)
        centred = bottom - bottom.mean(axes, keepdim=True)
        if not self.normalize_variance:
            return centred
        variance = centred.square().mean(axes, keepdim=True)
        # The root's slope at 0 is infinite; there Caffe passes no gradient through the deviation.
        varies = variance > 0
        deviation = torch.where(varies, variance, 1).sqrt() * varies
        return centred / (deviation + self.eps)

    def extra_repr(self) -> str:
        axis = "" if self.axis is None else f", axis={self.axis}"
        flags = f"across_channels={self.across_channels}, normalize_variance={self.normalize_variance}"
        return f"{flags}, eps={self.eps}{axis}"


class L2Norm(nn.Module):
    """Divide by the root of the sum of squares, and multiply by a weight.

    Args:
        channels: number of weights, or None for one without axes.
        across_spatial: one sum for each item, else one for each position in it.
        eps: added to the sum, inside the root.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/normalize_layer.cpp, Forward_cpu.
    """

    def __init__(self, channels: int | None, across_spatial: bool = True, eps: float = 1e-10):
        super().__init__()
        self.across_spatial, self.eps = across_spatial, eps
        self.weight = nn.Parameter(torch.ones(() if channels is None else (channels,)))

    def forward(self, bottom: Tensor) -> Tensor:
        axes = tuple(range(1, bottom.dim())) if self.across_spatial else (1,)
        norm = (bottom.square().sum(axes, keepdim=True) + self.eps).sqrt()
        weight = self.weight.reshape(self.weight.shape + (1,) * (bottom.dim() - 2))
        return bottom / norm * weight

    def extra_repr(self) -> str:
        return f"weight={tuple(self.weight.shape)}, across_spatial={self.across_spatial}, eps={self.eps}"


class BatchStatisticsNorm(nn.Module):
    """Normalize each channel with the batch's own mean and variance in both modes, then scale and shift it.

    Args:
        channels: of the bottom.
        eps: added to the variance.
        tops: 1 for the result alone, 2 for the means too, 3 for the variances as well: (1, channels, 1, 1) each.

    Source: alexgkendall/caffe-segnet src/caffe/layers/bn_layer.cpp, Forward_cpu.
    """

    def __init__(self, channels: int, eps: float = 1e-9, tops: int = 1):
        super().__init__()
        self.eps, self.tops = eps, tops
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, bottom: Tensor) -> Tensor | tuple[Tensor, ...]:
        if bottom.dim() == 2:
            tops = self(bottom[:, :, None, None])
            return tops[:, :, 0, 0] if self.tops == 1 else (tops[0][:, :, 0, 0], *tops[1:])
        variance, mean = torch.var_mean(bottom, (0, 2, 3), correction=0, keepdim=True)
        weight, bias = (values.view(1, -1, 1, 1) for values in (self.weight, self.bias))
        result = (bottom - mean) / (variance + self.eps).sqrt() * weight + bias
        return result if self.tops == 1 else (result, mean, variance)[: self.tops]

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, eps={self.eps}, tops={self.tops}"


class FrozenBatchNorm2d(nn.BatchNorm2d):
    """Batch normalization that uses the stored statistics, and learns nothing, in training mode too.

    Source: hszhao/PSPNet src/caffe/layers/bn_layer.cpp, frozen.
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(channels, eps, momentum)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> FrozenBatchNorm2d:
        super().train(False)
        return self


class FrozenBatchNorm3d(nn.BatchNorm3d):
    """The same for blobs of five axes."""

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__(channels, eps, momentum)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> FrozenBatchNorm3d:
        super().train(False)
        return self


class Normalized(nn.Module):
    """Divide each pixel's channels, or with `whole` each item, by its length.

    Args:
        whole: items in place of pixels.
        inside: added to the sum of squares.
        outside: added to its root.
        least: the smallest sum of squares.

    Source: openvinotoolkit/training_toolbox_caffe caffe/src/caffe/layers/grn_layer.cpp; facebook/C3D
    C3D-v1.1/src/caffe/layers/l2_normalize_layer.cpp; zlmzju/caffe src/caffe/layers/l2_norm_layer.cpp;
    xiaolonw/caffe-video_triplet src/caffe/layers/norm_layer.cpp.
    """

    def __init__(self, whole: bool, inside: float = 0.0, outside: float = 0.0, least: float = 0.0):
        super().__init__()
        self.whole, self.inside, self.outside, self.least = whole, inside, outside, least

    def forward(self, bottom: Tensor) -> Tensor:
        axes = tuple(range(1, bottom.dim())) if self.whole else (1,)
        squares = (bottom.square().sum(axes, keepdim=True) + self.inside).clamp(min=self.least)
        return bottom / (squares.sqrt() + self.outside)

    def extra_repr(self) -> str:
        return f"whole={self.whole}, inside={self.inside}, outside={self.outside}, least={self.least}"


class BatchNormOutside(nn.Module):
    """(x - mean) / (sqrt(variance) + eps) with stored statistics, in training too.

    Args:
        channels: of axis 1.
        eps: is added after the root is taken.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/batch_norm_layer.cpp, where
    add_eps_before_sqrt is off.
    """

    def __init__(self, channels: int, eps: float):
        super().__init__()
        self.eps = eps
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.zeros(channels))
        self.register_buffer("scale_factor", torch.zeros(1))

    def forward(self, bottom: Tensor) -> Tensor:
        mean, variance, total = (self.get_buffer(name) for name in ("mean", "variance", "scale_factor"))
        factor = torch.where(total == 0, 0.0, 1 / total)
        shape = (-1, *(1,) * (bottom.dim() - 2))
        return (bottom - (mean * factor).reshape(shape)) / ((variance * factor).sqrt() + self.eps).reshape(shape)

    def extra_repr(self) -> str:
        return f"{self.eps}"


class UnitVectors(nn.Module):
    """Divide the channels at each position by their norm; the top has four axes.

    Args:
        order: 2 for the root of the sum of squares, 1 for the sum of absolute values.
        norms: return the norms, (batch, 1, height, width), as well.

    Source: happynear/caffe-windows src/caffe/layers/normalize_layer.cpp, Forward_cpu.
    """

    def __init__(self, order: int = 2, norms: bool = False):
        super().__init__()
        self.order, self.norms = order, norms

    def forward(self, bottom: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        bottom = bottom.reshape(bottom.shape + (1,) * (4 - bottom.dim()))
        norm = bottom.abs().pow(self.order).sum(1, keepdim=True) + 1e-6
        norm = norm.sqrt() if self.order == 2 else norm
        return (bottom / norm, norm) if self.norms else bottom / norm

    def extra_repr(self) -> str:
        return f"{self.order}, norms={self.norms}"
