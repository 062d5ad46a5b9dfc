"""Sequences of the rows of maps, against loops, and the LSTM of nian-liu/DSCLRCN that reads them."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, layer_net, net, tops_of, values


def test_rows_are_sequences_and_come_back() -> None:
    maps = values(2, 3, 4, 5)
    sequences, marks, rows = tops_of(layer_net("SRNNFormat", "", [maps.shape], 3), maps)
    assert (sequences.shape, marks.shape, rows.tolist()) == ((5, 8, 3), (5, 8), [4, 4, 4, 4])
    for n, c, y, x in np.ndindex(*maps.shape):
        assert sequences[x, n * 4 + y, c] == maps[n, c, y, x]
    assert (marks == (np.arange(5) > 0)[:, None]).all()
    (again,) = tops_of(
        layer_net("SRNNFormat", "srnnformat_param { operation: UNFORMAT }", [sequences.shape, rows.shape]),
        sequences,
        rows,
    )
    assert np.array_equal(again, maps)


@pytest.mark.parametrize(
    ("settings", "shapes", "tops", "problem"),
    [
        ("", [(2, 3, 4)], 3, "FORMAT needs 1 bottoms, the first of 4 axes, and 3 tops"),
        ("", [(2, 3, 4, 5)], 1, "FORMAT needs 1 bottoms, the first of 4 axes, and 3 tops"),
        ("srnnformat_param { operation: UNFORMAT }", [(2, 3, 4)], 1, "UNFORMAT needs 2 bottoms, the first of 3 axes"),
        ("srnnformat_param { operation: UNFORMAT }", [(5, 8, 3), (3,)], 1, "8 sequences are no whole number of maps"),
    ],
)
def test_refused(settings: str, shapes: list[tuple[int, ...]], tops: int, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        layer_net("SRNNFormat", settings, shapes, tops)


def test_rows_pass_through_an_lstm() -> None:
    """The wiring of DSCLRCN: any size of the image, in any number."""
    text = layer("SRNNFormat", "a", tops="s m r", name="format")
    text += layer("LSTM", "sm", 'recurrent_param { num_output: 2 weight_filler { type: "xavier" } }', "h", "lstm")
    text += layer("SRNNFormat", "hr", "srnnformat_param { operation: UNFORMAT }", "top", "back")
    maps = values(2, 3, 4, 5)
    model = net(text, [maps])
    (top,) = tops_of(model, maps)
    assert top.shape == (2, 2, 4, 5)
    (one,) = tops_of(model, np.ascontiguousarray(maps[1:, :, 2:3]))
    assert np.allclose(one[0, :, 0], top[1, :, 2], atol=1e-6)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_static_input_of_the_first_step_and_a_bias_of_the_forget_gate() -> None:
    x, cont, static = values(4, 2, 3), np.array([[0, 0], [1, 1], [1, 0], [1, 1]], np.float32), values(2, 5, seed=1)
    settings = """recurrent_param { num_output: 2 weight_filler { type: "gaussian" std: 0.5 }
        bias_filler { type: "uniform" } lstm_additional_forget_bias: 1.5 static_input_only_start: true }"""
    model = layer_net("LSTM", settings, [x.shape, cont.shape, static.shape])
    W_xc, b_c, W_static, W_hc = (blob.detach().numpy() for blob in model.blobs()["l"])
    h, c = np.zeros((2, 2)), np.zeros((2, 2))
    (found,) = tops_of(model, x, cont, static)
    for t in range(4):
        gates = x[t] @ W_xc.T + b_c + (cont[t, :, None] * h) @ W_hc.T + (static @ W_static.T if t == 0 else 0)
        i, f, o, g = np.split(gates, 4, axis=1)
        c = cont[t, :, None] * sigmoid(f + 1.5) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        assert np.allclose(found[t], h, atol=1e-5)
    with pytest.raises(DefinitionError, match="lstm_additional_forget_bias and static_input_only_start are for LSTM"):
        layer_net("RNN", settings, [x.shape, cont.shape, static.shape])
