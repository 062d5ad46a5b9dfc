"""Layers that act on each value, or along the channels, and keep the shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, canonical_axis, rule
from fcnkit.nn import activation
from fcnkit.types import activation as types


@rule(types.ABS_VAL)
class AbsVal(Elementwise):
    """The absolute value."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return activation.Abs()


@rule(types.BNLL)
class BNLL(Elementwise):
    """log(1 + exp(x))."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Softplus()


@rule(types.CLIP)
class Clip(Elementwise):
    """Values cut to the range from min to max."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return activation.Clip(layer.clip_param.min, layer.clip_param.max)


@rule(types.ELU)
class ELU(Elementwise):
    """x, or alpha * (exp(x) - 1) below 0."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.ELU(layer.elu_param.alpha)


@rule(types.EXP)
class Exp(Elementwise):
    """base ** (shift + scale * x)."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.exp_param
        return activation.Exp(_base(layer, p.base), p.scale, p.shift)


@rule(types.HARD_SIGMOID)
class HardSigmoid(Elementwise):
    """alpha * x + beta, cut to 0 and 1."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.hard_sigmoid_param
        return nn.Sequential(activation.Power(1, p.alpha, p.beta), activation.Clip(0, 1))


@rule(types.HARD_SWISH)
class HardSwish(Elementwise):
    """x * min(max(x + 3, 0), 6) / 6."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Hardswish()


@rule(types.LOG)
class Log(Elementwise):
    """The logarithm of shift + scale * x."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.log_param
        base = _base(layer, p.base)
        if base == 1:
            raise DefinitionError(f"layer {layer.name!r}: base 1 has no logarithm")
        return activation.Log(base, p.scale, p.shift)


@rule(types.MISH)
class Mish(Elementwise):
    """x * tanh(log(1 + exp(x)))."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Mish()


@rule(types.POWER)
class Power(Elementwise):
    """(shift + scale * x) ** power."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.power_param
        return activation.Power(p.power, p.scale, p.shift)


@rule(types.PRELU)
class PReLU(Elementwise):
    """A slope below 0 for each channel, or one for all if channel_shared is set; blob 0 then has no axes."""

    blob_names = ("weight",)

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms[0]) < 2:
            raise DefinitionError(f"layer {layer.name!r}: PReLU reads blobs of 2 axes or more, not {bottoms[0]}")
        return nn.PReLU(1 if layer.prelu_param.channel_shared else bottoms[0][1])

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        (slope,) = super().blobs(module, layer)
        return [slope.reshape(()) if layer.prelu_param.channel_shared else slope]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.prelu_param
        return [p.filler if p.HasField("filler") else type(p.filler)(value=0.25)]


@rule(types.RELU)
class ReLU(Elementwise):
    """max(x, 0), or negative_slope * x below 0; in Synopsys' Caffe cut to bounds.

    A second top is 1 where x is positive and 0 elsewhere.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/relu_layer.cpp, Forward_cpu;
    HyeonwooNoh/caffe src/caffe/layers/relu_layer.cpp, Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        relu = self._relu(layer)
        return relu if len(layer.top) < 2 else activation.Masked(relu)

    @staticmethod
    def _relu(layer: LayerParameter) -> nn.Module:
        p = layer.relu_param
        relu = nn.LeakyReLU(p.negative_slope) if p.negative_slope else nn.ReLU()
        high = min([6.0] * p.relu6 + [p.maximum] * (p.maximum > 0), default=math.inf)
        low = p.minimum or -math.inf
        if (low, high) == (-math.inf, math.inf):
            return relu
        if high == 6 and low == -math.inf and not p.negative_slope:
            return nn.ReLU6()
        return nn.Sequential(relu, activation.Clip(low, high))


@rule(types.RELU6)
class ReLU6(Elementwise):
    """min(max(x, 0), 6).

    Source: openvinotoolkit/training_toolbox_caffe src/caffe/layers/relu6_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.ReLU6()


@rule(types.RRELU)
class RReLU(Elementwise):
    """x, or below 0 x divided by the logarithmic mean of two bounds; the random divisors of training are not drawn.

    Source: ducha-aiki/caffe src/caffe/layers/rrelu_layer.cpp, LayerSetUp and Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        low, high = layer.rrelu_param.lb, layer.rrelu_param.ub
        if not 0 < low < high:
            raise DefinitionError(f"layer {layer.name!r}: lb {low:g} must be positive and below ub {high:g}")
        return nn.LeakyReLU((math.log(high) - math.log(low)) / (high - low))


@rule(types.SCALE_TANH)
class ScaleTanH(Elementwise):
    """tanh(scale * x) with the scale of the start, which grows in training alone."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Sequential(activation.Power(1, layer.scale_tanh_param.init_scale, 0), nn.Tanh())


@rule(types.SELU)
class SeLU(Elementwise):
    """A scaled ELU whose factors keep mean 0 and variance 1."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.SELU()


@rule(types.SIGMOID)
class Sigmoid(Elementwise):
    """1 / (1 + exp(-x))."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Sigmoid()


@rule(types.SIGNED_SQRT)
class SignedSqrt(Elementwise):
    """The root of the absolute value, with the sign of the value."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return activation.SignedSqrt()


@rule(types.SOFTMAX)
class Softmax(Layer):
    """Softmax over one axis, the channels by default; a second bottom states how many of them count.

    Source: BVLC/caffe and peteanderson80/caffe, src/caffe/layers/softmax_layer.cpp of both.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms) == 1:
            return nn.Softmax(layer.softmax_param.axis)
        axis = canonical_axis(layer, layer.softmax_param.axis, bottoms[0])
        others, counts = math.prod(bottoms[0]) // bottoms[0][axis], math.prod(bottoms[1])
        if others != counts:
            raise DefinitionError(f"layer {layer.name!r}: {others} softmaxes need as many numbers, not {counts}")
        return activation.SoftmaxOfFirst(axis)

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.softmax_param.axis > 0)


@rule(types.SOFTPLUS)
class Softplus(BNLL):
    """log(1 + exp(x))."""


@rule(types.SOFTSIGN)
class Softsign(Elementwise):
    """x / (1 + |x|)."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Softsign()


@rule(types.SPATIAL_SOFTMAX)
class SpatialSoftmax(Layer):
    """Softmax over the pixels of each channel."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        temperature = layer.spatial_softmax_param.temperature
        if len(bottoms[0]) < 3 or temperature <= 0:
            raise DefinitionError(
                f"layer {layer.name!r}: SpatialSoftmax reads blobs of 3 axes or more, not {bottoms[0]}, and its"
                " temperature must be positive"
            )
        return activation.SpatialSoftmax(temperature)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.SWISH)
class Swish(Elementwise):
    """x * sigmoid(beta * x)."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        beta = layer.swish_param.beta
        return nn.SiLU() if beta == 1 else activation.Swish(beta)


@rule(types.TANH)
class TanH(Elementwise):
    """The hyperbolic tangent."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Tanh()


@rule(types.THRESHOLD)
class Threshold(Elementwise):
    """1 above the threshold, else 0."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return activation.Threshold(layer.threshold_param.threshold)


def _base(layer: LayerParameter, base: float) -> float | None:
    """The base of an exponential or a logarithm; Caffe writes -1 for e, which is None here.

    Source: BVLC/caffe src/caffe/layers/exp_layer.cpp, LayerSetUp.
    """
    if base == -1:
        return None
    if not 0 < base < math.inf:
        raise DefinitionError(f"layer {layer.name!r}: base {base:g} must be positive, or -1 for e")
    return base
