"""Layers that take blobs apart and put them together."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.nn import combine


@layer("Concat")
class Concat(Layer):
    """Joins its bottoms, along the channels by default."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Concat(self._axis(layer))

    def batchwise(self, layer: Message) -> bool:
        return self._axis(layer) > 0

    @staticmethod
    def _axis(layer: Message) -> int:
        p = layer.concat_param
        return int(p.concat_dim if p.HasField("concat_dim") else p.axis)


@layer("Crop")
class Crop(Layer):
    """Cuts its first bottom to the size of the second, from an offset on."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.crop_param
        if len(bottoms) != 2:
            raise DefinitionError(f"layer {layer.name!r}: Crop needs 2 bottoms, it has {len(bottoms)}")
        cropped = len(bottoms[0]) - p.axis % len(bottoms[0])
        if len(p.offset) not in (0, 1, cropped):
            raise DefinitionError(f"layer {layer.name!r}: {len(p.offset)} offsets for {cropped} cropped axes")
        return combine.Crop(p.axis, tuple(p.offset) or (0,))

    def batchwise(self, layer: Message) -> bool:
        return bool(layer.crop_param.axis > 0)


@layer("Eltwise")
class Eltwise(Layer):
    """Sum (with an optional factor for each bottom), product or maximum of equal shapes."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.eltwise_param
        operation = {0: "PROD", 1: "SUM", 2: "MAX"}[p.operation]
        if p.coeff and (operation != "SUM" or len(p.coeff) != len(bottoms)):
            raise DefinitionError(
                f"layer {layer.name!r}: coeff belongs to SUM, once for each of the {len(bottoms)} bottoms;"
                f" here are {len(p.coeff)} for {operation}"
            )
        return combine.Eltwise(operation, p.coeff)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Split")
class Split(Layer):
    """Gives one blob several names."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.Identity() if len(layer.top) == 1 else combine.Split(len(layer.top))

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Silence")
class Silence(Layer):
    """Reads its bottoms, so that they are no outputs of the net."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return combine.Silence()
