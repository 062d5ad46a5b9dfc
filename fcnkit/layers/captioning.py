"""Layers of nets that write captions word by word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule, uninitialized
from fcnkit.nn import captioning
from fcnkit.types import captioning as types


@rule(types.LSTM_NODE)
class LSTMNode(Elementwise):
    """One step of an LSTM: makes the hidden state and the cell state.

    Its weights are those of the gates i, f, o and g, one below the other, each with a filler of its own.

    Source: peteanderson80/caffe src/caffe/layers/lstm_node_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")
    parts = 4

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.lstm_param
        cells, inputs = p.num_cells, math.prod(bottoms[0][1:])
        if cells < 1 or math.prod(bottoms[1][1:]) != cells:
            raise DefinitionError(
                f"layer {layer.name!r}: num_cells {cells} must be positive, and the second bottom the state of as many"
                f" cells; its shape is {bottoms[1]}"
            )
        return uninitialized(captioning.LSTMNode, inputs, cells, p.bias_term)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.lstm_param
        return [
            p.input_gate_weight_filler,
            p.forget_gate_weight_filler,
            p.output_gate_weight_filler,
            p.input_weight_filler,
            p.input_gate_bias_filler,
            p.forget_gate_bias_filler,
            p.output_gate_bias_filler,
            p.input_bias_filler,
        ]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return bottoms[0][0] * int(module.weight.numel())


@rule(types.BEAM_SEARCH_NODE)
class BeamSearchNode(Layer):
    """One step of a beam search, the first one if it has two more tops than bottoms.

    Source: peteanderson80/caffe src/caffe/layers/beam_search_node_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, more = layer.beam_search_param, len(layer.top) - len(bottoms)
        if more not in (0, 2) or any(len(bottom) != 2 for bottom in bottoms):
            raise DefinitionError(
                f"layer {layer.name!r}: it makes as many tops as it has bottoms, of 2 axes each, or two more in the"
                f" first step; it has {len(bottoms)} bottoms and {len(layer.top)} tops"
            )
        words = bottoms[2 - more][1]
        if p.beam_size < 1 or max(p.end_of_sequence, *p.allowed_multiple, 0) >= words:
            raise DefinitionError(
                f"layer {layer.name!r}: beam_size must be positive, end_of_sequence and allowed_multiple below {words}"
            )
        return captioning.BeamSearchNode(
            p.beam_size, p.end_of_sequence, not p.prevent_repeats, p.allowed_multiple, more == 2
        )
