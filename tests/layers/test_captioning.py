"""Layers that write captions word by word, against loops over items and values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, definition, layer, layer_net, run, tops_of, values


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_one_step_of_an_lstm(bias: bool, marked: bool) -> None:
    """peteanderson80/caffe: gates i, f, o, g of the whole bottom, which contains the hidden state."""
    items, inputs, cells = 3, 4, 2
    bottom, cell, cont = values(items, 2, 2), values(items, cells, seed=1), np.array([0, 1, 0.5], np.float32)
    text = f"lstm_param {{ num_cells: 2 bias_term: {str(bias).lower()} }}"
    bottoms = [bottom, cell, *([cont] if marked else [])]
    net = layer_net("LSTMNode", text, [each.shape for each in bottoms], 2)
    stored = [values(4 * cells, inputs, seed=2), *([values(4 * cells, seed=3)] if bias else [])]
    blobs = net.blobs()["l"]
    assert [tuple(blob.shape) for blob in blobs] == [each.shape for each in stored]
    for blob, value in zip(blobs, stored, strict=True):
        blob.data.numpy()[:] = value
    hidden, after = tops_of(net, *bottoms)
    for n, j in np.ndindex(items, cells):
        gates = [
            sum(stored[0][k * cells + j, x] * bottom[n].ravel()[x] for x in range(inputs))
            + (stored[1][k * cells + j] if bias else 0)
            for k in range(4)
        ]
        kept = sigmoid(gates[1]) * (cont[n] if marked else 1)
        c = kept * cell[n, j] + sigmoid(gates[0]) * math.tanh(gates[3])
        assert after[n, j] == pytest.approx(c, abs=1e-5)
        assert hidden[n, j] == pytest.approx(sigmoid(gates[2]) * math.tanh(c), abs=1e-5)


def test_each_gate_has_its_filler() -> None:
    gates = ("input_gate", "forget_gate", "output_gate", "input")
    fillers = [f"{gate}_weight_filler {{ value: {k + 1} }}" for k, gate in enumerate(gates)]
    fillers += [f"{gate}_bias_filler {{ value: {k + 5} }}" for k, gate in enumerate(gates)]
    net = layer_net("LSTMNode", f"lstm_param {{ num_cells: 2 {' '.join(fillers)} }}", [(1, 3), (1, 2)], 2)
    weight, bias = net.blobs()["l"]
    assert weight[:, 0].tolist() == weight[:, 2].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert bias.tolist() == [5, 5, 6, 6, 7, 7, 8, 8]


@pytest.mark.parametrize("cells", [0, 3])
def test_cells_that_do_not_fit_are_refused(cells: int) -> None:
    problem = rf"num_cells {cells} must be positive, and the second bottom the state of as many .* \(1, 2\)"
    with pytest.raises(DefinitionError, match=problem):
        layer_net("LSTMNode", f"lstm_param {{ num_cells: {cells} }}", [(1, 3), (1, 2)], 2)


def searched(settings: str, *bottoms: np.ndarray, first: bool = False) -> list[np.ndarray]:
    tops = len(bottoms) + 2 * first
    net = layer_net("BeamSearchNode", f"beam_search_param {{ {settings} }}", [each.shape for each in bottoms], tops)
    return tops_of(net, *bottoms)


def test_the_first_step_reads_one_beam() -> None:
    """Two images of two beams each; those of one image are equal."""
    scores = np.array([[3, 1, 2], [3, 1, 2], [-1, -2, -3], [-1, -2, -3]], np.float32)
    states = np.arange(8, dtype=np.float32).reshape(4, 2)
    sums, sentences, word, after = searched("beam_size: 2", scores, states, first=True)
    assert sums.tolist() == [[3], [2], [-1], [-2]]
    assert sentences.tolist() == word.tolist() == [[0], [2], [0], [1]]
    assert after.tolist() == [[0, 1], [0, 1], [4, 5], [4, 5]]


SUMS = np.array([[-1], [-2]], np.float32)
SCORES = np.array([[-9, -1, -1.5, -7], [-5, -0.25, -0.5, -6]], np.float32)
HIDDEN = np.array([[10], [20]], np.float32)


@pytest.mark.parametrize(
    ("settings", "sums", "words", "sources"),
    [
        # Of -2, -2.5 (beam 0) and -2.25, -2.5 (beam 1).
        ("prevent_repeats: false", [-2, -2.25], [1, 1], [0, 1]),
        # The first sentence ends in 1, the second in 2.
        ("", [-2.25, -2.5], [1, 2], [1, 0]),
        # The second sentence contains 1 already, and so cannot continue: -7 and -8 are left to it.
        ("allowed_multiple: 2", [-2.5, -7], [2, 0], [0, 1]),
    ],
)
def test_later_steps(settings: str, sums: list[float], words: list[int], sources: list[int]) -> None:
    sentences = np.array([[3, 1], [1, 2]], np.float32)
    found = searched(f"beam_size: 2 {settings}", SUMS, sentences, SCORES, HIDDEN)
    assert found[0].ravel().tolist() == sums
    assert found[1].tolist() == [[*sentences[source], word] for source, word in zip(sources, words, strict=True)]
    assert found[2].ravel().tolist() == words
    assert found[3].ravel().tolist() == [HIDDEN[source, 0] for source in sources]


def test_sentences_that_have_ended_stay() -> None:
    """The second ended in 3: it goes on with 3 and its sum, however probable other words would be."""
    sentences = np.array([[2, 1], [1, 3]], np.float32)
    sums, longer, word, _ = searched("beam_size: 2 end_of_sequence: 3", SUMS, sentences, SCORES + 3, HIDDEN)
    assert sums.ravel().tolist() == [0.5, -2]
    assert longer.tolist() == [[2, 1, 2], [1, 3, 3]]
    assert word.ravel().tolist() == [2, 3]


@pytest.mark.parametrize(
    ("settings", "shapes", "tops", "problem"),
    [
        ("", [(2, 4)], 2, "it has 1 bottoms and 2 tops"),
        ("", [(2, 4, 1)], 3, "it makes as many tops as it has bottoms, of 2 axes each"),
        ("beam_size: 0", [(2, 4)], 3, "beam_size must be positive"),
        ("end_of_sequence: 4", [(2, 4)], 3, "end_of_sequence and allowed_multiple below 4"),
        ("allowed_multiple: 4", [(2, 1), (2, 1), (2, 4)], 3, "end_of_sequence and allowed_multiple below 4"),
        ("beam_size: 3", [(2, 4)], 3, "a batch of 2 cannot have 3 beams for each image"),
    ],
)
def test_searches_that_are_refused(settings: str, shapes: list[tuple[int, ...]], tops: int, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        layer_net("BeamSearchNode", f"beam_search_param {{ {settings} }}", shapes, tops)


def test_softmax_of_the_first_values() -> None:
    """As many boxes as each image has; along axis 1 of 3, a number for each item and pixel."""
    bottom, counts = values(2, 3, 2), np.array([[1, 2], [3, 3]], np.float32)
    top = apply("Softmax", "", bottom, counts)
    for n, pixel in np.ndindex(2, 2):
        powers = [math.exp(bottom[n, c, pixel]) if c < counts[n, pixel] else 0 for c in range(3)]
        assert np.allclose(top[n, :, pixel], np.array(powers) / sum(powers), atol=1e-6)
    last = apply("Softmax", "softmax_param { axis: -1 }", bottom[:, :, 0], np.array([2, 1], np.float32))
    assert last[:, 2].tolist() == [0, 0]
    assert last[1].tolist() == [1, 0, 0]
    with pytest.raises(DefinitionError, match="4 softmaxes need as many numbers, not 2"):
        apply("Softmax", "", bottom, counts[0])


def test_words_of_captions_lose_their_axis(tmp_path: Path) -> None:
    """peteanderson80/Up-Down-Captioner: (batch, 1) becomes (batch, num_output), which BVLC's Embed does not do."""
    embed = layer("Embed", "a", "embed_param { num_output: 3 input_dim: 5 bias_term: false }", "embedded", "embed")
    words, rows = np.array([[4], [1]], np.float32), values(5, 3)
    node = layer("LSTMNode", ["embedded", "b"], "lstm_param { num_cells: 2 }", "top c")
    net = fcnkit.CaffeNet(definition(embed + node, {"a": (2, 1), "b": (2, 2)}))
    assert net.shapes["embedded"] == (2, 3)
    net.embed.weight.data.numpy()[:] = rows
    assert np.array_equal(net.embed(torch.from_numpy(words)).detach().numpy(), rows[[4, 1]])
    fcnkit.save(net, tmp_path / "net.safetensors")
    assert fcnkit.load(tmp_path / "net.safetensors").shapes["embedded"] == (2, 3)
    alone = embed.replace('top: "embedded"', 'top: "top"')
    assert run(alone, [words], {"embed": [rows]}).shape == (2, 1, 3)
