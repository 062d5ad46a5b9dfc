"""Layers that make sequences of the rows of a map, and maps of sequences."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE_OR_TWO, PLAIN, Count, LayerType, Origin, every

SRNN_FORMAT = LayerType(
    "SRNNFormat",
    v1=None,
    origin=Origin("nian-liu/DSCLRCN", "caffe-master/src/caffe/layers/srnnformat_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=Count(1, 3),
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
