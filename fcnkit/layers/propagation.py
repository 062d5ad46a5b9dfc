"""Layers that pass values on from pixel to pixel, along rows or columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import propagation
from fcnkit.types import propagation as types


@rule(types.GATE_RECURRENT)
class GateRecurrent(Layer):
    """A recursive filter along rows or columns, whose strength a second bottom states at each pixel.

    Source: Liusifei/caffe-lowlevel src/caffe/layers/gaterecurrent_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight_x", "weight_h", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.gaterecurrent_param
        if len(bottoms[0]) != 4 or not p.num_output or (not p.use_wx and bottoms[0][1] != p.num_output):
            raise DefinitionError(
                f"layer {layer.name!r}: a bottom of 4 axes and num_output are needed, as many as its channels without"
                " use_wx"
            )
        return propagation.GatedFilter(
            bottoms[0][1],
            p.num_output,
            p.horizontal,
            p.reverse,
            (p.use_wx, p.use_wh, p.use_bias),
            p.Active.Name(p.active),
            p.restrict_w if p.restrict_w > 0 else math.inf,
            p.restrict_g,
        )

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.gaterecurrent_param
        return [p.weight_filler, p.weight_filler, p.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        weights = int(module.weight_x.numel() * module.uses[0] + module.weight_h.numel() * module.uses[1])
        return weights * bottoms[0][0] * math.prod(bottoms[0][2:])
