"""Layers that projects define in Python."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.caffe.param_str import settings_of
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.nn import scripted
from fcnkit.nn.normalization import Normalized
from fcnkit.types import scripted as types

# The modes of numpy.pad that torch has too, under their names there.
_MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}

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


@rule(types.RESIZE_TO_SAME_SIZE)
class ResizeToSameSize(Elementwise):
    """All bottoms at the size of the first, joined along the channels."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.JoinedAtOneSize()


@rule(types.GUIDED_FILTER)
class GuidedFilter(Elementwise):
    """What a guided filter takes away from each channel."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = settings_of(layer)
        radius, epsilon = p.get("radius", -1), p.get("epsilon", -1)
        numbers = isinstance(radius, int) and isinstance(epsilon, int | float)
        if p.get("guided_type") != "gray" or not numbers or min(radius, epsilon) < 0:
            raise DefinitionError(
                f"layer {layer.name!r}: param_str must give radius, epsilon and the guided_type 'gray', not"
                f" {layer.python_param.param_str!r}"
            )
        return scripted.GuidedDetail(radius, epsilon)


@rule(types.SEC_SOFTMAX)
class SECSoftmax(Elementwise):
    """Softmax along the channels, with probabilities of at least 0.0001 before they are divided by their sum."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.RaisedSoftmax(0.0001)


@rule(types.CMAP)
class Cmap(Elementwise):
    """Each value at all pixels of a map of a fixed size."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = settings_of(layer)
        size = (p.get("height", 0), p.get("width", 0))
        if len(bottoms[0]) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
            raise DefinitionError(
                f"layer {layer.name!r}: it reads (batch, channels) and param_str must give height and width; the bottom"
                f" is {bottoms[0]}, param_str {layer.python_param.param_str!r}"
            )
        return scripted.Spread(size)


@rule(types.PAD_TENSOR)
class PadTensor(Elementwise):
    """Pads height and width, with zeros or with what lies at the border."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = settings_of(layer)
        try:
            left, right, top, bottom = (int(p[f"pad_{side}"]) for side in "lrtb")
            mode = _MODES[p["pad_mode"]]
            if len(bottoms[0]) != 4 or min(left, right, top, bottom) < 0:
                raise ValueError("pads of four axes must not be negative")
        except (KeyError, TypeError, ValueError) as error:
            raise DefinitionError(
                f"layer {layer.name!r}: param_str must have pad_t, pad_b, pad_l and pad_r, and a pad_mode of"
                f" {', '.join(_MODES)}, not {layer.python_param.param_str!r}"
            ) from error
        return scripted.BorderPad((left, right, top, bottom), mode)


@rule(types.TENSOR_SHAPE)
class TensorShape(Layer):
    """The lengths of the axes of its bottom."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.Sizes()


@rule(types.COMBINE_REGRESSIONS)
class CombineRegressions(Elementwise):
    """Coordinates on a face, of quantized ones and the offsets of each quantum."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.CombinedRegressions(intervals=True)


@rule(types.COMBINE_REGRESSIONS_HUMAN)
class CombineRegressionsHuman(Elementwise):
    """Coordinates on the part of a body that a pixel shows."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return scripted.CombinedRegressions(intervals=False)


@rule(types.ACTIONS)
class Actions(Layer):
    """Objects with the most likely of their actions."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = settings_of(layer)
        if p.get("use_nms"):
            raise DefinitionError(f"layer {layer.name!r}: use_nms, votes of objects that overlap, is not supported")
        if p.get("num_anchors") != len(bottoms) - 1:
            raise DefinitionError(
                f"layer {layer.name!r}: num_anchors must be the number of bottoms behind the first, {len(bottoms) - 1},"
                f" not {p.get('num_anchors')}"
            )
        return scripted.Actions()
