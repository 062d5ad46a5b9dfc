"""Recurrent modules in which a second bottom marks where sequences begin.

Caffe unrolls them over time inside one layer. nn.LSTM and nn.RNN cannot replace them: they do not support sequences
that end and begin within a batch, and they order the gates differently.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = tuple[Tensor, ...]


def lstm_unit(cell: Tensor, gates: Tensor, cont: Tensor, axis: int = -1) -> State:
    """One step of an LSTM.

    Args:
        cell: (..., num_output), the cell state before.
        gates: (..., 4 * num_output), the inputs of the gates i, f, o and g.
        cont: (..., 1), 0 where a sequence begins, which resets the cell state.
        axis: the axis along which the gates lie.

    Returns:
        The cell state after, and the hidden state.

    Source: BVLC/caffe src/caffe/layers/lstm_unit_layer.cpp.
    """
    i, f, o, g = gates.chunk(4, axis)
    cell = cont * torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return cell, torch.sigmoid(o) * torch.tanh(cell)


class LSTMUnit(nn.Module):
    """`lstm_unit` on bottoms (1, streams, num_output), (1, streams, 4 * num_output) and (1, streams)."""

    def forward(self, cell: Tensor, gates: Tensor, cont: Tensor) -> State:
        one, streams, outputs = cell.shape if cell.dim() == 3 else (0, 0, 0)
        if one != 1 or gates.shape != (1, streams, 4 * outputs) or cont.shape != (1, streams):
            raise RuntimeError("bottoms (1, N, D), (1, N, 4 * D) and (1, N) are needed")
        return lstm_unit(cell, gates, cont.unsqueeze(-1))


class Recurrent(nn.Module):
    """The base of LSTM, RNN and ConvLSTM: the loop over time, and the state.

    Each forward begins with the state in which the previous one ended, unless cont is 0, so that a long sequence can
    be fed in pieces. `reset` sets the state to 0. No gradient flows back beyond one forward.

    The bottoms are (steps, streams, ...); cont (steps, streams), 0 at the first step of every sequence, else 1; with
    static inputs (streams, ...), read at every step; with expose_hidden the initial state, each part (1, streams,
    num_output). The tops are (steps, streams, num_output) and, with expose_hidden, the final state.

    Args:
        states: names of the parts of the state.
        shape: (streams, num_output), the number of parallel sequences and that of values in each part; ConvLSTM's
            parts are maps, (streams, num_output, height, width).
        expose_hidden: whether the state is among the bottoms and tops.

    Source: BVLC/caffe src/caffe/layers/recurrent_layer.cpp.
    """

    def __init__(self, states: Sequence[str], shape: Sequence[int], expose_hidden: bool = False):
        super().__init__()
        self.states, self.num_output, self.expose_hidden = tuple(states), shape[1], expose_hidden
        if not expose_hidden:
            for name in self.states:
                # Caffe does not save the state either.
                self.register_buffer(name, torch.zeros(*shape), persistent=False)

    def weight(self, rows: int, *columns: int) -> nn.Parameter:
        """A parameter to be filled."""
        return nn.Parameter(torch.zeros(rows, *columns))

    def project(self, bottom: Tensor, static: Tensor | None) -> Tensor:
        """The contribution of the inputs to each step, (steps, streams, ...)."""
        raise NotImplementedError

    def step(self, projected: Tensor, cont: Tensor, state: State) -> tuple[Tensor, State]:
        """One step; returns the top at that step and the state after it."""
        raise NotImplementedError

    def state_shape(self, bottom: Tensor) -> tuple[int, ...]:
        """The shape of each part of the state for a bottom."""
        return bottom.shape[1], self.num_output

    def reset(self) -> None:
        """Set the state to 0."""
        if not self.expose_hidden:
            for name in self.states:
                self.get_buffer(name).zero_()

    def forward(self, bottom: Tensor, cont: Tensor, *others: Tensor) -> Tensor | tuple[Tensor, ...]:
        if bottom.shape[:2] != cont.shape:
            raise RuntimeError("the second bottom needs one number for each step and stream of the first")
        exposed = len(self.states) if self.expose_hidden else 0
        static = others[0] if len(others) > exposed else None
        if static is not None and static.shape[0] != bottom.shape[1]:
            raise RuntimeError("the static input needs one item for each stream")
        shape = self.state_shape(bottom)
        state = self._exposed(others[-exposed:], shape) if exposed else self._stored(shape)
        tops = []
        # As in Caffe, the marks of sequences get no gradient.
        marks = cont.detach().reshape(*cont.shape, *(1,) * (len(shape) - 1))
        for projected, goes_on in zip(self.project(bottom, static), marks, strict=True):
            top, state = self.step(projected, goes_on, state)
            tops.append(top)
        if exposed:
            return torch.stack(tops), *(part.unsqueeze(0) for part in state)
        self._store(state)
        return torch.stack(tops)

    def _exposed(self, parts: Sequence[Tensor], shape: tuple[int, ...]) -> State:
        if any(part.shape != (1, *shape) for part in parts):
            raise RuntimeError(f"the state needs the shape {(1, *shape)}")
        return tuple(part[0] for part in parts)

    def _stored(self, shape: tuple[int, ...]) -> State:
        stored = [self.get_buffer(name) for name in self.states]
        # Copies, because the buffers change before the backward pass of this forward.
        return tuple(part.clone() if part.shape == shape else part.new_zeros(shape) for part in stored)

    @torch.no_grad()
    def _store(self, state: State) -> None:
        for name, part in zip(self.states, state, strict=True):
            if self.get_buffer(name).shape != part.shape:
                setattr(self, name, torch.empty_like(part))
            self.get_buffer(name).copy_(part)

    def extra_repr(self) -> str:
        return f"{self.num_output}, expose_hidden={self.expose_hidden}"


class LSTM(Recurrent):
    """Long short-term memory with gates in the order i, f, o, g, without peepholes.

    Args:
        inputs: number of values in each item of the bottom.
        static: number of values in each item of the static input, or None without one.
        streams, num_output, expose_hidden: as in `Recurrent`; the state is h and c.
        forget_bias: a number that is added to the input of the gate f.
        static_once: whether only the first step reads the static input.

    Source: BVLC/caffe src/caffe/layers/lstm_layer.cpp; nian-liu/DSCLRCN caffe-master/src/caffe/layers/lstm_layer.cpp
    and lstm_unit_layer.cpp for the last two arguments.
    """

    def __init__(
        self,
        inputs: int,
        static: int | None,
        streams: int,
        num_output: int,
        expose_hidden: bool = False,
        forget_bias: float = 0,
        static_once: bool = False,
    ):
        super().__init__(("h", "c"), (streams, num_output), expose_hidden)
        self.forget_bias, self.static_once = forget_bias, static_once
        self.W_xc = self.weight(4 * num_output, inputs)
        self.b_c = self.weight(4 * num_output)
        self.W_xc_static = None if static is None else self.weight(4 * num_output, static)
        self.W_hc = self.weight(4 * num_output, num_output)

    def project(self, bottom: Tensor, static: Tensor | None) -> Tensor:
        gates = F.linear(bottom.flatten(2), self.W_xc, self.b_c)
        if static is not None and self.W_xc_static is not None:
            added = F.linear(static.flatten(1), self.W_xc_static)
            gates = torch.cat([gates[:1] + added, gates[1:]]) if self.static_once else gates + added
        if self.forget_bias:
            count = self.num_output
            gates = gates + F.pad(gates.new_full((count,), self.forget_bias), (count, 2 * count))
        return gates

    def step(self, projected: Tensor, cont: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, cell = state
        cell, hidden = lstm_unit(cell, projected + F.linear(cont * hidden, self.W_hc), cont)
        return hidden, (hidden, cell)


class RNN(Recurrent):
    """The plain recurrent net: tanh of the inputs and the hidden state, and tanh of a projection of that.

    Args:
        inputs, static, streams, num_output, expose_hidden: as in `LSTM`; the state is h.

    Source: BVLC/caffe src/caffe/layers/rnn_layer.cpp.
    """

    def __init__(self, inputs: int, static: int | None, streams: int, num_output: int, expose_hidden: bool = False):
        super().__init__(("h",), (streams, num_output), expose_hidden)
        self.W_xh = self.weight(num_output, inputs)
        self.b_h = self.weight(num_output)
        self.W_xh_static = None if static is None else self.weight(num_output, static)
        self.W_hh = self.weight(num_output, num_output)
        self.W_ho = self.weight(num_output, num_output)
        self.b_o = self.weight(num_output)

    def project(self, bottom: Tensor, static: Tensor | None) -> Tensor:
        inputs = F.linear(bottom.flatten(2), self.W_xh, self.b_h)
        if static is not None and self.W_xh_static is not None:
            inputs = inputs + F.linear(static.flatten(1), self.W_xh_static)
        return inputs

    def step(self, projected: Tensor, cont: Tensor, state: State) -> tuple[Tensor, State]:
        hidden = torch.tanh(projected + F.linear(cont * state[0], self.W_hh))
        return torch.tanh(F.linear(hidden, self.W_ho, self.b_o)), (hidden,)


class LSTMOfOneBottom(LSTM):
    """An LSTM whose sequences all begin at the first step, unless a second bottom marks where they begin.

    A bottom of other than 3 axes is (steps * streams, ...), as is then the top.

    Source: junhyukoh/caffe-lstm src/caffe/layers/lstm_layer.cpp; senlinuc/caffe_ocr
    src/caffe/layers/lstm_layer_Junhyuk.cpp.
    """

    def __init__(self, inputs: int, streams: int, num_output: int):
        super().__init__(inputs, None, streams, num_output)
        self.streams = streams

    def forward(self, bottom: Tensor, cont: Tensor | None = None, *others: Tensor) -> Tensor:
        steps = bottom if bottom.dim() == 3 else bottom.reshape(-1, self.streams, bottom[0].numel())
        if cont is None:
            later = torch.ones(steps.shape[0], 1, device=bottom.device, dtype=bottom.dtype)
            cont = F.pad(later[1:], (0, 0, 1, 0)).expand(steps.shape[:2])
        top = super().forward(steps, cont.reshape(steps.shape[:2]))
        assert isinstance(top, Tensor)
        return top if bottom.dim() == 3 else top.flatten(0, 1)


class CTCGreedyDecoder(nn.Module):
    """The most likely class at each step, without blanks and repetitions: (streams, steps, 1, 1), filled up with -1.

    Args:
        blank: the class of blanks; below 0 the last one.
        merge: whether repeated classes count once.

    Source: senlinuc/caffe_ocr src/caffe/layers/ctc_decoder_layer.cpp.
    """

    def __init__(self, blank: int = 0, merge: bool = True):
        super().__init__()
        self.blank, self.merge = blank, merge

    def forward(self, bottom: Tensor) -> Tensor:
        steps, streams, classes = bottom.shape[:3]
        best = bottom.reshape(steps, streams, classes).argmax(2)
        kept = best != (self.blank if self.blank >= 0 else classes - 1)
        if self.merge:
            kept[1:] &= best[1:] != best[:-1]
        place = torch.where(kept, kept.cumsum(0) - 1, steps)
        filled = best.new_full((steps + 1, streams), -1).scatter(0, place, best)
        return filled[:steps].t().reshape(streams, steps, 1, 1).to(bottom.dtype)

    def extra_repr(self) -> str:
        return f"{self.blank}, merge={self.merge}"


class ContinuationIndicator(nn.Module):
    """The marks of sequences that all begin at the first step: (steps, streams), 0 at the first step, then 1.

    Args:
        steps: their number.
        streams: their number where no axis is given.
        axis: the axis of the bottom whose length is the number of streams.

    Source: yalecyu/crnn.caffe and jolibrain/caffe, src/caffe/layers/continuation_indicator_layer.cpp of both.
    """

    def __init__(self, steps: int, streams: int, axis: int | None):
        super().__init__()
        self.streams, self.axis = streams, axis
        self.register_buffer("marks", (torch.arange(steps) > 0).float()[:, None], persistent=False)

    def forward(self, *bottoms: Tensor) -> Tensor:
        streams = self.streams if self.axis is None else bottoms[0].shape[self.axis]
        return self.get_buffer("marks").expand(-1, streams).clone()

    def extra_repr(self) -> str:
        return f"streams={self.streams}, axis={self.axis}"
