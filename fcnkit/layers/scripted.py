"""Layers that projects define in Python."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.nn import scripted
from fcnkit.nn.normalization import Normalized
from fcnkit.types import scripted as types

# Below it the length of a vector of zeros counts as one that divides nothing.
_ZERO = 1e-38


@rule(types.ADD_WEIGHT)
class AddWeight(Elementwise):
    """The product of a map and weights of its pixels."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.Weighted()


@rule(types.NORM2)
class Norm2(Elementwise):
    """Divides each item by its length; zeros stay."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms[0]) != 2:
            raise DefinitionError(f"layer {layer.name!r}: it reads vectors (batch, channels), not {bottoms[0]}")
        return Normalized(whole=True, least=_ZERO)


@rule(types.ORDINAL_DECODE)
class OrdinalDecode(Elementwise):
    """The number of thresholds that a pixel exceeds, of two channels each."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.OrdinalDecode()


@rule(types.CUSTOM_INTERPOLATION)
class CustomInterpolation(Elementwise):
    """Interpolates to the shape in param_str, four numbers, of which the last two are the size."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        numbers = [part.strip() for part in layer.python_param.param_str.split(",")]
        valid = len(numbers) == len(bottoms[0]) == 4 and all(map(str.isdecimal, numbers)) and "0" not in numbers
        if not valid or int(numbers[1]) != bottoms[0][1]:
            problem = f"param_str must be four positive numbers, the shape of its top, not {', '.join(numbers)!r}"
            raise DefinitionError(f"layer {layer.name!r}: {problem}")
        return scripted.FixedInterpolation((int(numbers[2]), int(numbers[3])))


@rule(types.SPATIAL_REP)
class SpatialRep(Layer):
    """Repeats one value for each channel at all pixels of a second bottom."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.Repeated()
