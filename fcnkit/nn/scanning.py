"""Modules that make sequences of the rows of a map, and maps of sequences."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RowsToSequences(nn.Module):
    """The rows of maps (batch, channels, height, width) as sequences (width, batch * height, channels).

    It makes these, the marks of where they begin, (width, batch * height), and height, once for each row of a map.

    Source: nian-liu/DSCLRCN caffe-master/src/caffe/layers/srnnformat_layer.cpp, format_cpu, whose third top is one
    number, height.
    """

    def forward(self, bottom: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        sequences = bottom.permute(3, 0, 2, 1).flatten(1, 2)
        marks = torch.ones_like(sequences[:, :, 0])
        marks[:1] = 0
        height = bottom.shape[2]
        return sequences, marks, bottom.new_full((height,), height)


class SequencesToRows(nn.Module):
    """Maps (batch, channels, height, width) of sequences (width, batch * height, channels).

    The second bottom has one number for each row of a map.

    Source: nian-liu/DSCLRCN caffe-master/src/caffe/layers/srnnformat_layer.cpp, unformat_cpu.
    """

    def forward(self, sequences: Tensor, rows: Tensor) -> Tensor:
        width, streams, channels = sequences.shape
        height = rows.shape[0]
        if streams % height:
            raise RuntimeError(f"{streams} sequences are no whole number of maps of {height} rows")
        return sequences.reshape(width, streams // height, height, channels).permute(1, 3, 2, 0)
