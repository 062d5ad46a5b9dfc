"""Recurrent layers whose state is a map."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, PLAIN, Count, LayerType, Origin, every

# With expose_hidden the state, two blobs, is among the bottoms and tops.
CONV_LSTM = LayerType(
    "ConvLSTM",
    v1=None,
    origin=Origin("agethen/ConvLSTM-for-Caffe", "src/caffe/layers/conv_lstm_layer.cpp"),
    bottoms=Count(2, 4),
    tops=Count(1, 3),
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
