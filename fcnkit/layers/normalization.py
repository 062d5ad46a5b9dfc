"""Layers that normalize or scale a blob."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.nn.affine import Scale as ScaleModule
from fcnkit.nn.normalization import LRNWithinChannel


@layer("LRN")
class LRN(Layer):
    """Local response normalization, across channels or within each; alpha is divided by the window's size."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.lrn_param
        if p.local_size % 2 == 0:
            raise DefinitionError(f"layer {layer.name!r}: local_size {p.local_size} must be odd")
        if p.norm_region == 0:
            return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)
        return LRNWithinChannel(p.local_size, p.alpha, p.beta)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Scale")
class Scale(Layer):
    """Weights along num_axes axes from axis on, or a second bottom in their place; the last blob is the bias."""

    blob_names = ("weight", "bias")

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.scale_param
        if len(bottoms) > 1:
            return ScaleModule(None, p.axis, bottoms[1] if p.bias_term else None)
        shape = axes_shape(layer, bottoms[0], p.axis, p.num_axes)
        return ScaleModule(shape, p.axis, shape if p.bias_term else None)

    def fillers(self, layer: Message) -> list[Message]:
        p = layer.scale_param
        weight = p.filler
        if not p.HasField("filler"):
            weight = type(p.filler)(value=1)
        return [p.bias_filler] if len(layer.bottom) > 1 else [weight, p.bias_filler]

    def batchwise(self, layer: Message) -> bool:
        # A second bottom that lies along the batch axis would shrink with the batch.
        return bool(layer.scale_param.axis > 0)


def axes_shape(layer: Message, bottom: Shape, axis: int, num_axes: int) -> Shape:
    """The part of a bottom's shape that a layer's weights lie along: num_axes from axis on, -1 for all.

    Source: BVLC/caffe src/caffe/layers/scale_layer.cpp, LayerSetUp.
    """
    start = axis % len(bottom)
    stop = len(bottom) if num_axes == -1 else start + num_axes
    if not start <= stop <= len(bottom):
        raise DefinitionError(f"layer {layer.name!r}: axis {axis} and num_axes {num_axes} leave the bottom {bottom}")
    return bottom[start:stop]
