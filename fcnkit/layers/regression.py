"""Losses that compare numbers with numbers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import regression
from fcnkit.types import regression as types


@rule(types.EUCLIDEAN_LOSS)
class EuclideanLoss(Layer):
    """Half the squared distance of its bottoms."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return regression.EuclideanLoss()


@rule(types.L1_LOSS)
class L1Loss(Layer):
    """The distance of its bottoms."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return regression.L1Loss()


@rule(types.SMOOTH_L1_LOSS)
class SmoothL1Loss(Layer):
    """The distance of its bottoms, quadratic where it is small; two further bottoms are inside and outside factors."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.smooth_l1_loss_param
        if len(bottoms) == 3:
            raise DefinitionError(
                f"layer {layer.name!r}: SmoothL1Loss needs both inside and outside weights, or none; it has one"
            )
        if not p.sigma > 0:
            raise DefinitionError(f"layer {layer.name!r}: sigma is {p.sigma:g}; it must be above 0")
        return regression.SmoothL1Loss(p.sigma)
