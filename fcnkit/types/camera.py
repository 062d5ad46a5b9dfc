"""Layers that move a camera: pixels become points in space, and points become pixels of another image."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST, Channels
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, THREE, TWO, Count, LayerType, Origin, every


def _camera(
    name: str, file: str, bottoms: Count, tops: Count = ONE, channels: Channels = LOST
) -> LayerType:  # fmt: skip
    origin = Origin("Huangying-Zhan/Depth-VO-Feat", f"caffe/{file}")
    return LayerType(name, None, origin, bottoms, tops, every(WHOLE), channels, COMPUTES, moves=False, drawn=PLAIN)


SE3 = _camera("pygeometry.SE3_Generator_KITTI", "python/pygeometry.py", ONE)
GEO_TRANSFORM = _camera("GeoTransform", "src/caffe/layers/geometry_transformation.cpp", THREE)
PIN_HOLE = _camera("PinHole", "src/caffe/layers/pin_hole_layer.cpp", TWO, TWO)
INVERSE_WARPING = _camera("InverseWarping", "src/caffe/layers/inverse_warping_layer.cpp", TWO, channels=KEPT)
