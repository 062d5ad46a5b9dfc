"""Layers that split, join and select blobs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, canonical_axis, rule
from fcnkit.nn import combine
from fcnkit.types import combine as types


@rule(types.BATCH_REINDEX)
class BatchReindex(Layer):
    """Selects items of its first bottom by the indices in the second."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.BatchReindex()


@rule(types.CLIPPED_CONCAT)
class ClippedConcat(Elementwise):
    """Joins along the channels, after cutting the first bottom to the height and width of the second."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.ClippedConcat()


@rule(types.CONCAT)
class Concat(Layer):
    """Joins its bottoms, along the channels by default."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Concat(self._axis(layer))

    def batchwise(self, layer: LayerParameter) -> bool:
        return self._axis(layer) > 0

    @staticmethod
    def _axis(layer: LayerParameter) -> int:
        return _axis(layer, layer.concat_param, "concat_dim")


@rule(types.CROP)
class Crop(Layer):
    """Cuts its first bottom to the size of the second, from an offset on."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.crop_param
        cropped = len(bottoms[0]) - p.axis % len(bottoms[0])
        if len(p.offset) not in (0, 1, cropped):
            raise DefinitionError(f"layer {layer.name!r}: {len(p.offset)} offsets for {cropped} cropped axes")
        return combine.Crop(p.axis, tuple(p.offset) or (0,))

    def batchwise(self, layer: LayerParameter) -> bool:
        return bool(layer.crop_param.axis > 0)


@rule(types.ELTWISE)
class Eltwise(Layer):
    """Sum (with an optional factor for each bottom), product or maximum of equal shapes.

    With the fork's coeff_blob the last bottom has further factors, for each item or each part of one.

    Source: LisaAnne/lisa-caffe-public src/caffe/layers/eltwise_layer.cpp, LayerSetUp and Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.eltwise_param
        operation = {0: "PROD", 1: "SUM", 2: "MAX"}[p.operation]
        if p.coeff_blob:
            if operation != "SUM" or len(bottoms) < 2 or len(p.coeff) not in (0, len(bottoms) - 1):
                problem = "coeff_blob is for SUM, with a last bottom of factors, and coeff for all others or none"
                raise DefinitionError(f"layer {layer.name!r}: {problem}")
            return combine.WeightedSum(p.coeff)
        if p.coeff and (operation == "PROD" or len(p.coeff) != len(bottoms)):
            raise DefinitionError(
                f"layer {layer.name!r}: coeff is for SUM only, once for each of the {len(bottoms)} bottoms;"
                f" {len(p.coeff)} are given for {operation}"
            )
        if len(bottoms) < 2 and operation != "SUM":
            raise DefinitionError(f"layer {layer.name!r}: {operation} needs at least 2 bottoms, it has {len(bottoms)}")
        # Caffe accepts coeff for MAX and ignores it.
        return combine.Eltwise(operation, p.coeff if operation == "SUM" else ())

    def batchwise(self, layer: LayerParameter) -> bool:
        return not layer.eltwise_param.coeff_blob


@rule(types.SUM)
class Sum(Layer):
    """The sum of equal shapes."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Eltwise("SUM")

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.FILTER)
class Filter(Layer):
    """Keeps the items that its last bottom selects; the shapes that a net reports are for all items selected."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Filter()

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.HDF5_OUTPUT)
class HDF5Output(Layer):
    """Reads its bottoms, so that they are not outputs of the net; the file that Caffe makes is not written."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Silence()


@rule(types.SLICE)
class Slice(Layer):
    """Cuts its bottom into tops, of equal size unless slice_point is given."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, tops = layer.slice_param, len(layer.top)
        axis = canonical_axis(layer, self._axis(layer), bottoms[0])
        points = list(p.slice_point)
        if points and len(points) != tops - 1:
            raise DefinitionError(f"layer {layer.name!r}: {tops} tops need {tops - 1} slice_point, not {len(points)}")
        edges = [0, *points]
        if any(stop <= start for start, stop in pairwise(edges)) or edges[-1] > bottoms[0][axis]:
            raise DefinitionError(
                f"layer {layer.name!r}: slice_point must grow from 1 to {bottoms[0][axis]} at most, not {points}"
            )
        return combine.Slice(tops, axis, points)

    def batchwise(self, layer: LayerParameter) -> bool:
        return self._axis(layer) > 0

    @staticmethod
    def _axis(layer: LayerParameter) -> int:
        return _axis(layer, layer.slice_param, "slice_dim")


@rule(types.SPLIT)
class Split(Layer):
    """Gives one blob several names."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Identity() if len(layer.top) == 1 else combine.Split(len(layer.top))

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.SILENCE)
class Silence(Layer):
    """Reads its bottoms, so that they are not outputs of the net."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Silence()


def _axis(layer: LayerParameter, param: Any, old: str) -> int:
    """The axis of a Concat or a Slice, from `axis` or from the older field."""
    if not param.HasField(old):
        return int(param.axis)
    if param.HasField("axis"):
        raise DefinitionError(f"layer {layer.name!r}: give axis or {old}, not both")
    return int(getattr(param, old))


@rule(types.AUTO_CROP)
class AutoCrop(Crop):
    """A Crop whose offset is derived from the coordinate maps of its bottoms (see `geometry.unstated`).

    Source: yun-liu/rcf src/caffe/layers/auto_crop_layer.cpp, LayerSetUp.
    """


@rule(types.MERGE_CROP)
class MergeCrop(Layer):
    """Joins its first bottom and the middle of its second along the channels, or adds them."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.mergecrop_param
        return combine.MergeCrop(p.operation == p.ADD)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


class _Arithmetic(Layer):
    function: str

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Arithmetic(self.function)


@rule(types.ADD)
class Add(_Arithmetic):
    """The sum of two bottoms of shapes that fit."""

    function = "add"


@rule(types.SUB)
class Sub(_Arithmetic):
    """The difference of two bottoms of shapes that fit."""

    function = "sub"


@rule(types.DIV)
class Div(_Arithmetic):
    """The quotient of two bottoms of shapes that fit."""

    function = "div"


@rule(types.MAXIMUM)
class Maximum(_Arithmetic):
    """The larger of the values of two bottoms of shapes that fit."""

    function = "maximum"


@rule(types.MINIMUM)
class Minimum(_Arithmetic):
    """The smaller of the values of two bottoms of shapes that fit."""

    function = "minimum"


@rule(types.MUL)
class Mul(Layer):
    """The product of two bottoms of shapes that fit, or of a bottom and a blob of the shape mul_shape."""

    blob_names = ("weight",)

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Arithmetic("mul", None if len(bottoms) > 1 else layer.mul_param.mul_shape)


@rule(types.MAT_MUL)
class MatMul(Layer):
    """The products of matrices in the last two axes, or with a blob of the shape blob_shape."""

    blob_names = ("weight",)

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.matmul_param
        if len(bottoms) == 1 and len(p.blob_shape) < 2:
            raise DefinitionError(f"layer {layer.name!r}: a second bottom or blob_shape must be given")
        return combine.MatMul((p.transpose_a, p.transpose_b), None if len(bottoms) > 1 else p.blob_shape)


@rule(types.GATHER)
class Gather(Layer):
    """Passes its bottoms on: one process runs the net."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(layer.top) != len(bottoms):
            raise DefinitionError(f"layer {layer.name!r}: a {layer.type} between processes has as many tops as bottoms")
        return nn.Identity()

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.SCATTER)
class Scatter(Gather):
    """Passes its bottoms on: one process runs the net."""
