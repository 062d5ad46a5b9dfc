"""Layers that find the peaks of heat maps: joints of people."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST, Channels
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, Drawn, LayerType, Origin, every, no_words


def _of_heat_maps(name: str, file: str, channels: Channels, drawn: Drawn) -> LayerType:
    origin = Origin("CMU-Perceptual-Computing-Lab/caffe_rtpose", f"src/caffe/cpm/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, ONE, ONE, every(WHOLE), channels, COMPUTES, moves=False, drawn=drawn)


IM_RESIZE = _of_heat_maps("ImResize", "imresize", KEPT, Drawn("up", no_words))
NMS = _of_heat_maps("Nms", "nms", LOST, Drawn("plain", no_words))
