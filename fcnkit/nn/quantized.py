"""Modules that compute with numbers of few bits, as a chip would."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class FixedPoint(NamedTuple):
    """Numbers of `bits` bits, the sign among them, of which `fraction` stand behind the point; larger ones are cut.

    Source: pmgysel/caffe src/caffe/ristretto/layers/base_ristretto_layer.cu, Trim2FixedPoint_kernel.
    """

    bits: int
    fraction: int

    def __call__(self, values: Tensor, random: bool = False) -> Tensor:
        half = 2.0 ** (self.bits - 1)
        return _rounded((values * 2.0**self.fraction).clamp(-half, half - 1), random) / 2.0**self.fraction


class MiniFloat(NamedTuple):
    """Floating-point numbers of few bits; larger ones are cut, and those below the least exponent are 0.

    Source: pmgysel/caffe include/ristretto/base_ristretto_layer.cuh, Trim2MiniFloat_device.
    """

    mantissa: int
    exponent: int

    def __call__(self, values: Tensor, random: bool = False) -> Tensor:
        # The parts of a number of 32 bits: sign, exponent plus 127, and 23 bits behind the point.
        parts = values.float().contiguous().view(torch.int32)
        sign, stored, rest = torch.where(parts < 0, -1.0, 1.0), parts >> 23 & 0xFF, parts & 0x7FFFFF
        bias, steps, highest = 2 ** (self.exponent - 1) - 1, 2.0**self.mantissa, 2**self.exponent - 1
        exponent = stored - 127 + bias
        fraction = _rounded(rest.double() / 2.0 ** (23 - self.mantissa), random)
        fraction = torch.where(exponent > highest, steps - 1, fraction)
        size = (1 + fraction / steps) * torch.exp2((exponent.clamp(max=highest) - bias).double())
        return torch.where((stored == 0) | (exponent < 0), 0.0, sign * size).to(values.dtype)


class PowerOfTwo(NamedTuple):
    """Powers of two, with a sign, between those of two exponents; 0 becomes the least.

    Source: pmgysel/caffe src/caffe/ristretto/layers/base_ristretto_layer.cu, Trim2IntegerPowerOf2_kernel.
    """

    least: int
    greatest: int

    def __call__(self, values: Tensor, random: bool = False) -> Tensor:
        exponent = _rounded(values.abs().log2(), random).clamp(self.least, self.greatest)
        return torch.where(values >= 0, 1, -1) * torch.exp2(exponent)


Format = FixedPoint | MiniFloat | PowerOfTwo


class Trimmed(nn.Module):
    """A module with weights whose bottom, weights and top have few bits.

    In training the weights alone do, rounded up or down at random, and gradients pass as if they had all bits.

    Args:
        plain: the module that computes, with parameters `weight` and `bias`.
        bottom, weights, top: the format of each.
        bias: that of the bias, or None for all bits.
        rewrites: also return the bottom with few bits, which the fork writes into the bottom itself.

    Source: pmgysel/caffe src/caffe/ristretto/layers/conv_ristretto_layer.cu, Forward_gpu, and
    base_ristretto_layer.cu. On a CPU the fork rounds halves away from zero, stops at the first 0 of a blob of
    MiniFloat, and leaves bottom and top as they are with PowerOfTwo.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self, plain: Any, bottom: Format, weights: Format, bias: Format | None, top: Format, rewrites: bool = False
    ):
        super().__init__()
        self.weight, self.bias = plain.weight, plain.bias
        # Not a submodule: its parameters are those of this module.
        self._plain = (plain,)
        self.formats, self.rewrites = (bottom, weights, bias, top), rewrites

    @property
    def plain(self) -> nn.Module:
        """The module that computes with the trimmed weights in place of its own."""
        module: nn.Module = self._plain[0]
        return module

    def forward(self, bottom: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        reads, weighs, biases, makes = self.formats
        given = bottom
        if not self.training:
            bottom = _passed(bottom, reads(bottom.detach()))
        parameters = {"weight": _passed(self.weight, weighs(self.weight.detach(), self.training))}
        if self.bias is not None:
            bias = self.bias
            parameters["bias"] = bias if biases is None else _passed(bias, biases(bias.detach(), self.training))
        top: Tensor = torch.func.functional_call(self.plain, parameters, (bottom,))
        if not self.training:
            top = _passed(top, makes(top.detach()))
        return (top, given if self.training else bottom) if self.rewrites else top

    def extra_repr(self) -> str:
        return f"{self.plain}, " + ", ".join(map(str, self.formats))


def _rounded(values: Tensor, random: bool) -> Tensor:
    """Whole numbers: the nearest, an even one for halves, or one of two at random, the nearer more often."""
    return (values + torch.rand_like(values)).floor() if random else values.round()


class _Passed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, trimmed: Tensor) -> Tensor:
        return trimmed.view_as(trimmed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def _passed(values: Tensor, trimmed: Tensor) -> Tensor:
    """The trimmed values, whose gradient passes to the values themselves."""
    if not (torch.is_grad_enabled() and values.requires_grad):
        return trimmed
    passed: Tensor = _Passed.apply(values, trimmed)  # type: ignore[no-untyped-call]
    return passed
