"""Layers of nets that write captions word by word."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, PLAIN, SOME, TWO, TWO_OR_THREE, Count, LayerType, Origin, every


def _captioning(name: str, file: str, bottoms: Count, tops: Count) -> LayerType:
    origin = Origin("peteanderson80/caffe", f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, bottoms, tops, every(WHOLE), LOST, COMPUTES, moves=False, drawn=PLAIN)


LSTM_NODE = _captioning("LSTMNode", "lstm_node", TWO_OR_THREE, TWO)
# The sums of scores and the sentences so far, which the first step lacks; the scores of words; any states.
BEAM_SEARCH_NODE = _captioning("BeamSearchNode", "beam_search_node", SOME, Count(3, None))
