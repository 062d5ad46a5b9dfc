"""Layers that drop values or channels in training, or change gradients."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import dropout
from fcnkit.types import dropout as types


@rule(types.DROPOUT)
class Dropout(Elementwise):
    """Identity in TEST; in TRAIN the kept values are scaled up, as in PyTorch.

    With SegNet's sample_weights_test it drops in TEST too. With Fast R-CNN's scale_train off, it scales down in TEST
    instead of up in TRAIN.

    Source: BVLC/caffe, alexgkendall/caffe-segnet, rbgirshick/caffe-fast-rcnn (branch faster-rcnn),
    src/caffe/layers/dropout_layer.cpp of each.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.dropout_param
        if p.sample_weights_test and not p.scale_train:
            raise DefinitionError(f"layer {layer.name!r}: sample_weights_test and scale_train are from different forks")
        if p.sample_weights_test:
            return dropout.SampledDropout(p.dropout_ratio)
        return (nn.Dropout if p.scale_train else dropout.UnscaledDropout)(p.dropout_ratio)


@rule(types.SPATIAL_DROPOUT)
class SpatialDropout(Elementwise):
    """ENet's dropout of channels, a Python layer.

    Its param_str states the net's phase; the module's own mode replaces it.

    Source: TimoSaemann/caffe-enet python/spatial_dropout.py.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        text = layer.python_param.param_str
        try:
            ratio = float(ast.literal_eval(text)["p"])
        except (SyntaxError, ValueError, TypeError, KeyError, MemoryError, RecursionError):
            ratio = 0
        if not 0 < ratio < 1:
            raise DefinitionError(f"layer {layer.name!r}: param_str must give p, above 0 and below 1; it is {text!r}")
        return dropout.SpatialDropout(ratio)


@rule(types.CHANNEL_DROPOUT)
class ChannelDropout(Elementwise):
    """Identity in TEST; in TRAIN the kept channels are scaled up."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Dropout2d(layer.dropout_param.dropout_ratio)


@rule(types.SPARSIFY)
class Sparsify(Elementwise):
    """Moves values towards 0 by a threshold; in training it adds the gradient of an L1 norm of them.

    Source: wenwei202/caffe src/caffe/layers/sparsify_layer.cpp, Forward_cpu and Backward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.sparsify_param
        if min(p.thre, p.coef) < 0:
            raise DefinitionError(f"layer {layer.name!r}: thre {p.thre:g} and coef {p.coef:g} must not be negative")
        return dropout.Sparsify(p.thre, p.coef)


@rule(types.OUTPUT_DECAY)
class OutputDecay(Elementwise):
    """Identity; in training it adds the gradient of an L1 or L2 norm of its values."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.output_decay_param
        if p.regularization_type not in ("L1", "L2"):
            raise DefinitionError(
                f"layer {layer.name!r}: regularization_type is L1 or L2, not {p.regularization_type!r}"
            )
        return dropout.OutputDecay(p.output_decay, p.regularization_type == "L2")


@rule(types.GUIDED_DROPOUT)
class GuidedDropout(Elementwise):
    """Keeps the channels that its second bottom states."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.guided_dropout_param
        if p.type not in ("deterministic", "stochastic"):
            raise DefinitionError(f"layer {layer.name!r}: type is deterministic or stochastic, not {p.type!r}")
        return dropout.GuidedDropout(p.type == "stochastic", p.guidance_threshold, p.sigmoid_scaler)
