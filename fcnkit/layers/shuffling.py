"""Layers that move values from channels to pixels, or channels among each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import shuffling
from fcnkit.types import shuffling as types


@rule(types.REARRANGE)
class Rearrange(Elementwise):
    """Spreads groups of channels over squares of pixels, to depth channels; several bottoms are interleaved instead.

    Source: Ding-Liu/caffe-videoSR src/caffe/layers/rearrange_layer.cpp; zlthinker/caffe
    src/caffe/layers/rearrange_layer.cpp and .cu for several bottoms.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms) > 1:
            if len({*bottoms}) > 1:
                raise DefinitionError(
                    f"layer {layer.name!r}: Rearrange interleaves bottoms of one shape, not {bottoms}"
                )
            return shuffling.Interleave()
        depth, bottom = layer.rearrange_param.depth, bottoms[0]
        channels = bottom[1] if len(bottom) == 4 else 0
        factor = math.isqrt(channels // depth) if depth > 0 else 0
        if not factor or channels != depth * factor**2:
            raise DefinitionError(
                f"layer {layer.name!r}: Rearrange reads depth {depth} times a square number of channels, not {bottom}"
            )
        return nn.PixelShuffle(factor)
