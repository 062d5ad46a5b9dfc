"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.caffe.geometry import pooling_window
from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.nn.pooling import Pool2d


@layer("Pooling")
class Pooling(Layer):
    """Maximum or average; the number of windows is rounded up unless round_mode says FLOOR."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.pooling_param
        method = {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}[p.pool]
        if len(bottoms[0]) != 4:
            raise DefinitionError(f"layer {layer.name!r}: Pooling reads blobs of 4 axes, not of shape {bottoms[0]}")
        if p.global_pooling:
            return nn.AdaptiveMaxPool2d(1) if method == "MAX" else nn.AdaptiveAvgPool2d(1)
        kernel, stride, pad, _ = pooling_window(layer)
        ceil = p.round_mode == 0
        pads_fit = all(2 * pad_ <= kernel_ for pad_, kernel_ in zip(pad, kernel, strict=True))
        gaps = ceil and any(s > k and not pad_ for s, k, pad_ in zip(stride, kernel, pad, strict=True))
        if not pads_fit or gaps:
            return Pool2d(method, kernel, stride, pad, ceil)
        module: Any = nn.MaxPool2d if method == "MAX" else nn.AvgPool2d
        built: nn.Module = module(kernel, stride, pad, ceil_mode=ceil)
        return built

    def batchwise(self, layer: Message) -> bool:
        return True
