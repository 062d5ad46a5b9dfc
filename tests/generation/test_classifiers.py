"""The classifiers that the templates write are those published, and torchvision's, layer by layer and in numbers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import DefinitionError
from fcnkit.generation.classifiers import CLASSIFIERS
from fcnkit.generation.nets import generate

# Of `structure` of the deploy prototxts at commit 9b89154 of BVLC/caffe (models/) and a7026cb of
# KaimingHe/deep-residual-networks (prototxt/): the number of layers, and a digest.
PUBLISHED = {
    "alexnet": (21, "cd6de1dec4457c2ab35da3e6f1b30acbbcb1f2bc016d1860096cc70aa0d0decf"),
    "caffenet": (21, "525d5fec9df91f38fc76dd656b548ffc0c98e4776db29c5b8dd8e20bd641696e"),
    "googlenet": (141, "18d1fec3bc2a1ef0ac94b4cd6171b0a7421aecdf6be3d18d284e765ff9afa9e9"),
    "resnet50": (228, "30aba5ae27ddb9bb58157d325a0745fad701f32995b0d3961980522905be3bf0"),
    "resnet101": (449, "45254022773e24d67fdef8daaa48de81916dd5390a0827026b71e36ebdb2ee54"),
    "resnet152": (670, "7caeea55e8db96679d602edb460b7167a7753f4b7e45b8b13759bb4b0c46d1a7"),
}
# Parameters, as published or as torchvision counts them (its statistics of batches are no parameters).
PARAMETERS = {
    "alexnet": 60_965_224,
    "caffenet": 60_965_224,
    "googlenet": 6_998_552,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "torchvision-alexnet": 61_100_840,
    "torchvision-resnet50": 25_557_032,
    "torchvision-resnet101": 44_549_160,
    "torchvision-resnet152": 60_192_808,
}


def settings(layer: LayerParameter) -> list[Any]:
    """The settings of a layer that change what it computes, with their defaults."""
    conv, pool, lrn = layer.convolution_param, layer.pooling_param, layer.lrn_param
    found: dict[str, list[Any]] = {
        "Convolution": [
            *(conv.num_output, list(conv.kernel_size), list(conv.pad) or [0], list(conv.stride) or [1]),
            *(conv.group, conv.bias_term),
        ],
        "Pooling": [pool.pool, pool.kernel_size, pool.stride, pool.pad, pool.global_pooling, pool.round_mode],
        "LRN": [lrn.local_size, round(lrn.alpha, 8), lrn.beta, lrn.k, lrn.norm_region],
        "InnerProduct": [layer.inner_product_param.num_output, layer.inner_product_param.bias_term],
        "BatchNorm": [layer.batch_norm_param.use_global_stats, round(layer.batch_norm_param.eps, 9)],
        "Scale": [layer.scale_param.bias_term, layer.scale_param.axis],
        "Eltwise": [layer.eltwise_param.operation],
    }
    return found.get(layer.type, [])


def structure(net: NetParameter) -> list[Any]:
    """The layers of a net without its input and its dropouts, which do nothing in inference."""
    return [
        [layer.name, layer.type, list(layer.bottom), list(layer.top), settings(layer)]
        for layer in upgrade_net(net).layer
        if layer.type not in ("Input", "Dropout")
    ]


def digest(rows: list[Any]) -> tuple[int, str]:
    return len(rows), hashlib.sha256(json.dumps(rows).encode()).hexdigest()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_classifiers_are_those_published(name: str) -> None:
    assert digest(structure(prototxt.parse(generate(name)))) == PUBLISHED[name]


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_vgg_has_the_layers_of_its_fcn(name: str) -> None:
    """The published FCN-32s, which a digest checks, has VGG's convolutions under their names."""
    fcn = structure(prototxt.parse(generate("fcn", "deploy", backbone=name, fillers="none")))
    own = structure(prototxt.parse(generate(name)))
    last = [row[0] for row in own].index("pool5") + 1
    assert fcn[0][4][2] == [100]
    fcn[0][4][2] = [1]
    assert own[:last] == fcn[:last]
    assert [row[:2] for row in own[last:]] == [
        ["fc6", "InnerProduct"], ["relu6", "ReLU"], ["fc7", "InnerProduct"], ["relu7", "ReLU"],
        ["fc8", "InnerProduct"], ["prob", "Softmax"],
    ]  # fmt: skip
    assert [row[4][0] for row in own[last:] if row[4]] == [4096, 4096, 1000]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_parameters_and_sizes(name: str, tmp_path: Any) -> None:
    (tmp_path / "net.prototxt").write_text(generate(name))
    net = fcnkit.load(tmp_path / "net.prototxt", untrained="leave")
    side = CLASSIFIERS[name].side
    assert net.shapes["data"] == (1, 3, side, side)
    assert {blob: net.shapes[blob] for blob in net.outputs} == {"prob": (1, 1000)}
    if name in PARAMETERS:
        assert sum(parameter.numel() for parameter in net.parameters()) == PARAMETERS[name]
    sizes = {"vgg16": "pool5", "vgg19": "pool5", "resnet50": "res5c", "torchvision-resnet50": "res5c"}
    if name in sizes:
        assert net.shapes[sizes[name]][2:] == (7, 7)


def test_the_published_resnet_has_a_bias_that_torchvisions_has_not() -> None:
    layers = {layer.name: layer for layer in prototxt.parse(generate("resnet50")).layer}
    assert layers["conv1"].convolution_param.bias_term
    assert list(layers["res3a_branch2a"].convolution_param.stride) == [2]
    layers = {layer.name: layer for layer in prototxt.parse(generate("torchvision-resnet50")).layer}
    assert not layers["conv1"].convolution_param.bias_term
    assert list(layers["res3a_branch2a"].convolution_param.stride) == [1]
    assert list(layers["res3a_branch2b"].convolution_param.stride) == [2]
    assert layers["pool1"].pooling_param.round_mode == layers["pool1"].pooling_param.FLOOR


def test_a_classifier_takes_no_options(tmp_path: Any) -> None:
    with pytest.raises(DefinitionError, match="cannot be changed in a published net"):
        generate("vgg16", stride=8)
    (tmp_path / "classifier_vgg16.prototxt.j2").write_text('layer { name: "own" type: "ReLU" bottom: "data" top: "x" }')
    assert [layer.name for layer in prototxt.parse(generate("vgg16", templates=tmp_path)).layer] == ["data", "own"]
