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


@aten("lstm.input")
class Lstm(Rule):
    """Long short-term memory, of several layers and one or two directions."""

    form = "LSTM, for each layer and direction; a Parameter marks where the sequence begins"

    def write(self, net: Writer, *args: Any) -> Any:
        view, states, weights, biased, layers, _, _, bidirectional, batch_first = args
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
        run = _Directions(net, states, bool(used & {2}))
        step = per_layer // (1 + bidirectional)
        for layer in range(layers):
            tops = []
            for direction in range(1 + bidirectional):
                index = layer * (1 + bidirectional) + direction
                tops.append(run.one(x, weights[index * step : (index + 1) * step], index, bool(direction)))
            x = tops[0] if len(tops) == 1 else joined(net, tops, 2, "" if layer == layers - 1 else f"layer{layer}")
        out = x.permuted((1, 0, 2)) if batch_first and batched else x
        out = out if batched else net.reshaped(out, (out.shape[0], out.shape[2]))
        ends = [run.hidden if 1 in used else [], run.cells if 2 in used else []]
        last = [
            joined(net, each, 0, role) if each else None for each, role in zip(ends, ("hidden", "cells"), strict=True)
        ]
        if not batched:
            last = [each and net.reshaped(each, (each.shape[0], each.shape[2])) for each in last]
        return out, *last


class _Directions:
    """The layers and directions of one operation.

    Attributes:
        hidden, cells: the last states, (1, N, num_output) each.
    """

    def __init__(self, net: Writer, states: list[Any], cells_wanted: bool):
        self.net, self.states = net, states
        self.exposed = cells_wanted or any(isinstance(state, View) or state.any() for state in states)
        self.hidden: list[View] = []
        self.cells: list[View] = []

    def one(self, view: View, weights: list[Tensor], index: int, backwards: bool) -> View:
        """One layer in one direction: (T, N, num_output)."""
        net = self.net
        steps, streams, _ = view.shape
        if backwards:
            view = taken(net, view, 0, range(steps)[::-1], f"reversed{index}")
        size = weights[1].shape[1]
        bias = weights[2] + weights[3] if len(weights) == 4 else weights[0].new_zeros(4 * size)
        blobs = [_in_caffes_order(weights[0]), _in_caffes_order(bias), _in_caffes_order(weights[1])]
        settings = {"num_output": size, "expose_hidden": self.exposed}
        cont = torch.ones(steps, streams)
        # With states from outside, the first step continues them.
        cont[0] = float(self.exposed)
        bottoms = [view, net.once(("cont", steps, streams, self.exposed), lambda: net.constant(cont, "cont"))]
        if self.exposed:
            bottoms += [self._state(state, index, role) for state, role in zip(self.states, ("h0", "c0"), strict=True)]
        count, role = 3 if self.exposed else 1, f"lstm{index}"
        tops = net.add_several("LSTM", count, *bottoms, weights=blobs, role=role, recurrent_param=settings)
        if self.exposed:
            self.cells.append(tops[2])
        self.hidden.append(tops[1] if self.exposed else taken(net, tops[0], 0, [steps - 1], f"last{index}"))
        return taken(net, tops[0], 0, range(steps)[::-1], f"restored{index}") if backwards else tops[0]

    def _state(self, state: Any, index: int, role: str) -> View:
        if isinstance(state, View):
            return taken(self.net, state, 0, [index], f"{role}_{index}")
        return self.net.constant(state[index : index + 1], f"{role}_{index}")


def _in_caffes_order(weight: Tensor) -> Tensor:
    """The gates i, f, g, o of PyTorch as i, f, o, g.

    Source: BVLC/caffe src/caffe/layers/lstm_unit_layer.cpp, Forward_cpu.
    """
    i, f, g, o = weight.chunk(4)
    return torch.cat([i, f, o, g])


@aten("gru.input", "rnn_tanh.input", "rnn_relu.input", "lstm.data", "gru.data")
class OtherRecurrent(Rule):
    """Other recurrent operations: Caffe's RNN has a second matrix and TanH behind the state."""

    form = "none"

    def write(self, net: Writer, *args: Any) -> Any:
        raise Refused(way_out="replace it by nn.LSTM")
