"""Recurrent layers."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import SIZE, WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, THREE, TWO, Count, LayerType, Origin, bvlc, every


def _recurrent(name: str, origin: str, bottoms: Count, tops: Count) -> LayerType:
    return LayerType(name, None, bvlc(origin), bottoms, tops, every(WHOLE), LOST, COMPUTES, moves=False, drawn=PLAIN)


# With expose_hidden the state (one or two blobs) is among the bottoms and tops; a static input is a further bottom.
LSTM = _recurrent("LSTM", "lstm", Count(2, 5), Count(1, 3))
RNN = _recurrent("RNN", "rnn", Count(2, 4), Count(1, 2))
LSTM_UNIT = _recurrent("LSTMUnit", "lstm_unit", THREE, TWO)
# The bottom is a sequence; a second one marks where sequences begin.
LSTM_OF_ONE_BOTTOM = LayerType(
    "Lstm",
    v1=None,
    origin=Origin("junhyukoh/caffe-lstm", "src/caffe/layers/lstm_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
CTC_GREEDY_DECODER = LayerType(
    "CTCGreedyDecoder",
    v1=None,
    origin=Origin("senlinuc/caffe_ocr", "src/caffe/layers/ctc_decoder_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
CONTINUATION_INDICATOR = LayerType(
    "ContinuationIndicator",
    v1=None,
    origin=Origin("yalecyu/crnn.caffe", "src/caffe/layers/continuation_indicator_layer.cpp"),
    bottoms=Count(0, 1),
    tops=ONE,
    looks=every(SIZE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
