"""Two nets side by side: what differs is found, however small, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import BlobShapeError, FileFormatError, InputError
from fcnkit.inspect.comparison import (
    compare_files,
    compare_runs,
    compare_structure,
    compare_weights,
    gap,
    seeded_inputs,
)
from fcnkit.simplification.rewrites import simplify

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, 2, 5, 7] } } }\n'
LAYERS = {
    "conv": 'type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 3 }',
    "relu": 'type: "ReLU" bottom: "c" top: "c"',
    "abs": 'type: "AbsVal" bottom: "c" top: "c"',
    "pool": 'type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 stride: 2 }',
}


def net(*changes: Callable[[dict[str, str]], object], order: str = "conv relu abs pool") -> fcnkit.CaffeNet:
    layers = dict(LAYERS)
    for change in changes:
        change(layers)
    torch.manual_seed(0)
    text = INPUT + "\n".join(f'layer {{ name: "{name}" {layers[name]} }}' for name in order.split())
    made = fcnkit.CaffeNet(text).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


def differences(a: fcnkit.CaffeNet, b: fcnkit.CaffeNet) -> list[tuple[str, ...]]:
    return [tuple(each) for each in compare_structure(a, b)]


def test_a_net_is_like_itself() -> None:
    assert differences(net(), net()) == []
    unlike, gaps = compare_weights(net(), net())
    assert unlike == []
    assert [(each.layer, each.blob) for each in gaps] == [("conv", "0"), ("conv", "1")]
    values = list(compare_runs(net(), net()))
    assert [(each.layer, each.blob) for each in values] == [("abs", "c"), ("pool", "p")]
    assert not any(each.gap.differing for each in (*gaps, *values))


def test_one_ulp_of_one_weight_is_found() -> None:
    a, b = net(), net()
    with torch.no_grad():
        before = b.conv.weight[2, 1, 0, 2].item()
        b.conv.weight[2, 1, 0, 2] = float(np.nextafter(np.float32(before), np.float32(9)))
    weight, bias = compare_weights(a, b)[1]
    assert weight.gap.differing == 1
    assert bias.gap.differing == 0
    assert weight.gap.difference == b.conv.weight[2, 1, 0, 2].item() - before > 0


def test_layers_that_changed_places_are_found() -> None:
    """In place, so that no blob's name tells."""
    assert differences(net(), net(order="conv abs relu pool")) == [("abs", "place", "after 'relu'", "after 'conv'")]


def test_a_layer_that_another_stands_in_for_is_found() -> None:
    other = net(lambda layers: layers.update(relu=layers["relu"].replace("ReLU", "TanH")))
    assert differences(net(), other) == [("relu", "type", "ReLU", "TanH")]
    first = next(each for each in compare_runs(net(), other) if each.gap.differing)
    assert (first.layer, first.blob) == ("abs", "c")


@pytest.mark.parametrize(
    ("layer", "before", "after", "difference"),
    [
        ("conv", "kernel_size: 3", "kernel_size: 3 pad: 1", ("conv", "convolution_param.pad", "-", "1")),
        ("conv", "kernel_size: 3", "kernel_size: 3 bias_term: false",
         ("conv", "convolution_param.bias_term", "-", "False")),
        ("conv", "num_output: 3", "num_output: 4", ("conv", "convolution_param.num_output", "3", "4")),
        ("conv", '"x"', '"x" param { lr_mult: 0.1 }', ("conv", "param", "-", "{ lr_mult: 0.1 }")),
        ("pool", "stride: 2", "stride: 2 pool: AVE", ("pool", "pooling_param.pool", "-", "AVE")),
        ("pool", '"p"', '"q"', ("pool", "top", "p", "q")),
    ],
)  # fmt: skip
def test_a_setting_that_differs_is_found(layer: str, before: str, after: str, difference: tuple[str, ...]) -> None:
    other = net(lambda layers: layers.update({layer: layers[layer].replace(before, after)}))
    assert differences(net(), other) == [difference]


def test_what_is_stated_and_the_default_is_no_difference() -> None:
    stated = net(lambda layers: layers.update(pool=layers["pool"].replace("stride", "pool: MAX pad: 0 stride")))
    assert differences(net(), stated) == []


def test_layers_and_inputs_of_one_net_only() -> None:
    other = fcnkit.CaffeNet(net(order="conv pool").prototxt.replace("dim: 7", "dim: 8"))
    assert differences(net(), other) == [
        ("x", "input", "(1, 2, 5, 7)", "(1, 2, 5, 8)"),
        ("relu", "layer", "ReLU", "-"),
        ("abs", "layer", "AbsVal", "-"),
    ]
    assert [each.layer for each in compare_runs(other, net())] == ["conv", "pool"]
    assert [each.layer for each in compare_runs(net(), other)] == ["abs", "pool"]


def test_layers_of_one_name_are_told_apart() -> None:
    layer = 'layer { name: "l" type: "ReLU" bottom: "x" top: "x" }'
    three, two = (fcnkit.CaffeNet(INPUT + layer * count) for count in (3, 2))
    assert differences(three, two) == [("l #3", "layer", "ReLU", "-")]
    assert len(list(compare_runs(three, two))) == len(list(compare_runs(two, three))) == 1


NORMALIZED = """
layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "scale" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
"""


def test_blobs_are_compared_after_the_layers_that_change_them() -> None:
    """Folded into the filters, BatchNorm and Scale change no last value."""
    torch.manual_seed(0)
    plain = fcnkit.CaffeNet(INPUT + NORMALIZED).eval()
    for tensor in plain.state_dict().values():
        tensor.uniform_(0.5, 2)
    folded = simplify(plain).net.eval()
    assert len(folded.steps) == 2
    (found,) = compare_runs(plain, folded)
    assert (found.layer, found.blob) == ("relu", "c")
    assert found.gap.relative < 1e-6
    assert found.gap.value > 0


def test_nets_run_with_weights_in_memory_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where weights are views on a file, matrix products sum in another order on processors without AVX-512."""
    ran: list[fcnkit.CaffeNet] = []
    monkeypatch.setattr("fcnkit.inspect.comparison.compare_runs", lambda a, b, seed: ran.extend((a, b)) or ())
    path = tmp_path / "net.safetensors"
    for length in range(1, 5):
        fcnkit.save(fcnkit.CaffeNet(net().prototxt.replace('"conv"', f'"{"a" * 8 * length}"')), path, force=True)
        compare_files(path, path, run=True)
    addresses = [tensor.data_ptr() for each in ran for tensor in each.state_dict().values()]
    assert len(addresses) == 16
    assert {address % 64 for address in addresses} == {0}


def test_outputs_alone() -> None:
    """The names of layers and blobs on the way do not matter."""
    other = fcnkit.CaffeNet(net().prototxt.replace('"c"', '"d"').replace('"conv"', '"first"')).eval()
    other.load_state_dict({name.replace("conv", "first"): value for name, value in net().state_dict().items()})
    assert [(each.layer, each.blob, each.gap.differing) for each in compare_runs(net(), other, outputs=True)] == [
        ("pool", "p", 0)
    ]
    renamed = fcnkit.CaffeNet(net().prototxt.replace('"p"', '"q"'))
    with pytest.raises(InputError, match="the nets have other outputs: A makes 'p', B makes 'q'"):
        list(compare_runs(net(), renamed, outputs=True))


def test_weights_of_other_shapes() -> None:
    wide = net(lambda layers: layers.update(conv=layers["conv"].replace("num_output: 3", "num_output: 4")))
    unlike, gaps = compare_weights(net(), wide)
    assert [tuple(each) for each in unlike] == [
        ("conv", "blob 0", "(3, 2, 3, 3)", "(4, 2, 3, 3)"),
        ("conv", "blob 1", "(3,)", "(4,)"),
    ]
    assert gaps == []
    values = list(compare_runs(net(), wide))
    assert all(each.gap.difference == torch.inf for each in values)
    assert [each.blob for each in values] == ["c", "p"]


def test_a_gap_in_numbers() -> None:
    a, b = torch.tensor([1.0, -4.0, 2.0]), torch.tensor([1.0, -4.0, 2.5])
    assert gap(b, a) == ((3,), 0.5, 4.0, 1)
    assert gap(b, a).relative == 0.125
    nan, inf = torch.tensor([torch.nan, 1.0]), torch.tensor([torch.inf, 1.0])
    assert gap(nan, nan) == ((2,), 0.0, 1.0, 0)
    assert gap(inf, inf) == ((2,), 0.0, 1.0, 0)
    for one, other in ((nan, inf), (nan, torch.ones(2)), (inf, torch.ones(2)), (inf, -inf)):
        assert gap(one, other).relative == gap(other, one).relative == torch.inf
    assert gap(torch.ones(1), torch.zeros(1)).relative == 1
    assert gap(torch.empty(0), torch.empty(0)) == ((0,), 0.0, 0.0, 0)


def test_the_order_of_layers_is_no_matter_for_a_run() -> None:
    """Branches may be written one way or the other; each layer is held against its own."""
    layers = [
        'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }',
        'layer { name: "t" type: "TanH" bottom: "x" top: "t" }',
    ]
    one, other = (fcnkit.CaffeNet(INPUT + "\n".join(order)) for order in (layers, layers[::-1]))
    assert [(each.layer, each.gap.differing) for each in compare_runs(one, other)] == [("r", 0), ("t", 0)]
    assert len(differences(one, other)) == 1


def test_seeded_inputs() -> None:
    one, same, other = (seeded_inputs(net(), seed)["x"] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.shape == (1, 2, 5, 7)


def test_formats_are_alike(sample: Path, data: Path, tmp_path: Path) -> None:
    made = fcnkit.convert(sample)
    for name in ("net.safetensors", "net.pth", "net.caffemodel"):
        fcnkit.save(made, tmp_path / name)
    (tmp_path / "net.prototxt").write_text(made.prototxt)
    for name in ("net.safetensors", "net.pth", "net.caffemodel"):
        found = compare_files(sample, tmp_path / name, tmp_path / "net.prototxt", (1, 3, 20, 30), run=True)
        assert not found.apart()
        assert len(found.weights or ()) == 39
        assert len(found.values or ()) == 31
    definition = compare_files(tmp_path / "net.prototxt", sample)
    assert not definition.apart()
    assert definition.weights is None
    assert definition.values is None


def test_tolerance_is_relative_to_each_blobs_largest_value(sample: Path, tmp_path: Path) -> None:
    made = fcnkit.convert(sample)
    with torch.no_grad():
        made.score_fr.weight += made.score_fr.weight.abs().max() * 1e-3
    fcnkit.save(made, tmp_path / "net.safetensors")
    found = compare_files(sample, tmp_path / "net.safetensors")
    assert found.apart()
    assert found.apart(0.9e-3)
    assert not found.apart(1.1e-3)


def test_what_cannot_be_compared(sample: Path, data: Path, tmp_path: Path) -> None:
    definition = data / "shapes" / "deploy.prototxt"
    message = r"deploy.prototxt: has no weights and cannot run; give weights, or leave `run` out"
    with pytest.raises(FileFormatError, match=message):
        compare_files(sample, definition, run=True)
    fcnkit.save(fcnkit.convert(sample), tmp_path / "net.pth")
    with pytest.raises(FileFormatError, match=r"net.pth: contains weights alone"):
        compare_files(sample, tmp_path / "net.pth")
    with pytest.raises(FileFormatError, match=r"none.pth: cannot be read"):
        compare_files(sample, tmp_path / "none.pth", definition)
    with pytest.raises(BlobShapeError, match="expected"):
        compare_files(tmp_path / "net.pth", sample, data / "layers" / "net_fcn8s_thin" / "net.prototxt")
    with pytest.raises(FileFormatError, match=r"has no weights and cannot run; give weights, or leave `outputs` out"):
        compare_files(sample, definition, outputs=True)
    other = fcnkit.CaffeNet(net().prototxt.replace('"x"', '"y"'))
    with pytest.raises(InputError, match="on the same input: A takes 'x', B takes 'y'"):
        list(compare_runs(net(), other))
