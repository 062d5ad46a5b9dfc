"""Layers with a matrix: fully connected ones, and tables of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter, NetParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule, uninitialized
from fcnkit.nn import linear
from fcnkit.types import captioning
from fcnkit.types import linear as types

# Types of a Caffe whose Embed reads a last axis of length 1 as BVLC's does not.
_OF_CAPTIONS = {captioning.LSTM_NODE.name, captioning.BEAM_SEARCH_NODE.name}


@rule(types.EMBED)
class Embed(Layer):
    """A table of shape (input_dim, num_output); each value of the bottom selects a row."""

    blob_names = ("weight", "bias")
    module: type[linear.Embed] = linear.Embed

    def in_net(self, layer: LayerParameter, net: NetParameter) -> Layer:
        if not any(other.type in _OF_CAPTIONS for other in net.layer):
            return self
        of_numbers = _EmbedOfNumbers()
        of_numbers.record = self.record
        return of_numbers

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.embed_param
        if p.num_output < 1 or p.input_dim < 1:
            raise DefinitionError(f"layer {layer.name!r}: num_output and input_dim must be positive")
        built: nn.Module = uninitialized(self.module, p.input_dim, p.num_output, bias=p.bias_term)
        return built

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.embed_param.weight_filler, layer.embed_param.bias_filler]

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


class _EmbedOfNumbers(Embed):
    module = linear.EmbedOfNumbers


@rule(types.INNER_PRODUCT)
class InnerProduct(Layer):
    """Weights of shape (num_output, inputs), or (inputs, num_output) if `transpose` is set.

    With happynear's `normalize` each row of the weights is divided by its length.

    Source: happynear/caffe-windows src/caffe/layers/inner_product_layer.cpp, Forward_cpu.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.inner_product_param
        inputs = math.prod(bottoms[0][p.axis :])
        if not p.num_output or not inputs:
            sizes = f"{inputs} inputs and num_output {p.num_output}"
            raise DefinitionError(f"layer {layer.name!r}: {sizes} must be positive")
        if p.normalize and p.transpose:
            raise DefinitionError(f"layer {layer.name!r}: normalize needs weights that are not transposed")
        kind = linear.CosineProduct if p.normalize else linear.InnerProduct
        return uninitialized(kind, inputs, p.num_output, bias=p.bias_term, axis=p.axis)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        weight, *bias = super().blobs(module, layer)
        return [weight.t() if layer.inner_product_param.transpose else weight, *bias]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.inner_product_param.weight_filler, layer.inner_product_param.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0]) * int(module.weight.shape[1])

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.inner_product_param.axis == 1)


@rule(types.CENTER_PROJECTION)
class CenterProjection(Layer):
    """Products with rows of weights of one length.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/layers/center_projection_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.center_projection_param
        inputs = math.prod(bottoms[0][p.axis :])
        if not p.num_output or not inputs or p.transpose:
            sizes = f"{inputs} inputs and num_output {p.num_output}"
            raise DefinitionError(f"layer {layer.name!r}: {sizes} must be positive, and transpose is not computed")
        return uninitialized(linear.CenterProjection, inputs, p.num_output, p.bias_term, p.axis, p.scale)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.center_projection_param.weight_filler, layer.center_projection_param.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0]) * int(module.weight.shape[1])


@rule(types.INNER_DISTANCE)
class InnerDistance(Layer):
    """Squared distances to each row of a weight, or of a second bottom; with distance_type L1 absolute ones."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.inner_distance_param
        if p.distance_type not in ("L1", "L2") or p.transpose:
            raise DefinitionError(f"layer {layer.name!r}: distance_type is L2 or L1, and transpose is not supported")
        inputs = math.prod(bottoms[0][p.axis :])
        rows = p.num_output if len(bottoms) == 1 else 0
        if len(bottoms) == 1 and not (rows and inputs):
            raise DefinitionError(f"layer {layer.name!r}: {inputs} inputs and num_output {rows} must be positive")
        return linear.InnerDistance(inputs, rows, p.axis, int(p.distance_type[1]), p.normalize)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        return [] if len(layer.bottom) > 1 else [module.get_parameter("weight")]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.inner_distance_param.weight_filler]
