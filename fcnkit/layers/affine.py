"""Layers that multiply a blob with weights along some of its axes, or add such weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, canonical_axis, rule
from fcnkit.nn import affine
from fcnkit.types import affine as types


@rule(types.AXPY)
class Axpy(Layer):
    """Multiplies the channels of its second bottom by the first bottom's factors, and adds the third.

    Source: hujie-frank/SENet src/caffe/layers/axpy_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return affine.Axpy()

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.BIAS)
class Bias(Layer):
    """Adds weights along num_axes axes from axis on, or a second bottom instead."""

    blob_names = ("bias",)

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.bias_param
        shape = None if len(bottoms) > 1 else axes_shape(layer, bottoms[0], p.axis, p.num_axes)
        return affine.Bias(shape, p.axis)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.bias_param.filler]

    def batchwise(self, layer: LayerParameter) -> bool:
        return lies_behind_the_batch(layer, layer.bias_param.axis)


@rule(types.SCALE)
class Scale(Layer):
    """Multiplies by weights along num_axes axes from axis on, or by a second bottom; the last blob is the bias."""

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.scale_param
        if len(bottoms) > 1:
            return affine.Scale(None, p.axis, bottoms[1] if p.bias_term else None)
        shape = axes_shape(layer, bottoms[0], p.axis, p.num_axes)
        return affine.Scale(shape, p.axis, shape if p.bias_term else None)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.scale_param
        weight = p.filler
        if not p.HasField("filler"):
            weight = type(p.filler)(value=1)
        return [p.bias_filler] if len(layer.bottom) > 1 else [weight, p.bias_filler]

    def batchwise(self, layer: LayerParameter) -> bool:
        return lies_behind_the_batch(layer, layer.scale_param.axis)


@rule(types.ELTWISE_AFFINE)
class EltwiseAffine(Elementwise):
    """Multiplies each channel by a weight and adds another, or one of each for all.

    Source: ducha-aiki/caffe src/caffe/layers/eltwise_affine_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        shape = () if layer.eltwise_affine_param.channel_shared else bottoms[0][1:2]
        return affine.Scale(shape, 1, shape)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.eltwise_affine_param
        weight = p.slope_filler if p.HasField("slope_filler") else FillerParameter(value=1.0001)
        return [weight, p.bias_filler if p.HasField("bias_filler") else FillerParameter(value=0.0001)]


def axes_shape(layer: LayerParameter, bottom: Shape, axis: int, num_axes: int) -> Shape:
    """The part of a bottom's shape that a layer's weights lie along: num_axes from axis on, -1 for all.

    Source: BVLC/caffe src/caffe/layers/scale_layer.cpp, LayerSetUp.
    """
    start = canonical_axis(layer, axis, bottom)
    stop = len(bottom) if num_axes == -1 else start + num_axes
    if not start <= stop <= len(bottom):
        raise DefinitionError(f"layer {layer.name!r}: axis {axis} and num_axes {num_axes} leave the bottom {bottom}")
    return bottom[start:stop]


def lies_behind_the_batch(layer: LayerParameter, axis: int) -> bool:
    """Whether no batch axis is among those that a Bias or Scale layer's weights, or its second bottom, lie along."""
    return axis > 0 and len(layer.bottom) == 1
