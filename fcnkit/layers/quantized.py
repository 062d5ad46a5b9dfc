"""Layers of Ristretto, which compute with numbers of few bits."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.convolution import Convolution, Deconvolution
from fcnkit.layers.linear import InnerProduct
from fcnkit.nn import quantized
from fcnkit.types import quantized as types


def _formats(
    layer: LayerParameter,
) -> tuple[quantized.Format, quantized.Format, quantized.Format | None, quantized.Format]:
    """Those of the bottom, the weights, the bias and the top.

    Source: pmgysel/caffe src/caffe/ristretto/layers/base_ristretto_layer.cpp, QuantizeWeights_cpu, and the constructors
    of its layers.
    """
    p = layer.quantization_param
    if p.rounding_scheme == p.STOCHASTIC:
        raise DefinitionError(f"layer {layer.name!r}: rounding_scheme STOCHASTIC, at random in tests, is not supported")
    if p.precision == p.MINIFLOAT:
        if not 0 <= p.mant_bits <= 23 or not 1 <= p.exp_bits <= 8:
            raise DefinitionError(f"layer {layer.name!r}: mant_bits are 0 to 23 and exp_bits 1 to 8")
        return (quantized.MiniFloat(p.mant_bits, p.exp_bits),) * 4
    if not (1 <= p.bw_layer_in <= 32 and 1 <= p.bw_params <= 32 and 1 <= p.bw_layer_out <= 32):
        raise DefinitionError(f"layer {layer.name!r}: bw_layer_in, bw_params and bw_layer_out are 1 to 32")
    bottom, top = (
        quantized.FixedPoint(bits, fraction)
        for bits, fraction in ((p.bw_layer_in, p.fl_layer_in), (p.bw_layer_out, p.fl_layer_out))
    )
    if p.precision == p.INTEGER_POWER_OF_2_WEIGHTS:
        if p.exp_min > p.exp_max:
            raise DefinitionError(f"layer {layer.name!r}: exp_min {p.exp_min} must not be over exp_max {p.exp_max}")
        return bottom, quantized.PowerOfTwo(p.exp_min, p.exp_max), None, top
    weights = quantized.FixedPoint(p.bw_params, p.fl_params)
    return bottom, weights, weights, top


class _Ristretto(Layer):
    """A rule whose modules compute with few bits what those of the next rule compute.

    The fork writes the bottom's few bits into the bottom, which matters where a later layer reads it, too.
    """

    rewrites = False

    def in_net(self, layer: LayerParameter, net: NetParameter) -> Layer:
        later = list(net.layer)[list(net.layer).index(layer) + 1 :]
        if not any(bottom in other.bottom for bottom in layer.bottom for other in later):
            return self
        rewriting = copy(self)
        rewriting.rewrites = True
        return rewriting

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        formats = _formats(layer)
        return quantized.Trimmed(super().build(layer, bottoms), *formats, rewrites=bool(self.rewritten(layer)))

    def rewritten(self, layer: LayerParameter) -> tuple[str, ...]:
        return tuple(bottom for bottom in layer.bottom if self.rewrites and bottom not in layer.top)


@rule(types.CONVOLUTION_RISTRETTO)
class ConvolutionRistretto(_Ristretto, Convolution):
    """A Convolution with few bits."""


@rule(types.DECONVOLUTION_RISTRETTO)
class DeconvolutionRistretto(_Ristretto, Deconvolution):
    """A Deconvolution with few bits."""


@rule(types.FC_RISTRETTO)
class FcRistretto(_Ristretto, InnerProduct):
    """An InnerProduct with few bits."""
