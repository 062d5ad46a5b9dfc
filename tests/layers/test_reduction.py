"""Layers that make few values of many."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import apply, layer_net, tops_of, values

# Few different values, so that many are equal.
X = np.random.default_rng(0).integers(0, 4, (2, 3, 4, 5)).astype(np.float32)


def ranked(row: np.ndarray, top_k: int) -> list[tuple[float, int]]:
    """Caffe sorts pairs of value and index from the greatest down, so of equal values the last is first."""
    return sorted(((float(value), index) for index, value in enumerate(row)), reverse=True)[:top_k]


@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("out_max_val", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_arg_max_along_an_axis(axis: int, out_max_val: bool, top_k: int) -> None:
    x = np.concatenate((X, X[::-1]))
    settings = f"argmax_param {{ axis: {axis} top_k: {top_k} out_max_val: {str(out_max_val).lower()} }}"
    expected = np.apply_along_axis(lambda row: [pair[not out_max_val] for pair in ranked(row, top_k)], axis, x)
    net = layer_net("ArgMax", settings, [x.shape])
    (top,) = tops_of(net, x)
    assert net.shapes["t0"] == top.shape == expected.shape
    assert np.array_equal(top, expected)


@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("out_max_val", [False, True])
@pytest.mark.parametrize("axes", [(), (1,), (1, 1)])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_arg_max_of_items(count: int, axes: tuple[int, ...], out_max_val: bool, top_k: int) -> None:
    x = X.reshape({1: (120,), 2: (2, 60), 3: (2, 3, 20), 4: X.shape}[count] + axes)
    top_k = min(top_k, x[0].size)
    rows = x.reshape(len(x), -1)
    expected = np.empty((len(x), 1 + out_max_val, top_k) + (1,) * (x.ndim - 3), np.float32)
    for item, row in enumerate(rows):
        pairs = np.array(ranked(row, top_k), np.float32)
        expected[item].flat = np.concatenate((pairs[:, 1], pairs[:, 0])) if out_max_val else pairs[:, 1]
    settings = f"argmax_param {{ top_k: {top_k} out_max_val: {str(out_max_val).lower()} }}"
    assert np.array_equal(apply("ArgMax", settings, x), expected)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("argmax_param { axis: 4 }", "layer 'l': axis 4 is outside the bottom's 4 axes"),
        ("argmax_param { axis: 1 top_k: 4 }", "layer 'l': top_k 4 must be from 1 to 3"),
        ("argmax_param { top_k: 61 }", "layer 'l': top_k 61 must be from 1 to 60"),
        ("argmax_param { top_k: 0 }", "layer 'l': top_k 0 must be from 1 to 60"),
    ],
)
def test_errors_of_arg_max(settings: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net("ArgMax", settings, [X.shape])


def test_an_axis_shorter_than_top_k() -> None:
    with pytest.raises(InputError, match=r"layer 'l' \(ArgMax\) cannot work with 'b0' \(2, 2, 4, 5\)"):
        tops_of(layer_net("ArgMax", "argmax_param { axis: 1 top_k: 3 }", [X.shape]), X[:, :2])


@pytest.mark.parametrize("axis", [0, 1, 3, -2])
@pytest.mark.parametrize(
    ("operation", "function"),
    [
        ("SUM", lambda rows: rows.sum(-1)),
        ("ASUM", lambda rows: np.abs(rows).sum(-1)),
        ("SUMSQ", lambda rows: (rows**2).sum(-1)),
        ("MEAN", lambda rows: rows.mean(-1)),
    ],
)
def test_reduction(operation: str, function: object, axis: int) -> None:
    x = values(2, 3, 4, 5)
    rows = x.reshape(*x.shape[: axis % 4], -1)
    expected = -2.5 * function(rows)  # type: ignore[operator]
    top = apply("Reduction", f"reduction_param {{ operation: {operation} axis: {axis} coeff: -2.5 }}", x)
    assert top.shape == x.shape[: axis % 4]
    assert np.allclose(top, expected, rtol=1e-5, atol=1e-5)


def test_reduction_without_settings_is_the_sum_of_all() -> None:
    assert apply("Reduction", "", X) == X.sum()
    with pytest.raises(DefinitionError, match="layer 'l': axis 4 is outside the bottom's 4 axes"):
        layer_net("Reduction", "reduction_param { axis: 4 }", [X.shape])
