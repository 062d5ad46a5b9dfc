"""Layers that know groups of neighbouring channels as the orientations of one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import oriented
from fcnkit.types import oriented as types


@rule(types.EXTEND)
class Extend(Elementwise):
    """Each channel once for each orientation."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return oriented.RepeatChannels(_orientations(layer))


@rule(types.OR_POOLING)
class ORPooling(Elementwise):
    """The largest of the orientations of each channel."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        count, channels = _orientations(layer), bottoms[0][1]
        if channels % count:
            raise DefinitionError(f"layer {layer.name!r}: {count} orientations must divide {channels} channels")
        return oriented.LargestOfChannels(count)


def _orientations(layer: LayerParameter) -> int:
    count: int = layer.orn_param.orientations
    if count < 2:
        raise DefinitionError(f"layer {layer.name!r}: orientations must be 2 or more, not {count}")
    return count
