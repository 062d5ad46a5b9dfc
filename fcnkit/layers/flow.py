"""Layers of nets for optical flow and stereo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import flow, resizing
from fcnkit.types import flow as types


@rule(types.CORRELATION)
class Correlation(Elementwise):
    """Compares squares of its first bottom with displaced squares of its second."""

    vertical = True

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.correlation_param
        if not p.kernel_size % 2 or not p.HasField("max_displacement") or min(p.stride_1, p.stride_2) < 1:
            raise DefinitionError(
                f"layer {layer.name!r}: an odd kernel_size, max_displacement and positive strides must be given"
            )
        direction = 0 if self.vertical else (p.single_direction > 0) - (p.single_direction < 0)
        subtract = p.correlation_type == p.SUBTRACT
        return flow.Correlation(
            p.kernel_size, p.max_displacement, p.pad, p.stride_1, p.stride_2, subtract, self.vertical, direction
        )

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(math.prod(tops[0]) * bottoms[0][1] * module.kernel**2)


@rule(types.CORRELATION_1D)
class Correlation1D(Correlation):
    """The same with horizontal displacements alone."""

    vertical = False


@rule(types.FLOW_WARP)
class FlowWarp(Elementwise):
    """Reads each pixel of its first bottom at the position to which the second displaces it."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.flow_warp_param
        return flow.FlowWarp(math.nan if p.fill_value == p.NOT_A_NUMBER else 0.0)


@rule(types.RESAMPLE)
class Resample(Elementwise):
    """Interpolates to a stated size, or to that of a second bottom."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.resample_param
        kind = p.ResampleType.Name(p.type)
        if kind == "AREA":
            raise DefinitionError(f"layer {layer.name!r}: type is NEAREST, LINEAR or CUBIC, not AREA")
        return resizing.Resample(kind, _size(layer, (p.height, p.width)), p.antialias)


@rule(types.DOWNSAMPLE)
class Downsample(Elementwise):
    """Shrinks to a stated size, or to that of a second bottom."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.downsample_param
        return resizing.Downsample(_size(layer, (p.top_height, p.top_width)))


@rule(types.ACCUM)
class Accum(Elementwise):
    """Enlarges its bottoms to one size and joins them."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.accum_param
        if p.have_reference and len(bottoms) < 2:
            raise DefinitionError(f"layer {layer.name!r}: a reference is a second bottom")
        return flow.Accum((p.top_height, p.top_width), p.size_divisible_by, p.have_reference)


@rule(types.CHANNEL_NORM)
class ChannelNorm(Elementwise):
    """The length of the vector of channels at each pixel."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return flow.ChannelNorm()


@rule(types.MEAN)
class Mean(Elementwise):
    """Adds or subtracts values by channel."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.mean_param
        if not p.value:
            raise DefinitionError(f"layer {layer.name!r}: its values must be given; a file of means is not read")
        factor = p.mean_scale * (-1 if p.operation == p.SUBTRACT else 1)
        return flow.Mean([factor * value for value in p.value], p.input_scale, p.output_scale)


@rule(types.NEG_RELU)
class NegReLU(Elementwise):
    """min(x, 0), or negative_slope * x above 0."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return flow.NegReLU(layer.relu_param.negative_slope)


@rule(types.NEG_SQUARE)
class NegSquare(Elementwise):
    """-x * x."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return flow.NegSquare()


@rule(types.EXP_MAX)
class ExpMax(Elementwise):
    """base ** (shift + scale * x), with x less the largest value of each pixel's channels.

    The fork finds the largest values of the first item of a batch alone.

    Source: twhui/LiteFlowNet src/caffe/layers/expmax_layer.cpp, LayerSetUp, and expmax_layer.cu, Forward_gpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.expmax_param
        if p.base != -1 and not 0 < p.base < math.inf:
            raise DefinitionError(f"layer {layer.name!r}: base {p.base:g} must be positive, or -1 for e")
        base = 1.0 if p.base == -1 else math.log(p.base)
        return flow.ExpMax(base * p.scale, math.exp(base * p.shift))


@rule(types.DATA_AUGMENTATION)
class DataAugmentation(Elementwise):
    """Subtracts the mean that was found in training, or that the definition states; it augments nothing.

    Blobs are the number of iterations, the mean of each pixel and the mean of each channel.

    Source: lmb-freiburg/flownet2 src/caffe/layers/data_augmentation_layer.cpp, LayerSetUp and adjust_blobs.
    """

    blob_names = ("iterations", "mean_of_pixels", "mean")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.augmentation_param
        if len(layer.bottom) > 1 or len(layer.top) > 1:
            raise DefinitionError(f"layer {layer.name!r}: augmentation is not supported; convert the net for inference")
        _, channels, *sizes = bottoms[0]
        size = [p.crop_height, p.crop_width] if p.HasField("crop_height") and p.HasField("crop_width") else []
        pixelwise = self._recomputes(layer) and p.mean_per_pixel
        values = list(p.mean) if len(p.mean) == 3 and not (self._recomputes(layer) or p.mean_per_pixel) else []
        if values and channels != 3:
            raise DefinitionError(f"layer {layer.name!r}: its mean has 3 values, the bottom {channels} channels")
        plane = (size or sizes) if pixelwise else (1, 1)
        return flow.MeanSubtraction(channels, size, pixelwise, plane, values)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Any]:
        return super().blobs(module, layer)[: 3 if self._recomputes(layer) else 1]

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        if len(stored) == 3 and not layer.augmentation_param.mean_per_pixel:
            # The mean of each pixel has the size of the images in training, and is not used.
            return stored[0], stored[2].reshape(1, -1, 1, 1), stored[2]
        return stored

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [FillerParameter()] * (3 if self._recomputes(layer) else 1)

    @staticmethod
    def _recomputes(layer: LayerParameter) -> bool:
        return bool(layer.augmentation_param.recompute_mean)


def _size(layer: LayerParameter, size: tuple[int, int]) -> tuple[int, int] | tuple[()]:
    """The size of the top, () if a second bottom gives it."""
    if len(layer.bottom) > 1:
        return ()
    if min(size) < 1:
        raise DefinitionError(f"layer {layer.name!r}: height and width must be given, or a second bottom")
    return size
