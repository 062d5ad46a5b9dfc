"""Filters that start at zero and stay so: before training, exactly those are named that it would leave at zero."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation.nets import generate
from fcnkit.net.zeros import filter_layers
from fcnkit.train.nets import Objective, training_net
from fcnkit.train.zeros import require_learning, stuck_layers
from tests.surgery.thin import thin

DATA = """
    layer { name: "in" type: "Input" top: "data" top: "label"
            input_param { shape { dim: [2, 3, 9, 9] } shape { dim: [2, 1, 9, 9] } } }
"""
LOSS = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }'
FILLED, BILINEAR = 'weight_filler { type: "msra" }', 'weight_filler { type: "bilinear" }'
RELU = 'layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }'


def conv(name: str, bottom: str, filler: str = FILLED, top: str = "", rate: float = 1) -> str:
    return f"""
        layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top or name}" param {{ lr_mult: {rate} }}
                 convolution_param {{ num_output: 4 kernel_size: 1 {filler} }} }}
    """


def up(bottom: str, filler: str, top: str = "score") -> str:
    return f"""
        layer {{ name: "up" type: "Deconvolution" bottom: "{bottom}" top: "{top}" param {{ lr_mult: 0 }}
                 convolution_param {{ num_output: 4 group: 4 kernel_size: 1 bias_term: false {filler} }} }}
    """


def objective(text: str) -> Objective:
    torch.manual_seed(0)
    definition = prototxt.parse(DATA + text + LOSS)
    return Objective(training_net(definition, []).train(), definition)


NETS = {
    "filled": (conv("a", "data") + RELU + conv("score", "a"), []),
    "zero scores": (conv("a", "data") + RELU + conv("score", "a", ""), []),
    "zero scores, bilinear": (conv("a", "data") + RELU + conv("b", "a", "") + up("b", BILINEAR), []),
    "zero scores and kernels": (conv("a", "data") + RELU + conv("b", "a", "") + up("b", ""), ["b", "up"]),
    "zero kernels": (conv("a", "data") + RELU + conv("b", "a") + up("b", ""), ["up"]),
    "all zero": (conv("a", "data", "") + RELU + conv("b", "a", "") + up("b", ""), ["a", "b", "up"]),
    "zero backbone": (conv("a", "data", "") + RELU + conv("score", "a"), ["a"]),
    "zero without ReLU": (conv("a", "data", "") + conv("score", "a"), []),
    "two zeros without ReLU": (conv("a", "data", "") + conv("score", "a", ""), ["a", "score"]),
    "zero with a bias": (
        conv("a", "data", 'bias_filler { type: "constant" value: 0.1 }') + RELU + conv("score", "a", ""),
        [],
    ),
    "zero beside a skip": (
        conv("a", "data", "") + RELU + conv("b", "a", "") + conv("c", "data", "")
        + 'layer { name: "sum" type: "Eltwise" bottom: "b" bottom: "c" top: "score" }',
        ["a", "b"],
    ),
    "zero and frozen": (conv("a", "data") + RELU + conv("score", "a", "", rate=0), ["score"]),
    "zero beside the loss": (conv("score", "data") + conv("c", "data", "") +
                             'layer { name: "quiet" type: "Silence" bottom: "c" }', []),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_exactly_the_layers_that_training_leaves_at_zero(name: str) -> None:
    text, expected = NETS[name]
    found = objective(text)
    assert stuck_layers(found) == expected
    rates = {layer.name: layer.param[0].lr_mult for layer in found.net.definition().layer if layer.param}
    parameters = dict(found.net.named_parameters())
    inputs = torch.randn(2, 3, 9, 9), torch.randint(0, 4, (2, 1, 9, 9)).float()
    for _ in range(4):
        found.zero_grad()
        found(*inputs)[0].backward()
        with torch.no_grad():
            for key, parameter in parameters.items():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad * rates[key.partition(".")[0]]
    still = [layer for layer, zero in filter_layers(found.net).items() if zero]
    assert [layer for layer in still if layer != "c"] == expected


def test_the_error_names_them() -> None:
    message = "the filters of 'a', 'b', 'up' are all zero, and no gradient reaches them: they have neither fillers nor"
    with pytest.raises(DefinitionError, match=message):
        require_learning(objective(NETS["all zero"][0]))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, r"$"),
        ({"fillers": "xavier"}, r"$"),
        ({"upsampling": "dense"}, r"score_fr upscore2 score_pool4 upscore16$"),
        ({"fillers": "none"}, r"conv1_1 conv1_2 .* fc7 score_fr upscore2 score_pool4 upscore16$"),
    ],
)
def test_generated_nets(options: dict[str, str], expected: str) -> None:
    net = prototxt.parse(thin(generate("fcn", stride=16, classes=4, **options)))
    data = prototxt.parse(DATA.replace("9, 9", "40, 40")).layer[0]
    net.layer[0].CopyFrom(data)
    found = stuck_layers(Objective(training_net(net, []).train(), net))
    assert re.match(expected, " ".join(found))


def test_the_command_refuses_unless_asked(case: Callable[[str], Path], train: Callable[[str], Result]) -> None:
    case("sgd_poly_fcn")
    net = Path("net.prototxt")
    net.write_text(re.sub(r"weight_filler\s*{[^}]*}", "", net.read_text()))
    result = train("solver.prototxt")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: solver.prototxt: the filters of 'conv1', 'conv2', 'score_fr' and 1 more are all zero, and no gradient"
        " reaches them: they have neither fillers nor weights; add a weight_filler, give weights with"
        " --weights FILE,... (those of fcnkit init have bilinear upsampling), or train the rest with --allow-zero\n"
    )
    assert not list(Path().glob("snap*"))
    assert train("solver.prototxt --allow-zero").exit_code == 0
    assert train("solver.prototxt --weights init.caffemodel").exit_code == 0
