"""Layers that act on each element, or along the channels, and keep the shape."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.caffe.schema import Message
from fcnkit.layers.base import Layer, Shape, layer


class _Elementwise(Layer):
    def batchwise(self, layer: Message) -> bool:
        return True


@layer("ReLU")
class ReLU(_Elementwise):
    """max(x, 0), or negative_slope * x below 0."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        slope = layer.relu_param.negative_slope
        return nn.LeakyReLU(slope) if slope else nn.ReLU()


@layer("Dropout")
class Dropout(_Elementwise):
    """Identity in TEST; in TRAIN what is kept is scaled up, as PyTorch does."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Dropout(layer.dropout_param.dropout_ratio)


@layer("Softmax")
class Softmax(Layer):
    """Softmax over one axis, the channels by default."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Softmax(layer.softmax_param.axis)

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.softmax_param.axis > 0)
