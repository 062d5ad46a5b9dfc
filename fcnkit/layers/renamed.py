"""Layers of forks that compute what another type computes, under a name and settings of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.activation import Clip, RReLU, Softmax
from fcnkit.layers.affine import Scale
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.normalization import BN, L2Normalize
from fcnkit.nn.normalization import Normalized
from fcnkit.types import renamed as types


class _Renamed(Layer):
    """A rule that gives a layer, with its settings under the other type's names, to the rule of that type."""

    other: Layer

    def translated(self, layer: LayerParameter) -> LayerParameter:
        """The layer of the other type."""
        return layer

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return self.other.build(self.translated(layer), bottoms)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        return self.other.blobs(module, self.translated(layer))

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return self.other.in_order(self.translated(layer), stored)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return self.other.fillers(self.translated(layer))

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return self.other.multiply_adds(module, bottoms, tops)

    def batchwise(self, layer: LayerParameter) -> bool:
        return self.other.batchwise(self.translated(layer))


def _copy(layer: LayerParameter) -> LayerParameter:
    copy = LayerParameter()
    copy.CopyFrom(layer)
    return copy


@rule(types.BNHK)
class BNHK(_Renamed):
    """PSPNet's BN: slope, bias, mean and variance."""

    other = BN()

    def translated(self, layer: LayerParameter) -> LayerParameter:
        copy, p = _copy(layer), layer.bnhk_param
        copy.bn_param.CopyFrom(
            type(copy.bn_param)(
                slope_filler=p.slope_filler,
                bias_filler=p.bias_filler,
                momentum=p.momentum,
                eps=p.eps,
                frozen=p.frozen,
            )
        )
        return copy


@rule(types.NORM_L2)
class NormL2(_Renamed):
    """C3D's L2Normalize: each item divided by its length."""

    other = L2Normalize()


@rule(types.NORMALIZATION_L2)
class NormalizationL2(NormL2):
    """The same with another number that keeps the length above 0."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return Normalized(whole=True, inside=1e-10)


@rule(types.INSANITY)
class Insanity(_Renamed):
    """RReLU: values below 0 divided by a random number in training, by the logarithmic mean of its bounds in tests."""

    other = RReLU()

    def translated(self, layer: LayerParameter) -> LayerParameter:
        copy, p = _copy(layer), layer.insanity_param
        copy.rrelu_param.lb, copy.rrelu_param.ub = p.lb, p.ub
        return copy


@rule(types.SCALAR)
class Scalar(_Renamed):
    """Scale by a second bottom, along its own axes from axis on, which is 0 unless it is given.

    Source: BVLC/caffe at commit b4a5b6a src/caffe/proto/caffe.proto, ScalarParameter.
    """

    other = Scale()

    def translated(self, layer: LayerParameter) -> LayerParameter:
        copy = _copy(layer)
        copy.scale_param.axis = layer.scalar_param.axis
        return copy


@rule(types.BRELU)
class BReLU(_Renamed):
    """Clip: values cut to the range from minval to maxval."""

    other = Clip()

    def translated(self, layer: LayerParameter) -> LayerParameter:
        copy, p = _copy(layer), layer.brelu_param
        copy.clip_param.min, copy.clip_param.max = p.minval, p.maxval
        return copy


@rule(types.VOXEL_SOFTMAX)
class VoxelSoftmax(_Renamed):
    """Softmax along the channels of each voxel."""

    other = Softmax()


@rule(types.MULTI_SOFTMAX)
class MultiSoftmax(_Renamed):
    """Softmax along the channels of each pixel."""

    other = Softmax()

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms[0]) != 4:
            raise DefinitionError(f"layer {layer.name!r}: MultiSoftmax reads blobs of 4 axes, not of {bottoms[0]}")
        return super().build(layer, bottoms)
