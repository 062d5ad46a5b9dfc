"""Simplified nets against what Caffe computed of the whole ones, and against OpenCV."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import InputError
from fcnkit.simplification.rewrites import with_legacy_inputs
from tests.paths import LAYERS

CASES = sorted(path.name for path in LAYERS.iterdir())


def golden(case: str) -> fcnkit.CaffeNet:
    weights = LAYERS / case / "net.caffemodel"
    return fcnkit.convert(weights if weights.exists() else None, prototxt=LAYERS / case / "net.prototxt", deploy=False)


def of(text: str, seed: int = 0) -> fcnkit.CaffeNet:
    """A net of a definition, its weights drawn at random; statistics as training leaves them."""
    torch.manual_seed(seed)
    net = fcnkit.CaffeNet(text).eval()
    with torch.no_grad():
        for name, weight in net.state_dict().items():
            weight.copy_(torch.rand_like(weight) + 0.5 if "a" in name.split(".")[1][:3] else torch.randn_like(weight))
            if name.endswith("scale_factor"):
                weight.fill_(2)
    return net


def error(net: fcnkit.CaffeNet, other: fcnkit.CaffeNet, *inputs: torch.Tensor) -> float:
    """The largest difference of any output, relative to the output's largest value."""
    with torch.no_grad():
        expected, found = net(*inputs), other(*inputs)
    if isinstance(expected, torch.Tensor):
        expected, found = {"": expected}, {"": found}
    assert expected.keys() == found.keys()
    return max(
        float((found[name] - expected[name]).abs().max() / expected[name].abs().max().clamp(min=1e-30))
        for name in expected
    )


@pytest.mark.parametrize("case", CASES)
def test_every_golden_stays_what_caffe_computed(case: str) -> None:
    net = golden(case)
    for simplified in (fcnkit.simplify(net).net, fcnkit.fold_batchnorm(net).net, with_legacy_inputs(net)):
        assert simplified.outputs == net.outputs
        with np.load(LAYERS / case / "blobs.npz") as blobs:
            inputs = {name: torch.from_numpy(blobs[f"in/{name}"]) for name in net.inputs}
            expected = {name: blobs[f"out/{name}"] for name in net.outputs if f"out/{name}" in blobs}
        with torch.no_grad():
            found = simplified.forward_blobs(**inputs)
        for name, blob in expected.items():
            assert np.abs(found[name].numpy() - blob).max() <= 1e-5 * np.abs(blob).max(), name


HEAD = 'input: "data" input_dim: [2, 4, 9, 7] '


def layer(name: str, kind: str, bottom: str, top: str, settings: str = "") -> str:
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top}" {settings} }} '


def conv(name: str, bottom: str, top: str, settings: str = "kernel_size: 3", outputs: int = 6) -> str:
    return layer(name, "Convolution", bottom, top, f"convolution_param {{ num_output: {outputs} {settings} }}")


BN, SCALE = "BatchNorm", "scale_param { bias_term: true }"
NETS = {
    "filters before, in place": (
        conv("c", "data", "c", "kernel_size: 3 bias_term: false group: 2") + layer("b", BN, "c", "c")
        + layer("s", "Scale", "c", "c", SCALE) + layer("r", "ReLU", "c", "c"),
        {"folded BatchNorm": ["b", "s"]}, ["c", "r"],
    ),
    "each top its own name, the last an output": (
        layer("d", "Deconvolution", "data", "d", "convolution_param { num_output: 6 kernel_size: 2 group: 2 }")
        + layer("b", BN, "d", "b") + layer("s", "Scale", "b", "out"),
        {"folded BatchNorm": ["b", "s"]}, ["d"],
    ),
    "nothing before": (
        layer("b", BN, "data", "b") + layer("s", "Scale", "b", "s", SCALE) + layer("r", "ReLU", "s", "r")
        + conv("c", "r", "c"), {"folded BatchNorm": ["b", "s"]}, ["b", "r", "c"],
    ),
    "another reader": (
        conv("c", "data", "c") + layer("b", BN, "c", "b") + layer("r", "ReLU", "c", "r"),
        {"folded BatchNorm": ["b"]}, ["c", "b", "r"],
    ),
    "the batch's own statistics": (
        layer("b", BN, "data", "b", "batch_norm_param { use_global_stats: false }"), {}, ["b"],
    ),
    "InnerProduct": (
        layer("i", "InnerProduct", "data", "i", "inner_product_param { num_output: 5 transpose: true }")
        + layer("b", BN, "i", "i") + layer("s", "Scale", "i", "i", SCALE), {"folded BatchNorm": ["b", "s"]}, ["i"],
    ),
    "a Scale before an InnerProduct": (
        layer("s", "Scale", "data", "s", SCALE)
        + layer("i", "InnerProduct", "s", "i", "inner_product_param { num_output: 5 bias_term: false }"),
        {"folded Scale": ["s"]}, ["i"],
    ),
    "a Scale before filters without a border": (
        layer("s", "Scale", "data", "s", SCALE) + conv("c", "s", "c", "kernel_size: 3 group: 2 bias_term: false"),
        {"folded Scale": ["s"]}, ["c"],
    ),
    "a border, which a bias must not touch": (
        layer("s", "Scale", "data", "s", SCALE) + conv("c", "s", "c", "kernel_size: 3 pad: 1"), {}, ["s", "c"],
    ),
    "as in FCN-8s at once": (
        layer("r", "ReLU", "data", "r") + layer("s", "Scale", "r", "s") + conv("c", "s", "c", "kernel_size: 1")
        + conv("e", "r", "e", "kernel_size: 1"), {"folded Scale": ["s"]}, ["r", "c", "e"],
    ),
    "one factor for all": (
        conv("c", "data", "c") + layer("s", "Scale", "c", "s", "scale_param { num_axes: 0 bias_term: true }"),
        {"folded Scale": ["s"]}, ["c"],
    ),
    "a Scale along other axes": (
        conv("c", "data", "c") + layer("s", "Scale", "c", "s", "scale_param { num_axes: 2 }"), {}, ["c", "s"],
    ),
    "two Scales": (
        layer("s", "Scale", "data", "s", SCALE) + layer("t", "Scale", "s", "t"), {"folded Scale": ["t"]}, ["s"],
    ),
    "a name that is used again for another shape": (
        layer("s", "Scale", "data", "s", SCALE)
        + layer("i", "InnerProduct", "s", "s", "inner_product_param { num_output: 5 bias_term: false }"),
        {"folded Scale": ["s"]}, ["i"],
    ),
    "settings of another type": (
        layer("b", BN, "data", "b", "scale_param { axis: 2 num_axes: 2 }"), {"folded BatchNorm": ["b"]}, ["b"],
    ),
    "filters for each channel, of forks": (
        layer("c", "DepthwiseConvolution", "data", "c", "convolution_param { num_output: 4 group: 4 kernel_size: 3 }")
        + layer("b", BN, "c", "c") + layer("s", "Scale", "c", "c", SCALE)
        + layer("e", "ConvolutionDepthwise", "c", "e", "convolution_param { kernel_size: 2 bias_term: false }")
        + layer("t", "Scale", "e", "t", SCALE),
        {"made Convolution": ["c", "e"], "folded BatchNorm": ["b", "s"], "folded Scale": ["t"]}, ["c", "e"],
    ),
    "layers without weights of one name": (
        conv("c", "data", "c") + layer("r", "ReLU", "c", "c") + layer("r", "Dropout", "c", "c"),
        {"dropped": ["r"]}, ["c", "r"],
    ),
    "Dropout and Split": (
        conv("c", "data", "c") + layer("d", "Dropout", "c", "c") + layer("e", "Dropout", "c", "e")
        + 'layer { name: "s" type: "Split" bottom: "e" top: "s1" top: "s2" }' + layer("r", "ReLU", "s1", "s1")
        + layer("q", "Sigmoid", "s1", "q") + layer("p", "TanH", "s2", "p"),
        {"dropped": ["d", "e", "s"]}, ["c", "r", "q", "p"],
    ),
    "a Split whose blob is overwritten": (
        conv("c", "data", "c") + 'layer { name: "s" type: "Split" bottom: "c" top: "s1" top: "s2" }'
        + layer("r", "ReLU", "c", "c") + layer("p", "TanH", "s2", "p") + layer("q", "TanH", "s1", "q"),
        {}, ["c", "s", "r", "p", "q"],
    ),
    "Dropout at the end": (
        conv("c", "data", "c") + layer("d", "Dropout", "c", "out"), {"dropped": ["d"]}, ["c"],
    ),
    "Dropout of an input": (layer("d", "Dropout", "data", "out"), {}, ["d"]),
    "shared filters": (
        conv("c", "data", "c", outputs=4).replace("convolution_param", 'param { name: "w" } convolution_param')
        + layer("b", BN, "c", "b")
        + conv("e", "b", "e", outputs=4).replace("convolution_param", 'param { name: "w" } convolution_param'),
        {"folded BatchNorm": ["b"]}, ["c", "b", "e"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_rewrites(name: str) -> None:
    text, changes, left = NETS[name]
    net = of(HEAD + text)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    simplified = fcnkit.simplify(net)
    assert {change.what: change.layers for change in simplified.changes} == changes
    assert [step.name for step in simplified.net.steps] == left
    assert error(net, simplified.net, torch.randn(2, 4, 9, 7)) <= 1e-5
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())


def test_diagonal_deconvolutions_become_grouped() -> None:
    text = layer("d", "Deconvolution", "data", "d", "convolution_param { num_output: 4 kernel_size: [3, 2] stride: 2 }")
    net = of(HEAD + text)
    assert fcnkit.simplify(net).changes == []
    with torch.no_grad():
        net.d.weight[~torch.eye(4, dtype=torch.bool)] = 0
    simplified = fcnkit.simplify(net)
    assert simplified.changes == [("grouped", ["d"])]
    assert simplified.net.d.groups == 4
    assert error(net, simplified.net, torch.randn(1, 4, 5, 6)) <= 1e-6
    assert simplified.parameters == (4 * 4 * 6 + 4, 4 * 6 + 4)
    assert simplified.multiply_adds == (4 * 4 * 6 * 2 * 63, 4 * 6 * 2 * 63)


def test_fold_batchnorm_leaves_all_else() -> None:
    text = conv("c", "data", "c") + layer("b", BN, "c", "b") + layer("d", "Dropout", "b", "d")
    folded = fcnkit.fold_batchnorm(of(HEAD + text))
    assert [step.name for step in folded.net.steps] == ["c", "d"]


def test_the_sample_on_its_images(sample: Path) -> None:
    net = fcnkit.convert(sample)
    simplified = fcnkit.simplify(net)
    assert simplified.net.preprocessing == net.preprocessing
    assert error(net, simplified.net, torch.randn(1, 3, 70, 90) * 50) <= 1e-6


def test_the_scales_of_fcn8s_at_once_go_into_its_scores() -> None:
    text = re.sub(r"num_output: (64|128|256|512|4096)", "num_output: 16", fcnkit.generate("voc-fcn8s-atonce", "deploy"))
    net = of(text)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.div_(1000 if name.startswith("scale") else max(1, weight[0].numel()) ** 0.5)
    simplified = fcnkit.simplify(net)
    assert simplified.changes == [("folded Scale", ["scale_pool4", "scale_pool3"])]
    assert error(net, simplified.net, torch.randn(1, 3, 50, 66)) <= 1e-5


def test_a_net_in_training_is_refused(sample: Path) -> None:
    with pytest.raises(InputError, match=r"only a net in eval mode can be simplified; call its eval\(\)"):
        fcnkit.simplify(fcnkit.convert(sample, phase="train"))


def test_weights_that_are_not_numbers_are_folded_without_a_warning() -> None:
    net = of(HEAD + conv("c", "data", "c") + layer("b", BN, "c", "b"))
    # A signalling NaN, as damage makes it.
    net.b.mean[0] = torch.tensor([0x7F800001], dtype=torch.int32).view(torch.float32)[0]
    net.b.variance[1] = float("inf")
    folded = fcnkit.fold_batchnorm(net).net
    assert torch.isnan(folded.c.bias[0])
    assert not torch.isnan(folded.c.bias[1:]).any()
