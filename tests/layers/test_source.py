"""DummyData, Parameter and Embed: blobs that come from settings or weights alone."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import layer_net, tops_of, values


def dummy(settings: str, tops: int = 1) -> fcnkit.CaffeNet:
    return layer_net("DummyData", f"dummy_data_param {{ {settings} }}", [], tops)


@pytest.mark.parametrize(
    ("settings", "shapes", "numbers"),
    [
        ("shape { dim: [2, 3] }", [(2, 3)], [0]),
        ("shape { dim: 2 } data_filler { value: 1.5 }", [(2,), (2,)], [1.5, 1.5]),
        ("shape { dim: 2 } shape { dim: 3 } data_filler { value: 1 } data_filler { value: 2 }", [(2,), (3,)], [1, 2]),
        ("shape { }", [()], [0]),
        ("num: 2 channels: 3 height: 4 width: 5 data_filler { value: -1 }", [(2, 3, 4, 5)], [-1]),
        ("num: 2 num: 1 channels: 3 height: 4 height: 1 width: 5", [(2, 3, 4, 5), (1, 3, 1, 5)], [0, 0]),
    ],
)
def test_constant_dummy_data(settings: str, shapes: list[tuple[int, ...]], numbers: list[float]) -> None:
    net = dummy(settings, len(shapes))
    tops = tops_of(net)
    assert [top.shape for top in tops] == [net.shapes[f"t{i}"] for i in range(len(shapes))] == shapes
    assert [np.unique(top).tolist() for top in tops] == [[number] for number in numbers]
    assert not net.state_dict()
    assert all(top.dtype == torch.float64 for top in net.double().forward_blobs().values())


def test_random_dummy_data_is_new_in_every_forward_and_constant_data_is_not() -> None:
    fillers = 'data_filler { type: "uniform" min: 2 max: 3 } data_filler { value: 7 }'
    net = dummy(f"shape {{ dim: [50, 40] }} {fillers}", 2)
    torch.manual_seed(3)
    (first, constant), (second, again) = tops_of(net), tops_of(net)
    assert 2 <= first.min() < 2.01
    assert 2.99 < first.max() <= 3
    assert not np.array_equal(first, second)
    assert (constant == 7).all()
    assert (again == 7).all()
    torch.manual_seed(3)
    assert np.array_equal(tops_of(pickle.loads(pickle.dumps(net)))[0], first)
    assert net.double().forward_blobs()["t0"].dtype == torch.float64


@pytest.mark.parametrize(
    ("settings", "tops", "words"),
    [
        ("", 1, "layer 'l': shape is given 0 times; give it once, or once for each of 1 tops"),
        (
            "shape { dim: 1 } shape { dim: 1 }",
            3,
            "layer 'l': shape is given 2 times; give it once, or once for each of 3 tops",
        ),
        ("num: 1 channels: 1 height: 1", 2, "layer 'l': width is given 0 times"),
        ("num: 1 channels: 1 height: 1 width: 1 shape { dim: 1 }", 1, "give shape, or num, channels, height and width"),
        ("shape { dim: 1 } data_filler { } data_filler { }", 1, "data_filler is given 2 times"),
        ('shape { dim: 1 } data_filler { type: "magic" }', 1, "layer 'l': unknown filler 'magic'"),
    ],
)
def test_errors_of_dummy_data(settings: str, tops: int, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        dummy(settings, tops)


def test_a_net_that_reads_nothing_else_has_no_inputs(tmp_path: Path) -> None:
    prototxt = tmp_path / "net.prototxt"
    prototxt.write_text(
        'layer { name: "d" type: "DummyData" top: "d"'
        " dummy_data_param { shape { dim: [1, 2] } data_filler { value: 3 } } }"
        'layer { name: "p" type: "Power" bottom: "d" top: "p" power_param { power: 2 } }'
    )
    for deploy in (True, False):
        net = fcnkit.convert(None, prototxt=prototxt, deploy=deploy)
        assert net.inputs == ()
        assert net().tolist() == [[9, 9]]
    with pytest.raises(InputError, match="the net has no input"):
        fcnkit.convert(None, prototxt=prototxt, input_shape=(1, 2))


def test_parameter() -> None:
    net = layer_net("Parameter", "parameter_param { shape { dim: [2, 3] } }", [])
    assert net.shapes["t0"] == (2, 3)
    assert tops_of(net)[0].tolist() == [[0, 0, 0], [0, 0, 0]]
    stored = values(2, 3)
    net = fcnkit.CaffeNet(net.prototxt, {"l": [stored]})
    top = net()
    assert np.array_equal(top.detach().numpy(), stored)
    (top * 2).sum().backward()
    assert net.l.weight.grad.unique().tolist() == [2]
    with torch.no_grad():
        top.zero_()
    assert np.array_equal(net.l.weight.detach().numpy(), stored)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (2, 1, 3)])
def test_embed_picks_rows(shape: tuple[int, ...], bias: bool) -> None:
    settings = f"embed_param {{ input_dim: 5 num_output: 4 bias_term: {str(bias).lower()} bias_filler {{ value: 2 }} }}"
    net = layer_net("Embed", settings, [shape])
    table = torch.arange(20.0).reshape(5, 4)
    weight, *others = net.blobs()["l"]
    assert [blob.shape for blob in others] == [(4,)] * bias
    weight.copy_(table)
    index = np.random.default_rng(0).integers(0, 5, shape)
    (top,) = tops_of(net, index.astype(np.float32))
    assert net.shapes["t0"] == (*shape, 4)
    assert np.array_equal(top, table.numpy()[index] + 2 * bias)


def test_embed_learns() -> None:
    net = layer_net("Embed", "embed_param { input_dim: 3 num_output: 1 }", [(4,)])
    net(torch.tensor([0.0, 2, 2, 0])).sum().backward()
    assert net.l.weight.grad.flatten().tolist() == [2, 0, 2]
    assert net.l.bias.grad.tolist() == [4]


def test_errors_of_embed() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': num_output and input_dim must be positive"):
        layer_net("Embed", "embed_param { num_output: 3 }", [(4,)])
    net = layer_net("Embed", "embed_param { input_dim: 3 num_output: 1 }", [(4,)])
    with pytest.raises(InputError, match=r"layer 'l' \(Embed\) cannot work with 'b0' \(1,\): index out of range"):
        net(torch.tensor([3.0]))
