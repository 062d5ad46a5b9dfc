"""Recurrent layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, canonical_axis, rule
from fcnkit.nn import recurrent
from fcnkit.types import recurrent as types


class _Recurrent(Layer):
    module: type[recurrent.LSTM] | type[recurrent.RNN]
    # The number of blobs of the state.
    states: int

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.recurrent_param
        exposed = self.states * p.expose_hidden
        if len(bottoms) not in (2 + exposed, 3 + exposed):
            raise DefinitionError(
                f"layer {layer.name!r}: {layer.type} needs {2 + exposed} bottoms, or one more for static input;"
                f" it has {len(bottoms)}"
            )
        static = bottoms[2] if len(bottoms) > 2 + exposed else None
        if p.num_output < 1:
            raise DefinitionError(f"layer {layer.name!r}: num_output must be positive")
        if len(bottoms[0]) < 3 or (static is not None and len(static) < 2):
            raise DefinitionError(
                f"layer {layer.name!r}: {layer.type} reads (steps, streams, ...) and, as static input, (streams, ...);"
                f" the bottoms are {bottoms}"
            )
        more: dict[str, Any] = {"forget_bias": p.lstm_additional_forget_bias, "static_once": p.static_input_only_start}
        if self.module is not recurrent.LSTM and any(more.values()):
            raise DefinitionError(
                f"layer {layer.name!r}: lstm_additional_forget_bias and static_input_only_start are for LSTM alone"
            )
        return self.module(
            math.prod(bottoms[0][2:]),
            None if static is None else math.prod(static[1:]),
            bottoms[0][1],
            p.num_output,
            p.expose_hidden,
            **{name: value for name, value in more.items() if value},
        )

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.recurrent_param
        weight, bias = p.weight_filler, p.bias_filler
        static = len(layer.bottom) > 2 + self.states * p.expose_hidden
        return [bias if name.startswith("b_") else weight for name in self.blob_names if static or "static" not in name]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        steps, streams = bottoms[0][:2]
        weights = sum(weight.numel() for weight in module.parameters() if weight.dim() > 1)
        return steps * streams * int(weights)


@rule(types.LSTM)
class LSTM(_Recurrent):
    """Long short-term memory; the second bottom marks where sequences begin."""

    module, states = recurrent.LSTM, 2
    blob_names = ("W_xc", "b_c", "W_xc_static", "W_hc")


@rule(types.LSTM_UNIT)
class LSTMUnit(Layer):
    """One step of an LSTM on its gates' inputs; makes the cell and the hidden state."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return recurrent.LSTMUnit()


@rule(types.RNN)
class RNN(_Recurrent):
    """The plain recurrent net; the second bottom marks where sequences begin."""

    module, states = recurrent.RNN, 1
    blob_names = ("W_xh", "b_h", "W_xh_static", "W_hh", "W_ho", "b_o")


@rule(types.LSTM_OF_ONE_BOTTOM)
class Lstm(Layer):
    """An LSTM on one bottom; a second one, if there is any, marks where sequences begin.

    Source: junhyukoh/caffe-lstm src/caffe/layers/lstm_layer.cpp, LayerSetUp.
    """

    blob_names = ("W_xc", "W_hc", "b_c")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.lstm_param
        sequences = len(bottoms[0]) == 3
        streams = bottoms[0][1] if sequences else p.batch_size
        if min(p.num_output, streams) < 1 or bottoms[0][0] % (1 if sequences else streams):
            raise DefinitionError(
                f"layer {layer.name!r}: num_output and batch_size {streams} must fit {bottoms[0][0]} steps"
            )
        return recurrent.LSTMOfOneBottom(math.prod(bottoms[0][2 if sequences else 1 :]), streams, p.num_output)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.lstm_param
        return [p.weight_filler, p.weight_filler, p.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        weights = sum(weight.numel() for weight in module.parameters() if weight.dim() > 1)
        return math.prod(tops[0][:-1]) * int(weights)


@rule(types.CTC_GREEDY_DECODER)
class CTCGreedyDecoder(Layer):
    """The most likely class at each step, without blanks and repetitions."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms) > 1:
            raise DefinitionError(f"layer {layer.name!r}: the accuracy of a decoded sequence is not computed")
        if len(bottoms[0]) < 3:
            raise DefinitionError(f"layer {layer.name!r}: the bottom is (steps, streams, classes), not {bottoms[0]}")
        p = layer.ctc_decoder_param
        return recurrent.CTCGreedyDecoder(p.blank_index, p.ctc_merge_repeated)


@rule(types.CONTINUATION_INDICATOR)
class ContinuationIndicator(Layer):
    """0 at the first step of each stream, then 1; jolibrain's takes the number of streams from an axis of its bottom.

    Source: yalecyu/crnn.caffe and jolibrain/caffe, src/caffe/layers/continuation_indicator_layer.cpp of both.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.continuation_indicator_param
        if p.time_step < 1 or not (bottoms or p.batch_size):
            raise DefinitionError(f"layer {layer.name!r}: time_step must be given, and batch_size or a bottom")
        axis = canonical_axis(layer, p.axis, bottoms[0]) if bottoms and not p.batch_size else None
        return recurrent.ContinuationIndicator(p.time_step, p.batch_size, axis)
