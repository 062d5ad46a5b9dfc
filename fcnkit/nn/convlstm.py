"""Recurrent modules whose state is a map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.recurrent import Recurrent, State, lstm_unit


class ConvLSTM(Recurrent):
    """An LSTM whose inputs and hidden state pass through convolutions, and whose gates also read the cell state.

    All three gates read the cell state before the step, which a mark of 0 does not reset for them. The bottom is
    (steps, streams, channels, height, width).

    Args:
        inputs: filters over the bottom, to 4 * num_output channels; None where only its number of steps counts.
        hidden: filters over the hidden state, to as many channels.
        shape: (streams, num_output, height, width) of the state, which is h and c.
        cell: shape of the weights with which each gate reads the cell state; None where the gates do not read it.
        repeated: the number of axes behind those of the weights, along which they are repeated.
        expose_hidden: as in `Recurrent`.

    Source: agethen/ConvLSTM-for-Caffe src/caffe/layers/conv_lstm_layer.cpp and conv_lstm_unit_layer.cpp.
    """

    def __init__(
        self,
        inputs: nn.Conv2d | None,
        hidden: nn.Conv2d,
        shape: Sequence[int],
        cell: Sequence[int] | None,
        repeated: int = 0,
        expose_hidden: bool = False,
    ):
        super().__init__(("h", "c"), shape, expose_hidden)
        self.inputs, self.hidden = inputs, hidden
        self.shape, self.repeated = tuple(shape), repeated
        self.W_ci, self.W_cf, self.W_co = (None if cell is None else nn.Parameter(torch.ones(*cell)) for _ in range(3))
        # The fork's files have four numbers without a meaning.
        self.register_buffer("unused", torch.zeros(4))

    def cell_weights(self) -> list[Tensor]:
        """The weights of the cell state in the gates i, f and o; none where the gates do not read it."""
        return [weight for weight in (self.W_ci, self.W_cf, self.W_co) if weight is not None]

    def state_shape(self, bottom: Tensor) -> tuple[int, ...]:
        return bottom.shape[1], self.num_output, *bottom.shape[3:]

    def project(self, bottom: Tensor, static: Tensor | None) -> Tensor:
        steps, streams = bottom.shape[:2]
        if self.inputs is None:
            return bottom.new_zeros(steps, streams, 4 * self.num_output, *bottom.shape[3:])
        projected: Tensor = self.inputs(bottom.flatten(0, 1))
        return projected.reshape(steps, streams, *projected.shape[1:])

    def step(self, projected: Tensor, cont: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, cell = state
        gates = projected + self.hidden(cont * hidden)
        read = [weight.reshape(*weight.shape, *(1,) * self.repeated) * cell for weight in self.cell_weights()]
        if read:
            gates = gates + torch.cat([*read, torch.zeros_like(cell)], 1)
        cell, hidden = lstm_unit(cell, gates, cont, axis=1)
        return hidden, (hidden, cell)
