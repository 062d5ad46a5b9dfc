"""Layers of nets that read text, against loops over the steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer, net, run

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def lstm(bottom: np.ndarray, cont: np.ndarray, blobs: list[np.ndarray]) -> np.ndarray:
    inputs, hidden, bias = blobs
    outputs = bias.size // 4
    steps, streams = bottom.shape[:2]
    top = np.zeros((steps, streams, outputs))
    for stream in range(streams):
        h, c = np.zeros(outputs), np.zeros(outputs)
        for step in range(steps):
            if not cont[step, stream]:
                h, c = np.zeros(outputs), np.zeros(outputs)
            gates = inputs @ bottom[step, stream] + hidden @ h + bias
            for unit in range(outputs):
                i, f, o = (1 / (1 + math.exp(-gates[gate * outputs + unit])) for gate in range(3))
                c[unit] = f * c[unit] + i * math.tanh(gates[3 * outputs + unit])
                top[step, stream, unit] = o * math.tanh(c[unit])
            h = top[step, stream]
    return top


BLOBS = [normal(8, 3), normal(8, 2), normal(8)]
SETTINGS = "lstm_param { num_output: 2 clipping_threshold: 0.1 %s }"


def test_lstm_of_one_bottom() -> None:
    bottom = normal(4, 2, 3)
    top = run(layer("Lstm", "a", SETTINGS % ""), [bottom], {"it": BLOBS})
    expected = lstm(bottom, np.array([[0, 0], [1, 1], [1, 1], [1, 1]]), BLOBS)
    assert np.allclose(top, expected, atol=1e-5)
    flat = run(layer("Lstm", "a", SETTINGS % "batch_size: 2"), [bottom.reshape(8, 3)], {"it": BLOBS})
    assert np.allclose(flat, expected.reshape(8, 2), atol=1e-5)


def test_lstm_with_marks() -> None:
    bottom, cont = normal(3, 2, 3), np.array([[0, 0], [1, 0], [1, 1]], np.float32)
    top = run(layer("Lstm", "ab", SETTINGS % ""), [bottom, cont], {"it": BLOBS})
    assert np.allclose(top, lstm(bottom, cont, BLOBS), atol=1e-5)
    assert [blob.shape for blob in net(layer("Lstm", "a", SETTINGS % ""), [bottom]).blobs()["it"]] == [
        blob.shape for blob in BLOBS
    ]
    with pytest.raises(DefinitionError, match="layer 'it': num_output and batch_size 2 must fit 3 steps"):
        run(layer("Lstm", "a", SETTINGS % "batch_size: 2"), [normal(3, 3)])


def test_ctc_greedy_decoder() -> None:
    """Classes 1 1 0 1 2 of the first stream and 0 2 2 2 0 of the second, of which 0 is the blank."""
    bottom = np.zeros((5, 2, 3), np.float32)
    for stream, best in enumerate([[1, 1, 0, 1, 2], [0, 2, 2, 2, 0]]):
        bottom[range(5), stream, best] = 1
    top = apply("CTCGreedyDecoder", "", bottom)
    assert top.shape == (2, 5, 1, 1)
    assert top[:, :, 0, 0].tolist() == [[1, 1, 2, -1, -1], [2, -1, -1, -1, -1]]
    repeated = apply("CTCGreedyDecoder", "ctc_decoder_param { ctc_merge_repeated: false }", bottom)
    assert repeated[:, :, 0, 0].tolist() == [[1, 1, 1, 2, -1], [2, 2, 2, -1, -1]]
    other = apply("CTCGreedyDecoder", "ctc_decoder_param { blank_index: -1 }", bottom)
    assert other[:, :, 0, 0].tolist() == [[1, 0, 1, -1, -1], [0, 0, -1, -1, -1]]
    with pytest.raises(DefinitionError, match=r"layer 'l': the bottom is \(steps, streams, classes\)"):
        apply("CTCGreedyDecoder", "", normal(2, 3))
