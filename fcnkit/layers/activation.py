"""Layers that act on each element, or along the channels, and keep the shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.nn import dropout, elementwise


class _Elementwise(Layer):
    bottom_count = (1, 1)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("AbsVal")
class AbsVal(_Elementwise):
    """The absolute value."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return elementwise.Abs()


@layer("BNLL")
class BNLL(_Elementwise):
    """log(1 + exp(x))."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Softplus()


@layer("Clip")
class Clip(_Elementwise):
    """Values cut to the range from min to max."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return elementwise.Clip(layer.clip_param.min, layer.clip_param.max)


@layer("Dropout")
class Dropout(_Elementwise):
    """Identity in TEST; in TRAIN what is kept is scaled up, as PyTorch does.

    With SegNet's sample_weights_test it drops in TEST too; without Fast R-CNN's scale_train it scales down in TEST
    in place of up in TRAIN.

    Source: BVLC/caffe, alexgkendall/caffe-segnet, rbgirshick/caffe-fast-rcnn (branch faster-rcnn),
    src/caffe/layers/dropout_layer.cpp of each.
    """

    moves = True

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.dropout_param
        if p.sample_weights_test and not p.scale_train:
            raise DefinitionError(f"layer {layer.name!r}: sample_weights_test and scale_train are of different forks")
        if p.sample_weights_test:
            return dropout.SampledDropout(p.dropout_ratio)
        return (nn.Dropout if p.scale_train else dropout.UnscaledDropout)(p.dropout_ratio)


@layer("ELU")
class ELU(_Elementwise):
    """x, or alpha * (exp(x) - 1) below 0."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.ELU(layer.elu_param.alpha)


@layer("Exp")
class Exp(_Elementwise):
    """base ** (shift + scale * x)."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.exp_param
        return elementwise.Exp(_base(layer, p.base), p.scale, p.shift)


@layer("Log")
class Log(_Elementwise):
    """The logarithm of shift + scale * x."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.log_param
        base = _base(layer, p.base)
        if base == 1:
            raise DefinitionError(f"layer {layer.name!r}: there is no logarithm to base 1")
        return elementwise.Log(base, p.scale, p.shift)


@layer("Power")
class Power(_Elementwise):
    """(shift + scale * x) ** power."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.power_param
        return elementwise.Power(p.power, p.scale, p.shift)


@layer("PReLU")
class PReLU(_Elementwise):
    """A slope below 0 for each channel, or one for all where channel_shared is set: blob 0 has no axes then."""

    blob_names = ("weight",)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms[0]) < 2:
            raise DefinitionError(f"layer {layer.name!r}: PReLU reads blobs of 2 axes or more, not {bottoms[0]}")
        return nn.PReLU(1 if layer.prelu_param.channel_shared else bottoms[0][1])

    def blobs(self, module: nn.Module, layer: Message) -> list[Tensor]:
        (slope,) = super().blobs(module, layer)
        return [slope.reshape(()) if layer.prelu_param.channel_shared else slope]

    def fillers(self, layer: Message) -> list[Message]:
        p = layer.prelu_param
        return [p.filler if p.HasField("filler") else type(p.filler)(value=0.25)]


@layer("ReLU")
class ReLU(_Elementwise):
    """max(x, 0), or negative_slope * x below 0."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        slope = layer.relu_param.negative_slope
        return nn.LeakyReLU(slope) if slope else nn.ReLU()


@layer("Sigmoid")
class Sigmoid(_Elementwise):
    """1 / (1 + exp(-x))."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Sigmoid()


@layer("Softmax")
class Softmax(Layer):
    """Softmax over one axis, the channels by default."""

    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Softmax(layer.softmax_param.axis)

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.softmax_param.axis > 0)


@layer("Swish")
class Swish(_Elementwise):
    """x * sigmoid(beta * x)."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        beta = layer.swish_param.beta
        return nn.SiLU() if beta == 1 else elementwise.Swish(beta)


@layer("TanH")
class TanH(_Elementwise):
    """The hyperbolic tangent."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Tanh()


@layer("Threshold")
class Threshold(_Elementwise):
    """1 over the threshold, else 0."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return elementwise.Threshold(layer.threshold_param.threshold)


def _base(layer: Message, base: float) -> float | None:
    """The base of an exponential or a logarithm; Caffe writes -1 for e, which is None here.

    Source: BVLC/caffe src/caffe/layers/exp_layer.cpp, LayerSetUp.
    """
    if base == -1:
        return None
    if not 0 < base < math.inf:
        raise DefinitionError(f"layer {layer.name!r}: base {base:g} must be positive, or -1 for e")
    return base
