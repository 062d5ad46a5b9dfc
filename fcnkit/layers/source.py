"""Layers without a bottom that are part of the net, unlike those that feed data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.fillers import fill
from fcnkit.nn import source
from fcnkit.types import source as types


@rule(types.DUMMY_DATA)
class DummyData(Layer):
    """Blobs made by fillers: random ones in every forward, constant ones once."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.dummy_data_param
        fillers = self._once_or_each(layer, "data_filler", p.data_filler or [FillerParameter()])
        if not (p.num or p.channels or p.height or p.width):
            shapes = [tuple(shape.dim) for shape in self._once_or_each(layer, "shape", p.shape)]
        elif p.shape:
            raise DefinitionError(f"layer {layer.name!r}: give shape, or num, channels, height and width")
        else:
            old = ("num", "channels", "height", "width")
            shapes = list(zip(*(self._once_or_each(layer, field, getattr(p, field)) for field in old), strict=True))
        fills = [partial(_fill, filler=filler.SerializeToString(), layer=layer.name) for filler in fillers]
        return source.DummyData(shapes, fills, [filler.type != "constant" for filler in fillers])

    @staticmethod
    def _once_or_each(layer: LayerParameter, field: str, values: Sequence[Any]) -> list[Any]:
        tops = len(layer.top)
        if len(values) not in (1, tops):
            raise DefinitionError(
                f"layer {layer.name!r}: {field} is given {len(values)} times;"
                f" give it once, or once for each of {tops} tops"
            )
        return list(values) * (tops if len(values) == 1 else 1)


@rule(types.PARAMETER)
class Parameter(Layer):
    """A learned blob, which other layers read."""

    blob_names = ("weight",)

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return source.Parameter(layer.parameter_param.shape.dim)


def _fill(blob: Tensor, filler: bytes, layer: str) -> None:
    """`fill` with a serialized filler: a module that contains the message itself could not be pickled."""
    fill(blob, FillerParameter.FromString(filler), layer)
