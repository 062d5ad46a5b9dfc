"""Elementwise modules that PyTorch lacks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Abs(nn.Module):
    """The absolute value.

    Source: BVLC/caffe src/caffe/layers/absval_layer.cpp.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.abs()


class Clip(nn.Module):
    """Values limited to a range.

    Unlike Hardtanh it passes the gradient of values on a bound, such as the zeros after a ReLU.

    Source: BVLC/caffe src/caffe/layers/clip_layer.cpp.
    """

    def __init__(self, low: float, high: float):
        super().__init__()
        self.low, self.high = low, high

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.clamp(self.low, self.high)

    def extra_repr(self) -> str:
        return f"low={self.low}, high={self.high}"


class Exp(nn.Module):
    """base ** (shift + scale * x).

    Args:
        base: a positive number, or None for e.
        scale, shift: of the exponent.

    Source: BVLC/caffe src/caffe/layers/exp_layer.cpp.
    """

    def __init__(self, base: float | None = None, scale: float = 1, shift: float = 0):
        super().__init__()
        self.base, self.scale, self.shift = base, scale, shift

    def forward(self, bottom: Tensor) -> Tensor:
        exponent = bottom * self.scale + self.shift
        return torch.exp(exponent if self.base is None else exponent * math.log(self.base))

    def extra_repr(self) -> str:
        return f"base={self.base}, scale={self.scale}, shift={self.shift}"


class Log(nn.Module):
    """The logarithm of shift + scale * x.

    Args:
        base: a positive number other than 1, or None for e.
        scale, shift: of the argument.

    Source: BVLC/caffe src/caffe/layers/log_layer.cpp.
    """

    def __init__(self, base: float | None = None, scale: float = 1, shift: float = 0):
        super().__init__()
        self.base, self.scale, self.shift = base, scale, shift

    def forward(self, bottom: Tensor) -> Tensor:
        logarithm = torch.log(bottom * self.scale + self.shift)
        return logarithm if self.base is None else logarithm / math.log(self.base)

    def extra_repr(self) -> str:
        return f"base={self.base}, scale={self.scale}, shift={self.shift}"


class Power(nn.Module):
    """(shift + scale * x) ** power.

    Source: BVLC/caffe src/caffe/layers/power_layer.cpp.
    """

    def __init__(self, power: float = 1, scale: float = 1, shift: float = 0):
        super().__init__()
        self.power, self.scale, self.shift = power, scale, shift

    def forward(self, bottom: Tensor) -> Tensor:
        if self.power * self.scale == 0:
            # The result does not depend on the bottom, even if that is infinite.
            return torch.full_like(bottom, self.shift).pow(self.power)
        return (bottom * self.scale + self.shift).pow(self.power)

    def extra_repr(self) -> str:
        return f"power={self.power}, scale={self.scale}, shift={self.shift}"


class Swish(nn.Module):
    """x * sigmoid(beta * x); SiLU where beta is 1.

    Source: BVLC/caffe src/caffe/layers/swish_layer.cpp.
    """

    def __init__(self, beta: float = 1):
        super().__init__()
        self.beta = beta

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom * torch.sigmoid(bottom * self.beta)

    def extra_repr(self) -> str:
        return f"beta={self.beta}"


class Threshold(nn.Module):
    """1 where a value is above the threshold, else 0; it passes no gradient.

    Source: BVLC/caffe src/caffe/layers/threshold_layer.cpp.
    """

    def __init__(self, threshold: float = 0):
        super().__init__()
        self.threshold = threshold

    def forward(self, bottom: Tensor) -> Tensor:
        return (bottom > self.threshold).to(bottom.dtype)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}"


class SignedSqrt(nn.Module):
    """The root of the absolute value, with the sign of the value.

    Source: gy20073/compact_bilinear_pooling caffe-20160312/src/caffe/layers/signed_sqrt_layer.cpp, Forward_cpu.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.sign() * bottom.abs().sqrt()


class SpatialSoftmax(nn.Module):
    """Softmax over the last two axes, of values that are divided by a temperature.

    Source: cbfinn/caffe src/caffe/layers/spatial_softmax_layer.cu, Forward_gpu.
    """

    def __init__(self, temperature: float = 1):
        super().__init__()
        self.temperature = temperature

    def forward(self, bottom: Tensor) -> Tensor:
        return (bottom.flatten(-2) / self.temperature).softmax(-1).reshape(bottom.shape)

    def extra_repr(self) -> str:
        return f"{self.temperature}"


class Masked(nn.Module):
    """An activation, and as a second top where its bottom is positive: 1 there and 0 elsewhere.

    Source: HyeonwooNoh/caffe src/caffe/layers/relu_layer.cpp.
    """

    def __init__(self, activation: nn.Module):
        super().__init__()
        self.activation = activation

    def forward(self, bottom: Tensor) -> tuple[Tensor, Tensor]:
        return self.activation(bottom), (bottom > 0).to(bottom.dtype)


class SoftmaxOfFirst(nn.Module):
    """Softmax over the first values along an axis; the others become 0.

    The second bottom has the number of these values for each softmax.

    Source: peteanderson80/caffe src/caffe/layers/softmax_layer.cpp.
    """

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis

    def forward(self, bottom: Tensor, counts: Tensor) -> Tensor:
        shape = list(bottom.shape)
        length, shape[self.axis] = shape[self.axis], 1
        places = torch.arange(length, device=bottom.device).reshape(-1, *(1,) * (bottom.dim() - self.axis - 1))
        return bottom.masked_fill(places >= counts.reshape(shape), -torch.inf).softmax(self.axis)

    def extra_repr(self) -> str:
        return f"{self.axis}"
