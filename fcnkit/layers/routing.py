"""Layers that choose: regions for a map of their size, channels for a label."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import routing
from fcnkit.types import routing as types


@rule(types.SCALE_ROUTE)
class ScaleRoute(Layer):
    """The regions between two sizes, and their rows of the other bottoms.

    Source: zhaoweicai/cascade-rcnn src/caffe/layers/scale_route_layer.cpp, LayerSetUp and Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.scale_route_param
        low, high = (getattr(p, name) if p.HasField(name) else None for name in ("low_scale", "high_scale"))
        if (low is not None and low <= 0) or (high is not None and high < (low or 0)) or high == 0:
            raise DefinitionError(f"layer {layer.name!r}: low_scale must be positive, and high_scale no less")
        return routing.ScaleRoute(low, high)


@rule(types.MASK_OUTPUTS)
class MaskOutputs(Layer):
    """The group of kernel_size channels whose number the second bottom gives for each item."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        size, channels = layer.mask_outputs_param.kernel_size, bottoms[0][1] if len(bottoms[0]) > 1 else 0
        if not 1 <= size <= channels:
            raise DefinitionError(
                f"layer {layer.name!r}: kernel_size {size} must be from 1 to {channels}, the channels"
            )
        return routing.MaskOutputs(size)
