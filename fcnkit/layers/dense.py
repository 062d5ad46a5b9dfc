"""Blocks of DenseNet as single layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import dense
from fcnkit.types import dense as types

_BLOBS = ("weight", "scale", "bias", "mean", "variance")


@rule(types.DENSE_BLOCK)
class DenseBlock(Layer):
    """A block of DenseNet, whose blobs are those of all steps by kind: filters, scales, biases, means, variances.

    With use_BC those of the bottlenecks follow; the last blob is the divisor of means and variances.

    Source: senlinuc/caffe_ocr src/caffe/layers/DenseBlock_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.denseblock_param
        if len(bottoms[0]) != 4 or min(p.numTransition, p.growthRate) < 1:
            raise DefinitionError(
                f"layer {layer.name!r}: it reads bottoms of 4 axes, numTransition and growthRate must be positive"
            )
        others = (p.pad_h, p.pad_w, p.conv_verticalStride, p.conv_horizentalStride, p.filter_H, p.filter_W)
        if others != (1, 1, 1, 1, 3, 3):
            raise DefinitionError(f"layer {layer.name!r}: a step has filters of 3 x 3 pixels, a pad and a stride of 1")
        dropped = p.dropout_amount if p.use_dropout else 0.0
        decay = p.moving_average_fraction
        return dense.DenseBlock(bottoms[0][1], p.numTransition, p.growthRate, p.use_BC, decay, dropped)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        p = layer.denseblock_param
        kinds = ("", "_bottleneck") if p.use_BC else ("",)
        named = (
            getattr(module, f"{name}{kind}{step}")
            for kind in kinds
            for name in _BLOBS
            for step in range(p.numTransition)
        )
        blobs = [blob if blob.dim() == 4 else blob.view(1, -1, 1, 1) for blob in named]
        return [*blobs, module.get_buffer("count")]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.denseblock_param
        kinds = [p.Filter_Filler, p.BN_Scaler_Filler, p.BN_Bias_Filler, FillerParameter(), FillerParameter(value=1)]
        once = [filler for filler in kinds for _ in range(p.numTransition)]
        return [*once * (2 if p.use_BC else 1), FillerParameter()]

    def batchwise(self, layer: LayerParameter) -> bool:
        return True

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        filters = sum(blob.numel() for name, blob in module.named_parameters() if name.startswith("weight"))
        return int(filters * tops[0][0] * math.prod(tops[0][2:]))
