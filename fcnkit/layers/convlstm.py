"""Recurrent layers whose state is a map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter, LSTMConvolutionParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.affine import axes_shape
from fcnkit.layers.base import Layer, rule, uninitialized
from fcnkit.nn import convlstm
from fcnkit.types import convlstm as types
from fcnkit.types.windows import convolution_window


@rule(types.CONV_LSTM)
class ConvLSTM(Layer):
    """Convolutional LSTM; the second bottom marks where sequences begin.

    Its blobs are the filters over the bottom, two unused numbers, the filters over the hidden state and their bias, the
    weights of the cell state in the gates i, f and o, and two more unused numbers.

    Source: agethen/ConvLSTM-for-Caffe src/caffe/layers/conv_lstm_layer.cpp, FillUnrolledNet, and Readme.md;
    DengPingFan/DAVSOD mycaffe-convlstm has the same files.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        bottom, p, exposed = bottoms[0], layer.lstm_debug_param, 2 * layer.recurrent_param.expose_hidden
        if len(bottoms) != 2 + exposed:
            raise DefinitionError(
                f"layer {layer.name!r}: ConvLSTM needs {2 + exposed} bottoms, it has {len(bottoms)}; a static input is"
                " not supported"
            )
        if len(bottom) != 5:
            raise DefinitionError(
                f"layer {layer.name!r}: ConvLSTM reads (steps, streams, channels, height, width), not {bottom}"
            )
        if p.expose:
            raise DefinitionError(f"layer {layer.name!r}: no tops can be made of blobs inside: {', '.join(p.expose)}")
        inputs, hidden = _settings(layer)
        made = hidden.num_output
        state = (bottom[1], made, *bottom[3:])
        return convlstm.ConvLSTM(
            None if p.ignore_x else _filters(layer, inputs, bottom[2], bias=False),
            _filters(layer, hidden, made, bias=hidden.bias_term),
            state,
            None if p.disable_hadamard else _cell_weights(layer, state),
            5 - p.axis_hadamard - p.num_axes_hadamard,
            bool(exposed),
        )

    def blobs(self, module: Any, layer: LayerParameter) -> list[Tensor]:
        inputs = [] if module.inputs is None else [module.inputs.weight]
        bias = [] if module.hidden.bias is None else [module.hidden.bias]
        unused = module.unused.split(1)
        return [*inputs, *unused[:2], module.hidden.weight, *bias, *module.cell_weights(), *unused[2:]]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        (inputs, hidden), p = _settings(layer), layer.lstm_debug_param
        return [
            *([] if p.ignore_x else [inputs.weight_filler]),
            *[FillerParameter()] * 2,
            hidden.weight_filler,
            *([hidden.bias_filler] if hidden.bias_term else []),
            *([] if p.disable_hadamard else [FillerParameter(value=1)] * 3),
            *[FillerParameter()] * 2,
        ]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        steps, streams, channels, *size = tops[0]
        filters = sum(each.weight.numel() for each in (module.inputs, module.hidden) if each is not None)
        return steps * streams * math.prod(size) * int(filters + channels * len(module.cell_weights()))


def _settings(layer: LayerParameter) -> tuple[LSTMConvolutionParameter, LSTMConvolutionParameter]:
    """The settings of the filters over the bottom, and of those over the hidden state."""
    given = layer.lstm_conv_param
    if len(given) not in (1, 2):
        raise DefinitionError(f"layer {layer.name!r}: give lstm_conv_param once, or for input and hidden")
    made = [settings.num_output for settings in given]
    if made[0] != made[-1]:
        raise DefinitionError(f"layer {layer.name!r}: num_output {made[0]} and {made[-1]} of its filters differ")
    inputs = given[1] if given[0].type == "hidden" and len(given) > 1 else given[0]
    hidden = given[1] if given[0].type == "input" and len(given) > 1 else given[0]
    return inputs, hidden


def _filters(layer: LayerParameter, settings: LSTMConvolutionParameter, channels: int, bias: bool) -> nn.Conv2d:
    convolution = LayerParameter(name=layer.name, type="Convolution")
    p = convolution.convolution_param
    p.kernel_size[:], p.pad[:], p.stride[:], p.dilation[:] = (
        settings.kernel_size,
        settings.pad,
        settings.stride,
        settings.dilation,
    )
    window = convolution_window(convolution, 2)
    grown = [
        2 * pad - reach * (side - 1)
        for side, pad, reach in zip(window.kernel, window.pad, window.dilation, strict=True)
    ]
    if window.stride != (1, 1) or any(grown):
        raise DefinitionError(f"layer {layer.name!r}: its filters must keep height and width, by a stride of 1 and pad")
    made, group = 4 * settings.num_output, settings.group
    if min(made, group) < 1 or channels % group or made % group:
        raise DefinitionError(
            f"layer {layer.name!r}: group {group} must divide {channels} channels, and 4 times num_output {made // 4}"
        )
    filters = uninitialized(
        nn.Conv2d,
        channels,
        made,
        window.kernel,
        padding=window.pad,
        dilation=window.dilation,
        groups=group,
        bias=bias,
    )
    assert isinstance(filters, nn.Conv2d)
    return filters


def _cell_weights(layer: LayerParameter, state: Shape) -> Shape:
    p = layer.lstm_debug_param
    if p.axis_hadamard < 1 or p.axis_hadamard + p.num_axes_hadamard > 5:
        raise DefinitionError(f"layer {layer.name!r}: axis_hadamard and num_axes_hadamard must lie within 1 to 4")
    return axes_shape(layer, (1, *state), p.axis_hadamard, p.num_axes_hadamard)
