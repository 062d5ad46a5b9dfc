"""Layers that move a camera: pixels become points in space, and points become pixels of another image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import camera
from fcnkit.types import camera as types


@rule(types.SE3)
class SE3(Elementwise):
    """A matrix of a rotation and a shift."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return camera.Motion()


@rule(types.GEO_TRANSFORM)
class GeoTransform(Elementwise):
    """Points in space of a depth map, moved."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return camera.MovedPoints()


@rule(types.PIN_HOLE)
class PinHole(Elementwise):
    """The pixels at which points in space are seen."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return camera.Projection()


@rule(types.INVERSE_WARPING)
class InverseWarping(Elementwise):
    """An image read at other places."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return camera.InverseWarp()
