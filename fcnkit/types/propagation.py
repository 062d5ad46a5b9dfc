"""Layers that pass values on from pixel to pixel, along rows or columns."""

from __future__ import annotations

from fcnkit.types.channels import Made
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, TWO, LayerType, Origin, every

GATE_RECURRENT = LayerType(
    "GateRecurrent",
    v1=None,
    origin=Origin("Liusifei/caffe-lowlevel", "src/caffe/layers/gaterecurrent_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=Made("gaterecurrent_param"),
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
