"""Layers with filters or a table of rows: Convolution, Deconvolution, InnerProduct, Embed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.geometry.windows import convolution_window
from fcnkit.layers.base import Layer, Shape, layer, uninitialized
from fcnkit.nn.affine import Embed as EmbedModule
from fcnkit.nn.affine import InnerProduct as InnerProductModule

_CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_DECONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class _Filters(Layer):
    bottom_count = (1, None)
    blob_names = ("weight", "bias")
    per_bottom = True

    def modules(self) -> dict[int, type[nn.Module]]:
        """The torch module by number of spatial axes."""
        raise NotImplementedError

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
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

    def fillers(self, layer: Message) -> list[Message]:
        return [layer.convolution_param.weight_filler, layer.convolution_param.bias_filler]

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Convolution")
class Convolution(_Filters):
    """Filters of shape (num_output, channels / group, kernel...), each applied at each value of a top."""

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return sum(map(math.prod, tops)) * math.prod(module.weight.shape[1:])

    def modules(self) -> dict[int, type[nn.Module]]:
        return _CONVOLUTIONS


@layer("Deconvolution")
class Deconvolution(_Filters):
    """Filters of shape (channels, num_output / group, kernel...): PyTorch's own layout, nothing is flipped."""

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return sum(map(math.prod, bottoms)) * math.prod(module.weight.shape[1:])

    def modules(self) -> dict[int, type[nn.Module]]:
        return _DECONVOLUTIONS


@layer("Embed")
class Embed(Layer):
    """A table of shape (input_dim, num_output), from which each number of the bottom picks a row."""

    moves = True
    bottom_count = (1, 1)
    blob_names = ("weight", "bias")

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.embed_param
        if p.num_output < 1 or p.input_dim < 1:
            raise DefinitionError(f"layer {layer.name!r}: num_output and input_dim must be positive")
        built: nn.Module = uninitialized(EmbedModule, p.input_dim, p.num_output, bias=p.bias_term)
        return built

    def fillers(self, layer: Message) -> list[Message]:
        return [layer.embed_param.weight_filler, layer.embed_param.bias_filler]

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("InnerProduct")
class InnerProduct(Layer):
    """Weights of shape (num_output, inputs); stored the other way round where `transpose` is set."""

    bottom_count = (1, 1)
    blob_names = ("weight", "bias")

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.inner_product_param
        inputs = math.prod(bottoms[0][p.axis :])
        if not p.num_output or not inputs:
            sizes = f"{inputs} inputs and num_output {p.num_output}"
            raise DefinitionError(f"layer {layer.name!r}: {sizes} must be positive")
        return uninitialized(InnerProductModule, inputs, p.num_output, bias=p.bias_term, axis=p.axis)

    def blobs(self, module: nn.Module, layer: Message) -> list[Tensor]:
        weight, *bias = super().blobs(module, layer)
        return [weight.t() if layer.inner_product_param.transpose else weight, *bias]

    def fillers(self, layer: Message) -> list[Message]:
        return [layer.inner_product_param.weight_filler, layer.inner_product_param.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0]) * module.weight.shape[1]

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.inner_product_param.axis == 1)
