"""Layers with filters that slide over a blob."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule, uninitialized
from fcnkit.nn.convolution import DeformableConv2d, Local2d, PaddedConv2d
from fcnkit.types import convolution as types
from fcnkit.types.windows import Sides, Window, convolution_window, sides_of

_CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}

_DECONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class _Filters(Layer):
    blob_names = ("weight", "bias")

    def modules(self) -> dict[int, type[nn.Module]]:
        """The torch module by number of spatial axes."""
        raise NotImplementedError

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.convolution_param
        axes = len(bottoms[0]) - 2
        if p.axis not in (1, 1 - len(bottoms[0])) or axes not in self.modules():
            raise DefinitionError(
                f"layer {layer.name!r}: a {layer.type} runs over 1 to 3 axes after the channels, which are axis 1;"
                f" bottom shape {bottoms[0]}, axis {p.axis}"
            )
        window = convolution_window(layer, axes)
        channels = bottoms[0][1]
        if not p.num_output or p.group < 1 or channels % p.group or p.num_output % p.group:
            raise DefinitionError(
                f"layer {layer.name!r}: group {p.group} must divide {channels} channels and num_output {p.num_output}"
            )
        sides = sides_of(layer, p)
        if sides is not None:
            return self.padded(layer, channels, window, sides)
        return uninitialized(
            self.modules()[axes],
            channels,
            p.num_output,
            window.kernel,
            stride=window.stride,
            padding=window.pad,
            dilation=window.dilation,
            groups=p.group,
            bias=p.bias_term,
        )

    def padded(self, layer: LayerParameter, channels: int, window: Window, sides: Sides) -> nn.Module:
        """The module for a pad that differs between opposite sides."""
        raise DefinitionError(f"layer {layer.name!r}: a {layer.type} has the same pad on opposite sides")

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.convolution_param.weight_filler, layer.convolution_param.bias_filler]

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.CONVOLUTION)
class Convolution(_Filters):
    """Filters of shape (num_output, channels / group, kernel...), one application per value of a top."""

    def padded(self, layer: LayerParameter, channels: int, window: Window, sides: Sides) -> nn.Module:
        p = layer.convolution_param
        if len(window.kernel) != 2:
            raise DefinitionError(f"layer {layer.name!r}: a pad for each side is for 2 spatial axes")
        return uninitialized(
            PaddedConv2d,
            channels,
            p.num_output,
            window.kernel,
            stride=window.stride,
            dilation=window.dilation,
            groups=p.group,
            bias=p.bias_term,
            sides=None if sides.same else sides[:4],
        )

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return sum(map(math.prod, tops)) * int(math.prod(module.weight.shape[1:]))

    def modules(self) -> dict[int, type[nn.Module]]:
        return _CONVOLUTIONS


@rule(types.DECONVOLUTION)
class Deconvolution(_Filters):
    """Filters of shape (channels, num_output / group, kernel...): PyTorch's own layout, without flipping."""

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return sum(map(math.prod, bottoms)) * int(math.prod(module.weight.shape[1:]))

    def modules(self) -> dict[int, type[nn.Module]]:
        return _DECONVOLUTIONS


@rule(types.DEPTHWISE_CONVOLUTION)
class DepthwiseConvolution(Convolution):
    """A Convolution under another name, with as many groups as channels.

    Source: yonghenglh6/DepthwiseConvolution caffe/src/caffe/layers/depthwise_conv_layer.cpp.
    """


@rule(types.CONVOLUTION_DEPTHWISE)
class ConvolutionDepthwise(Convolution):
    """A Convolution with a filter for each channel; num_output and group are ignored.

    Source: openvinotoolkit/training_toolbox_caffe src/caffe/layers/conv_dw_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        single = type(layer)()
        single.CopyFrom(layer)
        single.convolution_param.num_output = single.convolution_param.group = bottoms[0][1]
        return super().build(single, bottoms)


@rule(types.DEFORMABLE_CONVOLUTION)
class DeformableConvolution(Elementwise):
    """Filters of shape (num_output, channels / group, kernel...), whose taps the second bottom moves.

    Source: unsky/Deformable-ConvNets-caffe caffe/src/caffe/layers/deformable_conv_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.deformable_convolution_param
        plain = type(layer)(name=layer.name, type=layer.type, convolution_param=p)
        if len(bottoms[0]) != 4 or p.axis not in (1, -3) or sides_of(plain, p) is not None:
            raise DefinitionError(f"layer {layer.name!r}: {layer.type} reads blobs of 4 axes, not {bottoms[0]}")
        channels, window = bottoms[0][1], convolution_window(plain, 2)
        divisors = (p.group, p.deformable_group)
        if not p.num_output or min(divisors) < 1 or p.num_output % p.group or any(channels % each for each in divisors):
            raise DefinitionError(
                f"layer {layer.name!r}: group {p.group} must divide {channels} channels and num_output {p.num_output},"
                f" and deformable_group {p.deformable_group} the channels"
            )
        return uninitialized(
            DeformableConv2d,
            channels,
            p.num_output,
            window.kernel,
            window.stride,
            window.pad,
            window.dilation,
            groups=p.group,
            parts=p.deformable_group,
            bias=p.bias_term,
        )

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.deformable_convolution_param
        return [p.weight_filler, p.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return sum(map(math.prod, tops)) * int(math.prod(module.weight.shape[1:]))


@rule(types.LOCAL)
class Local(Elementwise):
    """A filter of its own for each pixel of the top."""

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.local_param
        if len(bottoms[0]) != 4 or not p.num_output or not 0 < p.kernel_size <= min(bottoms[0][2:]) or not p.stride:
            raise DefinitionError(
                f"layer {layer.name!r}: num_output {p.num_output}, kernel_size {p.kernel_size} and stride {p.stride}"
                f" must be positive, and the kernel not larger than the bottom {bottoms[0]}"
            )
        _, channels, *size = bottoms[0]
        return uninitialized(
            Local2d, channels, p.num_output, tuple(size), p.kernel_size, p.stride, p.pad, bias=p.bias_term
        )

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.local_param.weight_filler, layer.local_param.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(tops[0][0] * module.weight.numel())
