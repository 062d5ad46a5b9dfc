"""Layers that take blobs apart, pick from them and put them together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import apply, layer_net, tops_of, values

X = values(3, 4, 5, 6)


@pytest.mark.parametrize(
    ("settings", "tops", "axis", "points"),
    [
        ("", 2, 1, [2]),
        ("slice_param { axis: 0 }", 3, 0, [1, 2]),
        ("slice_param { axis: -1 }", 2, 3, [3]),
        ("slice_param { slice_dim: 3 }", 3, 3, [2, 4]),
        ("slice_param { slice_point: [1, 3] }", 3, 1, [1, 3]),
        ("slice_param { axis: -2 slice_point: 4 }", 2, 2, [4]),
        ("slice_param { slice_dim: 0 slice_point: [1, 2] }", 3, 0, [1, 2]),
        ("", 1, 1, []),
    ],
)
def test_slice(settings: str, tops: int, axis: int, points: list[int]) -> None:
    net = layer_net("Slice", settings, [X.shape], tops)
    expected = np.split(X, points, axis)
    found = tops_of(net, X)
    assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    assert [net.shapes[f"t{i}"] for i in range(tops)] == [top.shape for top in found]


def test_slice_of_another_size() -> None:
    net = layer_net("Slice", "slice_param { axis: 2 }", [(*X.shape[:2], 4, 6)], 2)
    assert [top.shape for top in tops_of(net, values(3, 4, 10, 6))] == [(3, 4, 5, 6)] * 2
    with pytest.raises(
        InputError, match=r"layer 'l' \(Slice\) .*: 5 elements along axis 2 cannot be cut into 2 equal pieces"
    ):
        tops_of(net, X)
    net = layer_net("Slice", "slice_param { axis: 2 slice_point: 3 }", [X.shape], 2)
    with pytest.raises(InputError, match=r"layer 'l' \(Slice\) cannot work with 'b0' \(3, 4, 2, 6\)"):
        tops_of(net, values(3, 4, 2, 6))


@pytest.mark.parametrize(
    ("settings", "tops", "words"),
    [
        ("", 3, r"layer 'l' \(Slice\), bottoms .*: 4 elements along axis 1 cannot be cut into 3 equal pieces"),
        ("slice_param { axis: 4 }", 2, "layer 'l': axis 4 is outside the bottom's 4 axes"),
        ("slice_param { axis: 1 slice_dim: 1 }", 2, "layer 'l': give axis or slice_dim, not both"),
        ("slice_param { slice_point: 1 }", 3, "layer 'l': 3 tops need 2 slice_point, not 1"),
        ("slice_param { slice_point: [3, 1] }", 3, r"slice_point must grow from 1 to 4 at most, not \[3, 1\]"),
        ("slice_param { slice_point: [2, 2] }", 3, "slice_point must grow"),
        ("slice_param { slice_point: 0 }", 2, "slice_point must grow"),
        ("slice_param { slice_point: 5 }", 2, "slice_point must grow"),
    ],
)
def test_errors_of_slice(settings: str, tops: int, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net("Slice", settings, [X.shape], tops)


def test_concat_by_its_old_field_and_by_a_negative_axis() -> None:
    y = values(3, 4, 5, 2, seed=1)
    assert np.array_equal(apply("Concat", "concat_param { concat_dim: 3 }", X, y), np.concatenate((X, y), 3))
    assert np.array_equal(apply("Concat", "concat_param { axis: -1 }", X, y), np.concatenate((X, y), 3))
    assert np.array_equal(apply("Concat", "concat_param { concat_dim: 0 }", X), X)
    with pytest.raises(DefinitionError, match="layer 'l': give axis or concat_dim, not both"):
        layer_net("Concat", "concat_param { concat_dim: 3 axis: 3 }", [X.shape])
    with pytest.raises(DefinitionError, match=r"layer 'l' \(Concat\), bottoms \[\(3, 4\), \(2, 4\)\]: "):
        layer_net("Concat", "", [(3, 4), (2, 4)])


def test_batch_reindex_picks_items_in_any_order() -> None:
    index = np.array([2, 0, 0, 1, 2], np.float32)
    net = layer_net("BatchReindex", "", [X.shape, index.shape])
    assert net.shapes["t0"] == (5, 4, 5, 6)
    assert np.array_equal(tops_of(net, X, index)[0], X[[2, 0, 0, 1, 2]])
    assert np.array_equal(tops_of(net, X, index[:2])[0], X[[2, 0]])
    for wrong in (3, -1):
        with pytest.raises(InputError, match=r"layer 'l' \(BatchReindex\) cannot work with .*: index out of range"):
            tops_of(net, X, np.array([wrong], np.float32))
    with pytest.raises(DefinitionError, match="the indices must have 1 axis"):
        layer_net("BatchReindex", "", [X.shape, (5, 1)])


def test_batch_reindex_adds_up_gradients() -> None:
    x = torch.ones(2, 1, requires_grad=True)
    top = layer_net("BatchReindex", "", [(2, 1), (3,)])(x, torch.tensor([1.0, 1, 0]))
    (top.flatten() * torch.tensor([1.0, 2, 4])).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [4, 3]


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 1, 1, 1)])
def test_filter_keeps_what_the_selector_chooses(shape: tuple[int, ...]) -> None:
    y = values(3, 2, seed=1)
    net = layer_net("Filter", "", [X.shape, y.shape, shape], 2)
    assert (net.shapes["t0"], net.shapes["t1"]) == (X.shape, y.shape)
    for chosen in ([0, 2], [1], [], [0, 1, 2]):
        selector = np.zeros(3, np.float32)
        selector[chosen] = -0.5
        first, second = tops_of(net, X, y, selector.reshape(shape))
        assert np.array_equal(first, X[chosen])
        assert np.array_equal(second, y[chosen])


@pytest.mark.parametrize(
    ("bottoms", "tops", "words"),
    [
        ([(3, 2), (3, 2)], 1, r"layer 'l' \(Filter\), .*: all axes of the selector but the first must be 1 long"),
        ([(3, 2), (4,)], 1, "the selector needs one value for each item of the other bottoms"),
        ([(3, 2), (3,)], 2, r"layer 'l' \(Filter\) makes 1 tops, 2 are named"),
    ],
)
def test_errors_of_filter(bottoms: list[tuple[int, ...]], tops: int, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net("Filter", "", bottoms, tops)


def test_hdf5_output_reads_and_makes_nothing() -> None:
    text = (
        'layer { name: "i" type: "Input" top: "x" top: "y" input_param { shape { dim: [2, 3] } } }'
        'layer { name: "r" type: "ReLU" bottom: "x" top: "r" } layer { name: "s" type: "ReLU" bottom: "x" top: "s" }'
        'layer { name: "h" type: "HDF5Output" bottom: "r" bottom: "y" hdf5_output_param { file_name: "/no/where.h5" } }'
    )
    net = fcnkit.CaffeNet(text)
    assert net.outputs == ("s",)
    assert net(torch.ones(2, 3), torch.ones(2, 3)).shape == (2, 3)


def test_eltwise_takes_no_notice_of_the_factors_of_a_maximum() -> None:
    x, y = values(2, 3), values(2, 3, seed=1)
    settings = "eltwise_param { operation: MAX coeff: 2 coeff: -1 }"
    assert np.array_equal(apply("Eltwise", settings, x, y), np.maximum(x, y))


def test_blobs_of_fewer_axes_end_in_axes_of_length_1() -> None:
    """muupan/dqn-in-the-caffe dqn.prototxt, of 2014, when the top of an InnerProduct had four axes as all others."""
    matrix, blob = values(2, 3), values(2, 3, 1, 1, seed=1)
    expected = matrix * blob.reshape(2, 3)
    for first, second in ((matrix, blob), (blob, matrix)):
        top = apply("Eltwise", "eltwise_param { operation: PROD }", first, second)
        assert top.shape == (2, 3, 1, 1)
        assert np.array_equal(top.reshape(2, 3), expected)
    joined = apply("Concat", "", matrix, blob)
    assert np.array_equal(joined[..., 0, 0], np.concatenate([matrix, blob.reshape(2, 3)], 1))
    with pytest.raises(DefinitionError, match="the bottoms must have equal shapes"):
        apply("Eltwise", "", values(2, 3), values(2, 3, 1, 2))
