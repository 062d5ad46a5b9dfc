"""Rectifiers that make more channels, or learn their shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, canonical_axis, rule, uninitialized
from fcnkit.nn import rectified
from fcnkit.types import rectified as types


@rule(types.CRELU)
class CReLU(Layer):
    """The channels after a ReLU, and then those of the bottom times -1."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.crelu_param
        return rectified.CReLU(canonical_axis(layer, p.concat_axis, bottoms[0]), p.negative_slope)

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.crelu_param.concat_axis > 0)


@rule(types.APL)
class APL(Elementwise):
    """A learned piecewise linear function for each value of an item.

    Source: forestagostinelli/Learned-Activation-Functions-Source src/caffe/layers/apl_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "offset")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if layer.apl_param.sums < 1:
            raise DefinitionError(f"layer {layer.name!r}: sums must be positive")
        return uninitialized(rectified.PiecewiseLinear, math.prod(bottoms[0][1:]), layer.apl_param.sums)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        # Caffe's shape does not state the order: the slopes of a value follow each other.
        return [blob.view(1, 1, blob.shape[1], blob.shape[0]) for blob in super().blobs(module, layer)]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.apl_param
        slopes, offsets = p.slope_filler, p.offset_filler
        if not p.HasField("slope_filler"):
            slopes = FillerParameter(type="uniform", min=-0.5 / p.sums, max=0.5 / p.sums)
        if not p.HasField("offset_filler"):
            offsets = FillerParameter(type="gaussian", std=0.5)
        return [slopes, offsets]
