"""Recurrent operations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.combine import joined
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.selection import taken
from fcnkit.export.views import View
from fcnkit.export.writer import Writer

# Caffe's RNN has a matrix and TanH behind the state. Of values this small TanH gives the values, to the last bit.
_SMALL = 2.0**-12


class _Recurrent(Rule):
    """One of PyTorch's recurrent operations, of several layers and one or two directions."""

    unit: type[_Directions]

    def write(self, net: Writer, *args: Any) -> Any:
        view, states, weights, biased, layers, _, _, bidirectional, batch_first = args
        states = states if isinstance(states, list | tuple) else [states]
        assert net.node is not None
        if any(not isinstance(weight, Tensor) for weight in weights):
            raise Refused("weights that depend on the input")
        per_layer = (2 + 2 * biased) * (1 + bidirectional)
        if len(weights) != per_layer * layers:
            raise Refused("a projection (proj_size)")
        used = {user.args[1] for user in net.node.users}
        batched = len(view.shape) == 3
        x = view if batched else net.reshaped(view, (view.shape[0], 1, view.shape[1]))
        x = x.permuted((1, 0, 2)) if batch_first and batched else x
        states = [state if batched or isinstance(state, View) else state.unsqueeze(1) for state in states]
        run = self.unit(net, states, bool(used & {2}))
        step = per_layer // (1 + bidirectional)
        for layer in range(layers):
            tops = []
            for direction in range(1 + bidirectional):
                index = layer * (1 + bidirectional) + direction
                tops.append(run.one(x, weights[index * step : (index + 1) * step], index, bool(direction)))
            x = tops[0] if len(tops) == 1 else joined(net, tops, 2, "" if layer == layers - 1 else f"layer{layer}")
        out = x.permuted((1, 0, 2)) if batch_first and batched else x
        out = out if batched else net.reshaped(out, (out.shape[0], out.shape[2]))
        ends = [own if index in used else [] for index, own in enumerate(run.ends, 1)]
        last = [
            joined(net, each, 0, role) if each else None for each, role in zip(ends, ("hidden", "cells"), strict=False)
        ]
        if not batched:
            last = [each and net.reshaped(each, (each.shape[0], each.shape[2])) for each in last]
        return out, *last


class _Directions:
    """The layers and directions of one operation.

    Attributes:
        ends: for each kind of state, the last ones of the layers and directions, (1, N, num_output) each.
    """

    kind: str
    names: tuple[str, ...]

    def __init__(self, net: Writer, states: list[Any], exposed: bool):
        self.net, self.states = net, states
        self.exposed = exposed or any(isinstance(state, View) or state.any() for state in states)
        self.ends: list[list[View]] = [[] for _ in states]

    def blobs(self, weights: list[Tensor], bias: Tensor) -> list[Tensor]:
        """Caffe's blobs, from the matrices of the inputs and the state, and the bias."""
        raise NotImplementedError

    def shown(self, top: View, role: str) -> View:
        """The states of all steps, from Caffe's top."""
        return top

    def one(self, view: View, weights: list[Tensor], index: int, backwards: bool) -> View:
        """One layer in one direction: (T, N, num_output)."""
        net = self.net
        steps, streams, _ = view.shape
        if backwards:
            view = taken(net, view, 0, range(steps)[::-1], f"reversed{index}")
        bias = weights[2] + weights[3] if len(weights) == 4 else weights[0].new_zeros(len(weights[0]))
        settings = {"num_output": weights[1].shape[1], "expose_hidden": self.exposed}
        cont = torch.ones(steps, streams)
        # With states from outside, the first step continues them.
        cont[0] = float(self.exposed)
        bottoms = [view, net.once(("cont", steps, streams, self.exposed), lambda: net.constant(cont, "cont"))]
        if self.exposed:
            bottoms += [self._state(state, index, role) for state, role in zip(self.states, self.names, strict=True)]
        count, role = 1 + len(self.states) * self.exposed, f"{self.kind.lower()}{index}"
        blobs = self.blobs(weights, bias)
        tops = net.add_several(self.kind, count, *bottoms, weights=blobs, role=role, recurrent_param=settings)
        out = self.shown(tops[0], f"{role}_states")
        last = tops[1:] if self.exposed else [taken(net, out, 0, [steps - 1], f"last{index}")]
        for ends, own in zip(self.ends, last, strict=False):
            ends.append(own)
        return taken(net, out, 0, range(steps)[::-1], f"restored{index}") if backwards else out

    def _state(self, state: Any, index: int, role: str) -> View:
        if isinstance(state, View):
            return taken(self.net, state, 0, [index], f"{role}_{index}")
        return self.net.constant(state[index : index + 1], f"{role}_{index}")


class _LstmDirections(_Directions):
    kind, names = "LSTM", ("h0", "c0")

    def blobs(self, weights: list[Tensor], bias: Tensor) -> list[Tensor]:
        return [_in_caffes_order(each) for each in (weights[0], bias, weights[1])]


class _RnnDirections(_Directions):
    kind, names = "RNN", ("h0",)

    def blobs(self, weights: list[Tensor], bias: Tensor) -> list[Tensor]:
        size = len(bias)
        return [weights[0], bias, weights[1], torch.eye(size).to(bias) * _SMALL, torch.zeros_like(bias)]

    def shown(self, top: View, role: str) -> View:
        return self.net.power(top, scale=1 / _SMALL, role=role)


@aten("lstm.input")
class Lstm(_Recurrent):
    """Long short-term memory, of several layers and one or two directions."""

    form = "LSTM, for each layer and direction; a Parameter marks where the sequence begins"
    unit = _LstmDirections


@aten("rnn_tanh.input")
class Rnn(_Recurrent):
    """A plain recurrent operation with tanh, of several layers and one or two directions."""

    form, unit = (
        "RNN and Power, for each layer and direction; a Parameter marks where the sequence begins",
        _RnnDirections,
    )


def _in_caffes_order(weight: Tensor) -> Tensor:
    """The gates i, f, g, o of PyTorch as i, f, o, g.

    Source: BVLC/caffe src/caffe/layers/lstm_unit_layer.cpp, Forward_cpu.
    """
    i, f, g, o = weight.chunk(4)
    return torch.cat([i, f, o, g])


@aten("gru.input", "rnn_relu.input", "lstm.data", "gru.data")
class OtherRecurrent(Rule):
    """Recurrent operations with gates or activations that Caffe has no layer for, and packed sequences."""

    form = "none"

    def write(self, net: Writer, *args: Any) -> Any:
        raise Refused(way_out="replace it by nn.LSTM, or by nn.RNN with tanh")
