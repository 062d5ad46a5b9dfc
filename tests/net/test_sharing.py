"""Weights that layers share by name: one tensor, whatever is done to the net."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError, MissingBlobsError

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }'
X = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))


def conv(
    name: str, bottom: str, weight: str, bias: str = "", filler: str = 'type: "xavier"', settings: str = ""
) -> str:
    params = f"param {{ {weight} }}" + (f" param {{ {bias} }}" if bias else "")
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" {params}'
        f" convolution_param {{ num_output: 3 kernel_size: 1 weight_filler {{ {filler} }} {settings} }} }}"
    )


def ip(name: str, bottom: str, weight: str, outputs: int, transpose: bool = False) -> str:
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" param {{ {weight} }}'
        f" inner_product_param {{ num_output: {outputs} bias_term: false transpose: {str(transpose).lower()}"
        ' weight_filler { type: "gaussian" } } }'
    )


TWO = INPUT + conv("a", "x", 'name: "w"', 'name: "b"') + conv("c", "a", 'name: "w"', 'name: "b"')
# An autoencoder: the decoder's weight is the encoder's, transposed.
TRANSPOSED = INPUT + ip("a", "x", 'name: "w"', 7) + ip("c", "a", 'name: "w"', 60, transpose=True)
# A convolution and a fully connected layer with the same numbers.
PERMISSIVE = (
    INPUT
    + conv("a", "x", 'name: "w"', settings="bias_term: false")
    + 'layer { name: "p" type: "Pooling" bottom: "a" top: "p" pooling_param { global_pooling: true } }'
    + ip("c", "p", 'name: "w" share_mode: PERMISSIVE', 3)
)
ALL = pytest.mark.parametrize("text", [TWO, TRANSPOSED, PERMISSIVE], ids=["alike", "transposed", "permissive"])


def blobs(net: fcnkit.CaffeNet) -> list[torch.Tensor]:
    """The shared weight as both layers have it, in Caffe's shapes."""
    return [net.blobs()["a"][0], net.blobs()["c"][0]]


def assert_shared(net: fcnkit.CaffeNet) -> None:
    """Both layers have the same numbers, there are as many parameters as without the second, and writing shows."""
    first, second = blobs(net)
    assert torch.equal(first.flatten(), second.flatten())
    assert {name.split(".")[0] for name, _ in net.named_parameters()} == {"a"}
    assert {"a.weight", "c.weight"} <= net.state_dict().keys()
    with torch.no_grad():
        net.a.weight.mul_(2)
    again, other = blobs(net)
    assert torch.equal(again.flatten(), other.flatten())
    assert not torch.equal(again, torch.zeros_like(again))


@ALL
def test_layers_share_one_parameter(text: str) -> None:
    net = fcnkit.CaffeNet(text).eval()
    assert_shared(net)
    assert [name for name, _ in net.named_parameters()] == (["a.weight", "a.bias"] if text == TWO else ["a.weight"])


def test_what_they_compute() -> None:
    net = fcnkit.CaffeNet(TRANSPOSED).eval()
    weight = net.a.weight
    assert weight.shape == (7, 60)
    assert torch.allclose(net(X), X.flatten(1) @ weight.T @ weight, rtol=1e-4, atol=1e-4)
    net = fcnkit.CaffeNet(PERMISSIVE).eval()
    weight = net.a.weight.reshape(3, 3)
    highest = torch.einsum("oi,nihw->nohw", weight, X).amax((2, 3))
    assert torch.allclose(net(X), highest @ weight.T, atol=1e-5)


@ALL
def test_gradients_add_up(text: str) -> None:
    net = fcnkit.CaffeNet(text).double()
    x = X.double()
    net(x).square().sum().backward()
    gradient, step = net.a.weight.grad.flatten()[:3].clone(), 1e-6
    for index in range(3):
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                net.a.weight.view(-1)[index] += sign * step
                values.append(net(x).square().sum().item())
                net.a.weight.view(-1)[index] -= sign * step
        assert gradient[index].item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


@ALL
@pytest.mark.parametrize(
    "change",
    [
        copy.deepcopy,
        lambda net: pickle.loads(pickle.dumps(net)),
        lambda net: net.double(),
        lambda net: net.to("meta").to_empty(device="cpu").requires_grad_(True),
        lambda net: net.half().float(),
        lambda net: _loaded(net, assign=True),
        lambda net: _loaded(net, assign=False),
    ],
    ids=["deepcopy", "pickle", "double", "meta", "half", "assign", "load"],
)
def test_it_stays_so(text: str, change: Callable[[fcnkit.CaffeNet], fcnkit.CaffeNet]) -> None:
    net = change(fcnkit.CaffeNet(text).eval())
    with torch.no_grad():
        net.a.weight.normal_()
    assert_shared(net.float())


def _loaded(net: fcnkit.CaffeNet, assign: bool) -> fcnkit.CaffeNet:
    other = fcnkit.CaffeNet(net.prototxt)
    other.load_state_dict({name: tensor.clone() for name, tensor in net.state_dict().items()}, assign=assign)
    assert torch.equal(blobs(other)[0], blobs(net)[0])
    return other


@ALL
def test_export_and_compile(text: str) -> None:
    net = fcnkit.CaffeNet(text).eval()
    with torch.no_grad():
        assert torch.equal(torch.export.export(net, (X,)).module()(X), net(X))
        assert torch.equal(torch.compile(net, backend="eager", fullgraph=True)(X), net(X))


def test_a_replaced_layer_shares_no_more() -> None:
    net = fcnkit.CaffeNet(TWO).eval()
    net.c = torch.nn.Conv2d(3, 3, 1)
    before = net.c.weight.detach().clone()
    net.double().float()
    copied = copy.deepcopy(net)
    assert torch.equal(net.c.weight, before)
    assert torch.equal(copied.c.weight, before)
    assert not torch.equal(net.c.weight, net.a.weight)


@ALL
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".caffemodel"])
def test_every_format_keeps_it(text: str, suffix: str, tmp_path: Path) -> None:
    net = fcnkit.CaffeNet(text).eval()
    path, prototxt = tmp_path / f"net{suffix}", tmp_path / "net.prototxt"
    prototxt.write_text(text)
    fcnkit.save(net, path)
    loaded = fcnkit.load(path, prototxt if suffix == ".pth" else None)
    assert torch.equal(loaded(X), net(X))
    assert_shared(loaded)


def test_safetensors_hold_each_weight_once(tmp_path: Path) -> None:
    from safetensors import safe_open

    fcnkit.save(fcnkit.CaffeNet(TWO), tmp_path / "net.safetensors")
    with safe_open(tmp_path / "net.safetensors", framework="pt") as file:
        assert sorted(file.keys()) == ["a.bias", "a.weight"]


def stored(*numbers: float) -> list[np.ndarray]:
    return [np.full((3, 3, 1, 1), numbers[0], np.float32), np.full(3, numbers[-1], np.float32)]


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    ("weights", "value"), [({"a": 1, "c": 2}, 2), ({"a": 1}, 1), ({"c": 2}, 2), ({"a": 1, "c": 2, "d": 3}, 2)]
)
def test_the_last_layer_that_is_stored_holds(weights: dict[str, float], value: float, mapped: bool) -> None:
    net = fcnkit.CaffeNet(TWO, {name: stored(number) for name, number in weights.items()}, mapped=mapped)
    assert [tensor.unique().tolist() for tensors in net.blobs().values() for tensor in tensors] == [[value]] * 4
    assert net.unused == [name for name in weights if name == "d"]


def test_a_layer_that_shares_but_one_blob_needs_its_own() -> None:
    text = INPUT + conv("a", "x", 'name: "w"') + conv("c", "a", 'name: "w"')
    with pytest.raises(MissingBlobsError, match=r"missing weights of layer 'c'$"):
        fcnkit.CaffeNet(text, {"a": stored(1)})


def test_the_first_layers_filler_fills() -> None:
    text = INPUT + conv("a", "x", 'name: "w"', filler="value: 1") + conv("c", "a", 'name: "w"', filler="value: 2")
    assert fcnkit.CaffeNet(text).c.weight.unique().tolist() == [1]


@pytest.mark.parametrize(
    ("first", "second", "frozen"),
    [("lr_mult: 0", "", True), ("", "lr_mult: 0", True), ("lr_mult: 0", "lr_mult: 0", True), ("", "lr_mult: 2", False)],
)
def test_freezing_one_freezes_all(first: str, second: str, frozen: bool) -> None:
    for share in ("", "share_mode: PERMISSIVE"):
        text = INPUT + conv("a", "x", f'name: "w" {first}') + conv("c", "a", f'name: "w" {second} {share}')
        assert fcnkit.CaffeNet(text).c.weight.requires_grad is not frozen


def test_a_transposed_weight_freezes() -> None:
    net = fcnkit.CaffeNet(INPUT + ip("a", "x", "lr_mult: 0", 7, transpose=True))
    assert not net.a.weight.requires_grad


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (conv("a", "x", 'name: "w"'), conv("c", "a", 'name: "w"', settings="group: 3"),
         r"layers 'a' and 'c' share the blob 'w', but need shapes \(3, 3, 1, 1\) and \(3, 1, 1, 1\)"),
        (conv("a", "x", 'name: "w"'), conv("c", "a", 'name: "w" share_mode: PERMISSIVE', settings="group: 3"),
         "layers 'a' and 'c' share the blob 'w', but need 9 and 3 elements"),
        (conv("a", "x", 'name: "w"'), conv("c", "a", 'name: "v"', 'name: "w"'),
         r"share the blob 'w', but need shapes \(3, 3, 1, 1\) and \(3,\)"),
        (conv("a", "x", 'name: "w" lr_mult: 1'), conv("c", "a", 'name: "w" lr_mult: 0'),
         "layers 'a' and 'c' share the blob 'w', but give it lr_mult 1 and 0"),
        (conv("a", "x", 'name: "w" decay_mult: 0'), conv("c", "a", 'name: "w" decay_mult: 0.5'),
         "but give it decay_mult 0 and 0.5"),
        (ip("a", "x", 'name: "w"', 6, transpose=True), ip("c", "x", 'name: "w" share_mode: PERMISSIVE', 6),
         "layers 'a' and 'c' cannot share a blob: the one stores it transposed, the other in another shape"),
    ],
)  # fmt: skip
def test_errors(first: str, second: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        fcnkit.CaffeNet(INPUT + first + second)
