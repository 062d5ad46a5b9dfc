"""Modules that write captions word by word."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.nn.recurrent import lstm_unit


class LSTMNode(nn.Module):
    """One step of an LSTM on bottoms (batch, ...) that contain the hidden state before.

    Its bottoms are these, the cell state (batch, num_cells) and, if there is a third, one number for each item, 0 where
    a sequence begins. It makes the hidden state and the cell state.

    Args:
        inputs: number of values in each item.
        cells: number of cells.
        bias: whether there is one.

    Source: peteanderson80/caffe src/caffe/layers/lstm_node_layer.cpp.
    """

    def __init__(self, inputs: int, cells: int, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4 * cells, inputs))
        self.bias = nn.Parameter(torch.zeros(4 * cells)) if bias else None

    def forward(self, bottom: Tensor, cell: Tensor, cont: Tensor | None = None) -> tuple[Tensor, Tensor]:
        gates = F.linear(bottom.flatten(1), self.weight, self.bias)
        goes_on = gates.new_ones(gates.shape[0], 1) if cont is None else cont.reshape(gates.shape[0], 1)
        cell, hidden = lstm_unit(cell.reshape(gates.shape[0], gates.shape[1] // 4), gates, goes_on)
        return hidden, cell


class BeamSearchNode(nn.Module):
    """One step of a beam search: the best continuations of the sentences so far.

    The batch is (images * beams). Its bottoms are the sums of scores (batch, 1) and the sentences (batch, steps), which
    the first step lacks; the scores (batch, words); and states (batch, ...). It makes the new sums, the sentences with
    one more word, that word (batch, 1), and the states of the beams that the sentences continue. A sentence that has
    ended stays as it is.

    Args:
        beams: number of beams of each image.
        end: the word that ends a sentence.
        repeats: whether a word can follow itself.
        multiple: the words that a sentence can contain several times; all where there is none.
        first: whether it is the first step, in which all beams are equal.

    Source: peteanderson80/caffe src/caffe/layers/beam_search_node_layer.cpp and, for words that occur several times,
    beam_search_node_layer.cu.
    """

    def __init__(self, beams: int, end: int, repeats: bool, multiple: Sequence[int], first: bool):
        super().__init__()
        self.beams, self.end, self.repeats, self.multiple, self.first = beams, end, repeats, tuple(multiple), first

    def forward(self, *bottoms: Tensor) -> tuple[Tensor, ...]:
        scores, *states = bottoms if self.first else bottoms[2:]
        batch, words = scores.shape
        if batch % self.beams:
            raise RuntimeError(f"a batch of {batch} cannot have {self.beams} beams for each image")
        totals = self._of_one_beam(scores) if self.first else self._continued(scores, *bottoms[:2])
        sums, places = totals.reshape(batch // self.beams, self.beams * words).topk(self.beams, 1)
        images = torch.arange(batch // self.beams, device=scores.device).unsqueeze(1)
        sources = (images * self.beams + places // words).flatten()
        word = (places % words).reshape(batch, 1).to(scores.dtype)
        sentences = word if self.first else torch.cat((bottoms[1][sources], word), 1)
        return sums.reshape(batch, 1), sentences, word, *(state[sources] for state in states)

    def _of_one_beam(self, scores: Tensor) -> Tensor:
        others = torch.arange(scores.shape[0], device=scores.device) % self.beams != 0
        return scores.masked_fill(others.unsqueeze(1), -torch.inf)

    def _continued(self, scores: Tensor, sums: Tensor, sentences: Tensor) -> Tensor:
        """The sums with each possible word."""
        earlier = sentences.long()
        last = earlier[:, -1:]
        used = torch.zeros_like(scores, dtype=torch.bool)
        if self.multiple:
            used = used.scatter(1, earlier, value=True)
            used[:, list(self.multiple)] = False
        if not self.repeats:
            used = used.scatter(1, last, value=True)
        continued = (sums.reshape(-1, 1) + scores).masked_fill(used, -torch.inf)
        kept = torch.full_like(scores, -torch.inf)
        kept[:, self.end] = sums.flatten()
        return torch.where(last == self.end, kept, continued)

    def extra_repr(self) -> str:
        return f"{self.beams}, end={self.end}, repeats={self.repeats}, multiple={self.multiple}, first={self.first}"
