"""Layers that know groups of neighbouring channels as the orientations of one."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import PIXEL
from fcnkit.types.record import COMPUTES, ONE, PLAIN, LayerType, Origin, every


def _oriented(name: str, file: str, moves: bool) -> LayerType:
    origin = Origin("MhLiao/RRD", f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, ONE, ONE, every(PIXEL), LOST, COMPUTES, moves=moves, drawn=PLAIN)


EXTEND = _oriented("Extend", "extend", moves=True)
OR_POOLING = _oriented("ORPooling", "orpooling", moves=False)
