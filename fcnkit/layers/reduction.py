"""Layers that reduce axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, canonical_axis, rule
from fcnkit.nn import reduction
from fcnkit.types import reduction as types


@rule(types.ARG_MAX)
class ArgMax(Layer):
    """The positions, or the values, of the top_k largest values of each item, or along an axis."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.argmax_param
        axis = canonical_axis(layer, p.axis, bottoms[0]) if p.HasField("axis") else None
        searched = math.prod(bottoms[0][1:]) if axis is None else bottoms[0][axis]
        if not 1 <= p.top_k <= searched:
            raise DefinitionError(f"layer {layer.name!r}: top_k {p.top_k} must be from 1 to {searched}")
        return reduction.ArgMax(p.top_k, axis, p.out_max_val)

    def batchwise(self, layer: LayerParameter) -> bool:
        p = layer.argmax_param
        return bool(not p.HasField("axis") or p.axis > 0)


@rule(types.REDUCTION)
class Reduction(Layer):
    """The sum, mean, sum of absolute values or sum of squares over all axes from one on."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.reduction_param
        axis = canonical_axis(layer, p.axis, bottoms[0])
        return reduction.Reduction(p.ReductionOp.Name(p.operation), axis, p.coeff)

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.reduction_param.axis > 0)


@rule(types.SCALES_MAXOUT)
class ScalesMaxout(Layer):
    """The largest positive values of regions that were pooled at several scales of an image."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return reduction.ScalesMaxout()
