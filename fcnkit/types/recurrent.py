"""Recurrent layers."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, PLAIN, THREE, TWO, Count, LayerType, bvlc, every


def _recurrent(name: str, origin: str, bottoms: Count, tops: Count) -> LayerType:
    return LayerType(name, None, bvlc(origin), bottoms, tops, every(WHOLE), LOST, COMPUTES, moves=False, drawn=PLAIN)


# With expose_hidden the state (one or two blobs) is among the bottoms and tops; a static input is a further bottom.
LSTM = _recurrent("LSTM", "lstm", Count(2, 5), Count(1, 3))
RNN = _recurrent("RNN", "rnn", Count(2, 4), Count(1, 2))
LSTM_UNIT = _recurrent("LSTMUnit", "lstm_unit", THREE, TWO)
