"""Layers of nets for video, whose blobs have an axis of time between the channels and the height."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule, uninitialized
from fcnkit.types import volumes as types
from fcnkit.types.volumes import settings_field


@rule(types.CONVOLUTION_3D)
class Convolution3D(Elementwise):
    """Filters of shape (num_output, channels, depth, size, size), and a bias of shape (1, 1, 1, 1, num_output).

    The fork computes filter_group groups of outputs one after the other, from all channels each.

    Source: facebook/C3D C3D-v1.1/src/caffe/layers/convolution3d_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")
    kind: type[nn.Module] = nn.Conv3d

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        _require_volume(layer, bottoms[0])
        p = self._settings(layer)
        side = _one(layer, "kernel_size", p.kernel_size)
        if min(p.num_output, side, p.kernel_depth) < 1:
            raise DefinitionError(f"layer {layer.name!r}: num_output, kernel_size and kernel_depth must be positive")
        stride, pad = _one(layer, "stride", p.stride, 1), _one(layer, "pad", p.pad, 0)
        return uninitialized(
            self.kind,
            bottoms[0][1],
            p.num_output,
            (p.kernel_depth, side, side),
            stride=(p.temporal_stride, stride, stride),
            padding=(p.temporal_pad, pad, pad),
            bias=p.bias_term,
        )

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        weight, *bias = super().blobs(module, layer)
        return [weight, *(each.view(1, 1, 1, 1, -1) for each in bias)]

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return [stored[0], *(bias.reshape(1, 1, 1, 1, -1) for bias in stored[1:])]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = self._settings(layer)
        return [p.weight_filler, p.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0]) * int(math.prod(module.weight.shape[1:]))

    @staticmethod
    def _settings(layer: LayerParameter) -> Any:
        return getattr(layer, settings_field(layer, "convolution"))


@rule(types.DECONVOLUTION_3D)
class Deconvolution3D(Convolution3D):
    """Filters of shape (channels, num_output, depth, size, size).

    Source: facebook/C3D C3D-v1.1/src/caffe/layers/deconvolution3d_layer.cpp, LayerSetUp.
    """

    kind = nn.ConvTranspose3d

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(bottoms[0]) * int(math.prod(module.weight.shape[1:]))


@rule(types.POOLING_3D)
class Pooling3D(Elementwise):
    """Maximum or average pooling; the number of windows is rounded up.

    Source: facebook/C3D C3D-v1.1/src/caffe/layers/pool3d_layer.cpp; ZhaofanQiu/pseudo-3d-residual-networks
    caffe_add_layers/src/pooling3d_layer.cpp for kernel_l, stride_l and pad_l.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        _require_volume(layer, bottoms[0])
        p: Any = getattr(layer, settings_field(layer, "pooling"))
        depth, stride, pad = p.kernel_depth, p.temporal_stride, 0
        if settings_field(layer, "pooling") == "pooling3d_param" and p.HasField("kernel_l"):
            depth, stride, pad = p.kernel_l, p.stride_l, p.pad_l
        if min(p.kernel_size, depth) < 1:
            raise DefinitionError(f"layer {layer.name!r}: kernel_size and kernel_depth must be positive")
        return _pool(layer, p, (depth, p.kernel_size, p.kernel_size), (stride, p.stride, p.stride), (pad, p.pad, p.pad))


@rule(types.ND_CONVOLUTION)
class NdConvolution(Layer):
    """A Convolution whose kernel, stride and pad are given as shapes.

    Source: chuckcho/video-caffe src/caffe/layers/cudnn_ndconv_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        _require_volume(layer, bottoms[0])
        p, channels = layer.convolution_param, bottoms[0][1]
        kernel, stride, pad = _shapes(layer, p)
        if not p.num_output or p.group < 1 or channels % p.group or p.num_output % p.group:
            raise DefinitionError(
                f"layer {layer.name!r}: group {p.group} must divide {channels} channels and num_output {p.num_output}"
            )
        return uninitialized(
            nn.Conv3d, channels, p.num_output, kernel, stride=stride, padding=pad, groups=p.group, bias=p.bias_term
        )

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.convolution_param.weight_filler, layer.convolution_param.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0]) * int(math.prod(module.weight.shape[1:]))

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.ND_POOLING)
class NdPooling(Elementwise):
    """A Pooling whose kernel, stride and pad are given as shapes.

    Source: chuckcho/video-caffe src/caffe/layers/cudnn_ndpooling_layer.cpp, Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        _require_volume(layer, bottoms[0])
        p = layer.pooling_param
        if p.global_pooling:
            return nn.AdaptiveMaxPool3d(1) if p.pool == p.MAX else nn.AdaptiveAvgPool3d(1)
        return _pool(layer, p, *_shapes(layer, p))


def _pool(layer: LayerParameter, settings: Any, kernel: Shape, stride: Shape, pad: Shape) -> nn.Module:
    if settings.pool == settings.STOCHASTIC:
        raise DefinitionError(f"layer {layer.name!r}: pool is MAX or AVE, not STOCHASTIC")
    module: Any = nn.MaxPool3d if settings.pool == settings.MAX else nn.AvgPool3d
    built: nn.Module = module(kernel, stride, pad, ceil_mode=True)
    return built


def _require_volume(layer: LayerParameter, bottom: Shape) -> None:
    if len(bottom) != 5:
        raise DefinitionError(
            f"layer {layer.name!r}: {layer.type} reads blobs of 5 axes, batch, channels, time, height and width, not of"
            f" shape {bottom}"
        )


def _one(layer: LayerParameter, field: str, value: Any, default: int = 0) -> int:
    """A size for height and width; in version 1.0 the field is one that BVLC repeats."""
    values = [value] if isinstance(value, int) else list(value) or [default]
    if len(values) != 1:
        raise DefinitionError(f"layer {layer.name!r}: {field} is given {len(values)} times; give it once")
    return int(values[0])


def _shapes(layer: LayerParameter, settings: Any) -> tuple[Shape, Shape, Shape]:
    kernel, stride, pad = (
        tuple(getattr(settings, f"{field}_shape").dim) or default
        for field, default in (("kernel", ()), ("stride", (1, 1, 1)), ("pad", (0, 0, 0)))
    )
    if {len(kernel), len(stride), len(pad)} != {3} or min(*kernel, *stride) < 1:
        raise DefinitionError(
            f"layer {layer.name!r}: kernel_shape, stride_shape and pad_shape have 3 sizes each: time, height, width"
        )
    return kernel, stride, pad
