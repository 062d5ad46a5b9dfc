"""LSTM and RNN, step by step as Caffe's unrolled nets compute them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import layer_net, tops_of, values

STEPS, STREAMS, INPUTS, STATIC, OUTPUTS = 5, 3, 4, 2, 6
X = values(STEPS, STREAMS, 2, 2)
CONT = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 1], [1, 1, 0.5], [1, 1, 1]], np.float32)
STATIC_X = values(STREAMS, STATIC, 1, seed=2)
STATE = values(1, STREAMS, OUTPUTS, seed=3), values(1, STREAMS, OUTPUTS, seed=4)
PARAM = (
    'recurrent_param { num_output: 6 weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "uniform" } %s }'
)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(blobs: list[np.ndarray], cont: np.ndarray, static: bool, h: np.ndarray, c: np.ndarray) -> list[np.ndarray]:
    """All h, the last h and the last c. The blobs are W_xc, b_c, perhaps W_xc_static, W_hc; gates i, f, o, g."""
    tops = []
    for t in range(STEPS):
        gates = X[t].reshape(STREAMS, -1) @ blobs[0].T + blobs[1] + (cont[t, :, None] * h) @ blobs[-1].T
        if static:
            gates = gates + STATIC_X.reshape(STREAMS, -1) @ blobs[2].T
        i, f, o, g = np.split(gates, 4, axis=1)
        c = cont[t, :, None] * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        tops.append(h)
    return [np.stack(tops), h[None], c[None]]


def rnn(blobs: list[np.ndarray], cont: np.ndarray, static: bool, h: np.ndarray, _: np.ndarray) -> list[np.ndarray]:
    """All o and the last h. The blobs are W_xh, b_h, perhaps W_xh_static, W_hh, W_ho, b_o."""
    tops = []
    for t in range(STEPS):
        inner = X[t].reshape(STREAMS, -1) @ blobs[0].T + blobs[1] + (cont[t, :, None] * h) @ blobs[-3].T
        if static:
            inner = inner + STATIC_X.reshape(STREAMS, -1) @ blobs[2].T
        h = np.tanh(inner)
        tops.append(np.tanh(h @ blobs[-2].T + blobs[-1]))
    return [np.stack(tops), h[None]]


REFERENCE = {"LSTM": (lstm, 2), "RNN": (rnn, 1)}
ZERO = np.zeros((STREAMS, OUTPUTS), np.float32)
both_kinds = pytest.mark.parametrize("kind", ["LSTM", "RNN"])


@both_kinds
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("exposed", [False, True])
def test_steps(kind: str, exposed: bool, static: bool) -> None:
    function, states = REFERENCE[kind]
    bottoms = [X, CONT] + [STATIC_X] * static + list(STATE[:states]) * exposed
    torch.manual_seed(0)
    net = layer_net(
        kind, PARAM % f"expose_hidden: {str(exposed).lower()}", [b.shape for b in bottoms], 1 + states * exposed
    )
    blobs = [blob.numpy() for blob in net.blobs()["l"]]
    assert len(blobs) == {"LSTM": 3, "RNN": 5}[kind] + static
    assert all(np.abs(blob).max() > 0 for blob in blobs)
    # 0 at the first step forgets a state that comes in, so that must be tried with another value.
    cont = CONT + 0.5 * exposed
    bottoms[1] = cont
    expected = function(blobs, cont, static, *(state[0] if exposed else ZERO for state in STATE))
    tops = tops_of(net, *bottoms)
    assert net.shapes["t0"] == (STEPS, STREAMS, OUTPUTS)
    for found, wanted in zip(tops, expected[: len(tops)], strict=True):
        assert found.shape == wanted.shape
        assert np.allclose(found, wanted, atol=1e-5)


@both_kinds
def test_biases_are_filled_as_biases(kind: str) -> None:
    settings = "recurrent_param { num_output: 6 weight_filler { value: 1 } bias_filler { value: 2 } }"
    net = layer_net(kind, settings, [X.shape, CONT.shape, STATIC_X.shape])
    filled = {name: parameter.unique().tolist() for name, parameter in net.l.named_parameters()}
    biases = {name for name, numbers in filled.items() if numbers == [2]}
    assert biases == {"LSTM": {"b_c"}, "RNN": {"b_h", "b_o"}}[kind]
    assert sum(numbers == [1] for numbers in filled.values()) == {"LSTM": 3, "RNN": 4}[kind]


@both_kinds
def test_a_sequence_may_come_in_pieces(kind: str, tmp_path: Path) -> None:
    net = layer_net(kind, PARAM % "", [X.shape, CONT.shape])
    (whole,) = tops_of(net, X, CONT)
    (first,), (rest,) = tops_of(net, X[:2], CONT[:2]), tops_of(net, X[2:], CONT[2:])
    assert np.allclose(np.concatenate((first, rest)), whole, atol=1e-6)
    # What is left of the state is forgotten by cont 0, by reset, and by another number of streams.
    assert not np.allclose(tops_of(net, X, np.ones_like(CONT))[0][0], whole[0], atol=1e-3)
    assert np.allclose(tops_of(net, X, CONT)[0], whole, atol=1e-6)
    net.l.reset()
    assert np.allclose(tops_of(net, X, np.ones_like(CONT))[0][0], whole[0], atol=1e-6)
    assert np.allclose(tops_of(net, X[:, :1], np.ones_like(CONT[:, :1]))[0][0], whole[0, :1], atol=1e-6)
    # Neither is it saved.
    fcnkit.save(net, tmp_path / "net.safetensors")
    again = fcnkit.load(tmp_path / "net.safetensors")
    assert np.allclose(tops_of(again, X, np.ones_like(CONT))[0][0], whole[0], atol=1e-6)


@both_kinds
def test_gradients(kind: str) -> None:
    net = layer_net(kind, PARAM % "", [X.shape, CONT.shape, STATIC_X.shape]).double()
    x, static = (torch.from_numpy(array).double().requires_grad_() for array in (X, STATIC_X))
    cont = torch.from_numpy(CONT).double()
    assert torch.autograd.gradcheck(lambda x, static: net(x, cont, static), (x, static))
    for _ in range(2):  # the state of the first forward does not reach into the second's gradient
        net(x, cont + 0.5, static).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@both_kinds
def test_export(kind: str) -> None:
    net = layer_net(kind, PARAM % "", [X.shape, CONT.shape])
    inputs = torch.from_numpy(X), torch.from_numpy(CONT)
    with torch.no_grad():
        assert torch.allclose(torch.export.export(net, inputs).module()(*inputs), net(*inputs), atol=1e-6)


def test_one_unit() -> None:
    cell, gates, cont = values(1, 3, 2), values(1, 3, 8, seed=1), np.array([[1, 0, 0.5]], np.float32)
    net = layer_net("LSTMUnit", "", [cell.shape, gates.shape, cont.shape], tops=2)
    i, f, o, g = np.split(gates, 4, axis=2)
    after = cont[..., None] * sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    assert np.allclose(tops_of(net, cell, gates, cont)[0], after, atol=1e-6)
    assert np.allclose(tops_of(net, cell, gates, cont)[1], sigmoid(o) * np.tanh(after), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "settings", "bottoms", "words"),
    [
        ("LSTM", "", [(5, 3, 4), (5, 3)], "layer 'l': num_output must be positive"),
        ("LSTM", PARAM % "", [(5, 3, 4)], "layer 'l': LSTM needs 2 to 5 bottoms, it has 1"),
        ("RNN", PARAM % "", [(5, 3, 4)] * 4, "layer 'l': RNN needs 2 bottoms, or one more for static input; it has 4"),
        ("LSTM", PARAM % "expose_hidden: true", [(5, 3, 4), (5, 3)], "LSTM needs 4 bottoms, or one more"),
        ("RNN", PARAM % "expose_hidden: true", [(5, 3, 4), (5, 3)], "RNN needs 3 bottoms, or one more"),
        ("LSTM", PARAM % "", [(5, 3), (5, 3)], r"layer 'l': LSTM reads \(steps, streams, \.\.\.\)"),
        (
            "LSTM",
            PARAM % "",
            [(5, 3, 4), (5, 3), (3,)],
            r"static input, \(streams, \.\.\.\); the bottoms are \[\(5, 3, 4\)",
        ),
        ("LSTM", PARAM % "", [(5, 3, 4), (5, 2)], "needs one number for each step and stream of the first"),
        ("LSTM", PARAM % "", [(5, 3, 4), (5, 3), (2, 4)], "the static input needs one item for each stream"),
        ("RNN", PARAM % "expose_hidden: true", [(5, 3, 4), (5, 3), (3, 6)], r"the state needs the shape \(1, 3, 6\)"),
        ("LSTMUnit", "", [(1, 3, 2), (1, 3, 6), (1, 3)], r"\(1, N, D\), \(1, N, 4 \* D\) and \(1, N\) are needed"),
        ("LSTMUnit", "", [(2, 3, 2), (2, 3, 8), (2, 3)], r"bottoms \(1, N, D\)"),
        ("LSTMUnit", "", [(3, 2), (3, 8), (3,)], r"bottoms \(1, N, D\)"),
    ],
)
def test_errors(kind: str, settings: str, bottoms: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, settings, bottoms)


def test_other_inputs_than_the_weights_have() -> None:
    net = layer_net("LSTM", PARAM % "", [X.shape, CONT.shape])
    with pytest.raises(InputError, match=r"layer 'l' \(LSTM\) cannot work with 'b0' \(5, 3, 5, 1\), 'b1' \(5, 3\): "):
        net(torch.zeros(5, 3, 5, 1), torch.zeros(5, 3))
