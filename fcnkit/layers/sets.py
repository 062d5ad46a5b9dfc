"""Layers that make one item of a set of images, weighted by their quality."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import normalization, sets
from fcnkit.types import sets as types


@rule(types.BATCH_POOL)
class BatchPool(Layer):
    """Pools all items of a batch into one."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.batch_pool_param
        if p.pool == p.STOCHASTIC:
            raise DefinitionError(f"layer {layer.name!r}: BatchPool computes MAX and AVE, not STOCHASTIC")
        return sets.SetPool(p.pool == p.MAX)


@rule(types.GLOBAL_SUM_POOLING)
class GlobalSumPooling(Layer):
    """Adds all items of a batch: the scores of an image's regions, in ppengtang/oicr."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return sets.SetSum()


@rule(types.NORMALIZATION)
class Normalization(Layer):
    """Divides each item by its length, or with the norm L1 the numbers of all items by their sum."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.normalization_param
        return sets.SharesOfSet() if p.norm == p.L1 else normalization.Normalized(whole=True)

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.normalization_param.norm == layer.normalization_param.L2)
