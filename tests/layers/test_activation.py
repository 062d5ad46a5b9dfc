"""Layers that act on each element: their formulas, their special cases, their gradients at the edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer, layer_net, run, tops_of, values

X = values(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        ("AbsVal", "", np.abs(X)),
        ("BNLL", "", np.log(1 + np.exp(X.astype(float)))),
        ("Clip", "clip_param { min: -0.5 max: 0.25 }", np.minimum(np.maximum(X, -0.5), 0.25)),
        ("ELU", "", np.where(X > 0, X, np.exp(X) - 1)),
        ("ELU", "elu_param { alpha: 0.5 }", np.where(X > 0, X, 0.5 * (np.exp(X) - 1))),
        ("Exp", "", np.exp(X)),
        ("Exp", "exp_param { scale: 2 shift: -1 }", np.exp(2 * X - 1)),
        ("Exp", "exp_param { base: 0.5 scale: 2 shift: 3 }", 0.5 ** (2 * X + 3)),
        ("Log", "log_param { scale: 2 shift: 20 }", np.log(2 * X + 20)),
        ("Log", "log_param { base: 2 shift: 9 }", np.log2(X + 9)),
        ("Log", "log_param { base: 0.5 shift: 9 }", -np.log2(X + 9)),
        ("Power", "", X),
        ("Power", "power_param { power: 3 scale: 0.5 shift: -1 }", (0.5 * X - 1) ** 3),
        ("Power", "power_param { power: 0.5 shift: 9 }", np.sqrt(X + 9)),
        ("Power", "power_param { power: 0 scale: 0.5 }", np.ones_like(X)),
        ("Power", "power_param { power: 2 scale: 0 shift: -3 }", np.full_like(X, 9)),
        ("PReLU", "prelu_param { filler { value: 0.5 } }", np.where(X > 0, X, 0.5 * X)),
        ("PReLU", "", np.where(X > 0, X, 0.25 * X)),
        ("ReLU", "relu_param { negative_slope: -0.5 }", np.where(X > 0, X, -0.5 * X)),
        ("Sigmoid", "", 1 / (1 + np.exp(-X))),
        ("Softmax", "softmax_param { axis: -1 }", np.exp(X) / np.exp(X).sum(3, keepdims=True)),
        ("Swish", "", X / (1 + np.exp(-X))),
        ("Swish", "swish_param { beta: -2 }", X / (1 + np.exp(2 * X))),
        ("TanH", "", np.tanh(X)),
        ("Threshold", "", X > 0),
        ("Threshold", "threshold_param { threshold: -0.5 }", X > -0.5),
    ],
)
def test_formulas(kind: str, settings: str, expected: np.ndarray) -> None:
    net = layer_net(kind, settings, [X.shape])
    (top,) = tops_of(net, X)
    assert net.shapes["t0"] == top.shape == X.shape
    assert top.dtype == np.float32
    assert np.allclose(top, expected, rtol=1e-5, atol=1e-6)
    smaller = X[:1, :, :2]
    assert tops_of(net, smaller)[0].shape == smaller.shape


def test_power_without_scale_does_not_look_at_its_bottom() -> None:
    x = np.array([[np.inf, np.nan, 1]], np.float32)
    assert (apply("Power", "power_param { power: 2 scale: 0 shift: 3 }", x) == 9).all()


def test_large_values_do_not_overflow() -> None:
    x = np.array([[-200, 200]], np.float32)
    assert apply("BNLL", "", x).tolist() == [[0, 200]]
    assert apply("Sigmoid", "", x).tolist() == [[0, 1]]
    assert apply("Exp", "exp_param { shift: 1000 }", x).tolist() == [[np.inf, np.inf]]


def test_clip_passes_the_gradient_of_values_on_its_bounds() -> None:
    x = torch.tensor([[-1.0, 0, 3, 6, 7]], requires_grad=True)
    layer_net("Clip", "clip_param { min: 0 max: 6 }", [x.shape])(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0, 1, 1, 1, 0]]


def test_slopes_below_zero() -> None:
    net = layer_net("PReLU", "prelu_param { filler { value: 0.5 } }", [(2, 3)])
    (slope,) = net.blobs()["l"]
    slope.copy_(torch.tensor([1.0, 10, 100]))
    x = torch.tensor([[-1.0, -2, 3], [4, 5, -6]], requires_grad=True)
    top = net(x)
    assert top.tolist() == [[-1, -20, 3], [4, 5, -600]]
    top.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1, 10, 1], [1, 1, 100]]
    assert net.l.weight.grad.tolist() == [-1, -2, -6]


def test_relu_with_a_mask() -> None:
    """DecoupledNet's: the second top is 1 above 0; read by a product, the net gives back what ReLU gave."""
    bottom = np.array([[-1.0, 0, 2]], np.float32)
    relu, mask = tops_of(layer_net("ReLU", "relu_param { negative_slope: 0.5 }", [(1, 3)], tops=2), bottom)
    assert relu.tolist() == [[-0.5, 0, 2]]
    assert mask.tolist() == [[0, 0, 1]]
    product = layer("Eltwise", ["a", "mask"], "eltwise_param { operation: PROD }")
    layers = layer("ReLU", "a", tops="a mask", name="relu") + product
    assert run(layers, [bottom]).tolist() == [[0, 0, 2]]


def test_a_shared_slope_has_no_axes() -> None:
    net = layer_net("PReLU", "prelu_param { channel_shared: true filler { value: 0.5 } }", [(2, 3)])
    (slope,) = net.blobs()["l"]
    assert slope.shape == ()
    slope.fill_(3)
    assert net(torch.tensor([[-1.0, -2, 3]])).tolist() == [[-3, -6, 3]]


@pytest.mark.parametrize(
    ("kind", "settings", "shape", "words"),
    [
        ("Exp", "exp_param { base: 0 }", (1, 2), r"layer 'l': base 0 must be positive, or -1 for e$"),
        ("Log", "log_param { base: -2 }", (1, 2), r"layer 'l': base -2 must be positive, or -1 for e$"),
        ("Exp", "exp_param { base: inf }", (1, 2), "layer 'l': base inf must be positive"),
        ("Log", "log_param { base: nan }", (1, 2), "layer 'l': base nan must be positive"),
        ("Log", "log_param { base: 1 }", (1, 2), "layer 'l': base 1 has no logarithm"),
        ("PReLU", "", (2,), r"layer 'l': PReLU reads blobs of 2 axes or more, not \(2,\)"),
    ],
)
def test_errors(kind: str, settings: str, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, settings, [shape])
