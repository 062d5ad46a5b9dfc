"""Bilinear pooling: the products of all pairs of channels, summed over the image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import bilinear
from fcnkit.types import bilinear as types


@rule(types.BILINEAR)
class Bilinear(Elementwise):
    """All products of two bottoms' channels, summed over the image."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return bilinear.Bilinear()

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return math.prod(tops[0]) * math.prod(bottoms[0][2:])


@rule(types.COMPACT_BILINEAR)
class CompactBilinear(Elementwise):
    """The same, approximated by num_output numbers."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.compact_bilinear_param
        if not p.num_output or any(len(bottom) != 4 for bottom in bottoms):
            raise DefinitionError(f"layer {layer.name!r}: num_output must be given, and bottoms of 4 axes")
        return bilinear.CompactBilinear((bottoms[0][1], bottoms[1][1]), p.num_output, p.sum_pool)
