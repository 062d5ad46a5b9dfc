"""Normalizations, scales and biases: statistics kept and used as Caffe does, and no broadcasting."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import apply, layer_net, tops_of, values

X = values(3, 4, 5, 6) * 2 + 1


def normalized(x: np.ndarray, mean: np.ndarray, variance: np.ndarray, eps: float) -> np.ndarray:
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + eps)


def batch_norm(settings: str = "", shape: tuple[int, ...] = X.shape) -> fcnkit.CaffeNet:
    """A layer whose stored sums are those of four batches."""
    net = layer_net("BatchNorm", settings, [shape])
    mean, variance, factor = net.blobs()["l"]
    mean.copy_(torch.arange(4.0))
    variance.copy_(torch.arange(4.0) + 8)
    factor.fill_(4)
    return net


def test_batch_norm_divides_the_stored_sums_by_the_factor() -> None:
    (top,) = tops_of(batch_norm("batch_norm_param { eps: 0.5 }"), X)
    assert np.allclose(top, normalized(X, np.arange(4) / 4, np.arange(4) / 4 + 2, 0.5), atol=1e-5)


def test_batch_norm_that_has_seen_nothing_has_statistics_of_zero() -> None:
    assert np.allclose(apply("BatchNorm", "batch_norm_param { eps: 0.25 }", X), X / 0.5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (3, 4), (2, 4, 3), (1, 4, 1, 1)])
def test_batch_norm_in_train_mode(shape: tuple[int, ...]) -> None:
    x = values(*shape) * 3 - 1
    net = batch_norm("batch_norm_param { moving_average_fraction: 0.9 eps: 1e-3 }", shape).train()
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    mean, variance, count = x.mean(axes), x.var(axes), x.size // 4
    (top,) = tops_of(net, x)
    assert np.allclose(top, normalized(x, mean, variance, 1e-3), atol=1e-4)
    stored = [blob.numpy() for blob in net.blobs()["l"]]
    unbiased = variance * count / (count - 1) if count > 1 else variance
    assert np.allclose(stored[0], 0.9 * np.arange(4) + mean, atol=1e-5)
    assert np.allclose(stored[1], 0.9 * (np.arange(4) + 8) + unbiased, rtol=1e-5)
    assert np.allclose(stored[2], 0.9 * 4 + 1)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("given", [None, False, True])
def test_which_statistics_are_used_and_when_they_change(given: bool | None, train: bool) -> None:
    settings = "" if given is None else f"batch_norm_param {{ use_global_stats: {str(given).lower()} }}"
    net = batch_norm(settings).train(train)
    (top,) = tops_of(net, X)
    stored = given if given is not None else not train
    mean, variance = (np.arange(4) / 4, np.arange(4) / 4 + 2) if stored else (X.mean((0, 2, 3)), X.var((0, 2, 3)))
    assert np.allclose(top, normalized(X, mean, variance, 1e-5), atol=1e-4)
    assert net.l.scale_factor.item() == pytest.approx(4.996 if train and not stored else 4)
    assert net.shapes["t0"] == X.shape


def test_gradient_of_batch_norm() -> None:
    net = batch_norm().double().train()
    x = torch.from_numpy(values(2, 4, 2, 3)).double().requires_grad_()
    weight = torch.from_numpy(values(2, 4, 2, 3, seed=1)).double()
    assert torch.autograd.gradcheck(lambda x: net(x) * weight, x)
    assert torch.autograd.gradcheck(lambda x: net.eval()(x) * weight, x)


def test_batch_norm_gives_its_blobs_back(tmp_path: Path) -> None:
    net = batch_norm()
    net.l.mean.copy_(torch.from_numpy(values(4)) / 3)
    net.l.scale_factor.fill_(999.9823)
    fcnkit.save(net, tmp_path / "net.caffemodel")
    again = fcnkit.load(tmp_path / "net.caffemodel")
    assert [blob.shape for blob in again.blobs()["l"]] == [(4,), (4,), (1,)]
    for before, after in zip(net.blobs()["l"], again.blobs()["l"], strict=True):
        assert before.numpy().tobytes() == after.numpy().tobytes()
    assert not list(net.parameters())


def test_batch_norm_exports() -> None:
    net, x = batch_norm(), torch.from_numpy(X)
    with torch.no_grad():
        assert torch.equal(torch.export.export(net, (x,)).module()(x), net(x))


def test_statistics_are_shared_by_name() -> None:
    norm = 'param { name: "m" lr_mult: 0 } param { name: "v" lr_mult: 0 } param { name: "f" lr_mult: 0 }'
    text = 'layer { name: "i" type: "Input" top: "x" input_param { shape { dim: [3, 4, 5, 6] } } }' + "".join(
        f'layer {{ name: "{name}" type: "BatchNorm" bottom: "x" top: "{name}" {norm} }}' for name in ("a", "c")
    )
    for net in (fcnkit.CaffeNet(text), fcnkit.CaffeNet(text).double().float(), copy.deepcopy(fcnkit.CaffeNet(text))):
        net.train()(torch.from_numpy(X))
        # Both add to the one sum, the second after what the first has added has decayed.
        assert net.a.scale_factor.item() == net.c.scale_factor.item() == pytest.approx(1.999)
        assert torch.equal(net.a.mean, net.c.mean)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("divide", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4), (2, 3)])
def test_mean_variance_normalization(shape: tuple[int, ...], divide: bool, across: bool) -> None:
    x = values(*shape)
    flags = f"across_channels: {str(across).lower()} normalize_variance: {str(divide).lower()}"
    top = apply("MVN", f"mvn_param {{ {flags} eps: 0.125 }}", x)
    full = x.reshape(shape + (1,) * (4 - len(shape)))
    axes = (1, 2, 3) if across else (2, 3)
    expected = full - full.mean(axes, keepdims=True)
    if divide:
        expected /= full.std(axes, keepdims=True) + 0.125
    assert top.shape == full.shape
    assert np.allclose(top, expected, atol=1e-5)


def test_gradient_of_mean_variance_normalization() -> None:
    net = layer_net("MVN", "mvn_param { eps: 1e-12 }", [(2, 3, 2, 3)]).double()
    x = torch.from_numpy(values(2, 3, 2, 3)).double().requires_grad_()
    weight = torch.from_numpy(values(2, 3, 2, 3, seed=1)).double()
    assert torch.autograd.gradcheck(lambda x: net(x) * weight, x)


def test_a_constant_channel_has_a_gradient_without_nan() -> None:
    """Caffe's formula: with a deviation of 0 the gradient, less its mean, is divided by eps."""
    x = torch.ones(1, 1, 1, 2, requires_grad=True)
    net = layer_net("MVN", "mvn_param { eps: 0.5 }", [(1, 1, 1, 2)])
    (net(x) * torch.tensor([1.0, 3])).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [-2, 2]


@pytest.mark.parametrize(
    ("axis", "num_axes", "shape"),
    [
        (1, 1, (4,)),
        (0, 1, (3,)),
        (1, 2, (4, 5)),
        (1, -1, (4, 5, 6)),
        (-1, 1, (6,)),
        (-2, 2, (5, 6)),
        (2, 0, ()),
        (0, -1, X.shape),
    ],
)
@pytest.mark.parametrize("kind", ["Bias", "Scale"])
def test_bias_and_scale_along_any_axes(kind: str, axis: int, num_axes: int, shape: tuple[int, ...]) -> None:
    param = f"{kind.lower()}_param {{ axis: {axis} num_axes: {num_axes}"
    weight = values(*shape, seed=1) if shape else np.float32(3)
    start = axis % 4
    along = np.reshape(weight, (1,) * start + shape + (1,) * (4 - start - len(shape)))
    expected = X + along if kind == "Bias" else X * along
    net = layer_net(kind, param + " }", [X.shape])
    (blob,) = net.blobs()["l"]
    assert blob.shape == shape
    blob.copy_(torch.tensor(weight))
    assert np.allclose(tops_of(net, X)[0], expected, atol=1e-5)
    assert np.allclose(apply(kind, param + " }", X, np.asarray(weight)), expected, atol=1e-5)
    if kind == "Scale":
        net = layer_net(kind, param + " bias_term: true bias_filler { value: 2 } }", [X.shape, shape])
        assert np.allclose(tops_of(net, X, np.asarray(weight))[0], expected + 2, atol=1e-5)
        assert [blob.shape for blob in net.blobs()["l"]] == [shape]


def test_bias_and_scale_are_filled() -> None:
    assert np.array_equal(apply("Bias", "bias_param { filler { value: 2 } }", X), X + 2)
    assert np.array_equal(apply("Bias", "", X), X)
    assert np.array_equal(apply("Scale", "", X), X)


@pytest.mark.parametrize("kind", ["Bias", "Scale"])
def test_nothing_is_broadcast(kind: str) -> None:
    words = r"the shape \(1,\) must be that of the bottom from axis 1 on"
    with pytest.raises(DefinitionError, match=rf"layer 'l' \({kind}\), bottoms .*: {words}"):
        layer_net(kind, "", [X.shape, (1,)])
    net = layer_net(kind, "", [X.shape, (4,)])
    with pytest.raises(InputError, match=rf"layer 'l' \({kind}\) cannot work with 'b0' .*, 'b1' \(1,\): {words}"):
        net(torch.from_numpy(X), torch.ones(1))


@pytest.mark.parametrize(
    ("kind", "settings", "shape", "words"),
    [
        ("BatchNorm", "", (4,), r"layer 'l': BatchNorm reads blobs of 2 axes or more, not \(4,\)"),
        (
            "Bias",
            "bias_param { axis: 4 }",
            X.shape,
            r"layer 'l': axis 4 is outside the bottom's 4 axes: \(3, 4, 5, 6\)",
        ),
        ("Bias", "bias_param { axis: 2 num_axes: 3 }", X.shape, "axis 2 and num_axes 3 leave the bottom"),
        ("Scale", "scale_param { axis: -5 }", X.shape, "layer 'l': axis -5 is outside the bottom's 4 axes"),
        ("Scale", "scale_param { num_axes: -2 }", X.shape, "axis 1 and num_axes -2 leave the bottom"),
        ("MVN", "", (1, 2, 3, 4, 5), r"layer 'l' \(MVN\), bottoms .*: the bottom must have at most 4 axes"),
    ],
)
def test_errors(kind: str, settings: str, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, settings, [shape])


def test_another_number_of_channels_is_an_error() -> None:
    with pytest.raises(InputError, match=r"layer 'l' \(BatchNorm\) .*: the bottom has 1 channels, the statistics 4"):
        batch_norm()(torch.zeros(3, 1, 5, 6))


def test_mvn_of_any_axes() -> None:
    """From axis 2 on: each item's each channel of a clip; from axis 1 on: each item."""
    bottom = np.arange(16, dtype=np.float32).reshape(1, 2, 2, 2, 2) ** 2
    top = apply("MVN_ND", "mvn_param { axis: 2 }", bottom)
    assert top.shape == bottom.shape
    for channel in range(2):
        part = bottom[0, channel]
        assert np.allclose(top[0, channel], (part - part.mean()) / part.std(), atol=1e-5)
    top = apply("MVN_ND", "mvn_param { axis: -4 normalize_variance: false }", bottom)
    assert np.allclose(top, bottom - bottom.mean())
    with pytest.raises(DefinitionError, match="layer 'l': axis must be given in mvn_param"):
        apply("MVN_ND", "", bottom)


@pytest.mark.parametrize("axes", [(5, 6), (2, 5, 6), ()])
def test_groups_of_channels(axes: tuple[int, ...]) -> None:
    """blankWorld/GroupNorm-caffe: each item's two groups of two channels by themselves."""
    bottom = values(3, 4, *axes) * 2 + 1
    top = apply("GroupNorm", "group_norm_param { group_num: 2 eps: 0.5 }", bottom)
    for item, group in np.ndindex(3, 2):
        part = bottom[item, 2 * group : 2 * group + 2].astype(np.float64)
        expected = (part - part.mean()) / np.sqrt(((part - part.mean()) ** 2).mean() + 0.5)
        assert np.allclose(top[item, 2 * group : 2 * group + 2], expected, atol=1e-5)
    with pytest.raises(DefinitionError, match="layer 'l': group_num 32 must divide 4 channels"):
        layer_net("GroupNorm", "", [bottom.shape])
