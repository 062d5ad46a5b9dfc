"""Layers that normalize or scale a blob."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, canonical_axis, layer
from fcnkit.nn.affine import Bias as BiasModule
from fcnkit.nn.affine import Scale as ScaleModule
from fcnkit.nn.normalization import BatchNorm as BatchNormModule
from fcnkit.nn.normalization import LRNWithinChannel, MeanVarianceNorm


@layer("BatchNorm")
class BatchNorm(Layer):
    """Normalizes each channel by stored statistics, or by those of the batch; Caffe's Scale layer scales after it.

    NVCaffe's has two more blobs where scale_bias, scale_filler or bias_filler is given: it scales itself then, and
    has in place of the scale factor a number that does nothing. Its version 0.15 stored scale and bias first, that
    number last, and all of them with four axes.

    Source: BVLC/caffe src/caffe/layers/batch_norm_layer.cpp; NVIDIA/caffe (branch caffe-0.17)
    src/caffe/layers/batch_norm_layer.cpp, and src/caffe/net.cpp, CopyTrainedLayersFrom.
    """

    bottom_count = (1, 1)
    blob_names = ("mean", "variance", "scale_factor")

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.batch_norm_param
        if len(bottoms[0]) < 2:
            raise DefinitionError(f"layer {layer.name!r}: BatchNorm reads blobs of 2 axes or more, not {bottoms[0]}")
        if self._scales(layer):
            if len(bottoms[0]) != 4:
                raise DefinitionError(f"layer {layer.name!r}: a BatchNorm that scales reads 4 axes, not {bottoms[0]}")
            module = nn.BatchNorm2d(bottoms[0][1], max(p.eps, 1e-5), 1 - p.moving_average_fraction)
            module.register_buffer("scale_factor", torch.ones(1))
            return module
        stored = p.use_global_stats if p.HasField("use_global_stats") else None
        return BatchNormModule(bottoms[0][1], p.eps, p.moving_average_fraction, stored)

    def blobs(self, module: nn.Module, layer: Message) -> list[Tensor]:
        if not self._scales(layer):
            return super().blobs(module, layer)
        return [getattr(module, name) for name in ("running_mean", "running_var", "scale_factor", "weight", "bias")]

    def in_order(self, layer: Message, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        if self._scales(layer) and len(stored) == 5 and stored[4].size == 1 < stored[0].size:
            scale, bias, mean, variance, unused = (array.reshape(-1) for array in stored)
            return mean, variance, unused, scale, bias
        return stored

    def fillers(self, layer: Message) -> list[Message]:
        p = layer.batch_norm_param
        if not self._scales(layer):
            return []
        constants = [type(p.scale_filler)(value=value) for value in (0, 0, 1)]
        scale = p.scale_filler if p.HasField("scale_filler") else constants[2]
        return [*constants, scale, p.bias_filler]

    def batchwise(self, layer: Message) -> bool:
        p = layer.batch_norm_param
        return self._scales(layer) or bool(p.use_global_stats or not p.HasField("use_global_stats"))

    @staticmethod
    def _scales(layer: Message) -> bool:
        p = layer.batch_norm_param
        return bool(p.scale_bias or p.HasField("scale_filler") or p.HasField("bias_filler"))


@layer("Bias")
class Bias(Layer):
    """Adds weights along num_axes axes from axis on, or a second bottom in their place."""

    bottom_count = (1, 2)
    blob_names = ("bias",)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.bias_param
        shape = None if len(bottoms) > 1 else axes_shape(layer, bottoms[0], p.axis, p.num_axes)
        return BiasModule(shape, p.axis)

    def fillers(self, layer: Message) -> list[Message]:
        return [layer.bias_param.filler]

    def batchwise(self, layer: Message) -> bool:
        return lies_behind_the_batch(layer, layer.bias_param.axis)


@layer("LRN")
class LRN(Layer):
    """Local response normalization, across channels or within each; alpha is divided by the window's size."""

    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.lrn_param
        if p.local_size % 2 == 0:
            raise DefinitionError(f"layer {layer.name!r}: local_size {p.local_size} must be odd")
        if p.norm_region == 0:
            return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)
        return LRNWithinChannel(p.local_size, p.alpha, p.beta)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("MVN")
class MVN(Layer):
    """Mean 0 and, unless normalize_variance is off, variance 1 of each channel or of each item."""

    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.mvn_param
        return MeanVarianceNorm(p.across_channels, p.normalize_variance, p.eps)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Scale")
class Scale(Layer):
    """Weights along num_axes axes from axis on, or a second bottom in their place; the last blob is the bias."""

    bottom_count = (1, 2)
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
        return lies_behind_the_batch(layer, layer.scale_param.axis)


def axes_shape(layer: Message, bottom: Shape, axis: int, num_axes: int) -> Shape:
    """The part of a bottom's shape that a layer's weights lie along: num_axes from axis on, -1 for all.

    Source: BVLC/caffe src/caffe/layers/scale_layer.cpp, LayerSetUp.
    """
    start = canonical_axis(layer, axis, bottom)
    stop = len(bottom) if num_axes == -1 else start + num_axes
    if not start <= stop <= len(bottom):
        raise DefinitionError(f"layer {layer.name!r}: axis {axis} and num_axes {num_axes} leave the bottom {bottom}")
    return bottom[start:stop]


def lies_behind_the_batch(layer: Message, axis: int) -> bool:
    """Whether no batch axis is among those that a Bias or Scale layer's weights, or its second bottom, lie along."""
    return axis > 0 and len(layer.bottom) == 1
