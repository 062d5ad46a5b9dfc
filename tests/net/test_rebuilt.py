"""A net's definition is parsed once and stays, and nets that are rebuilt keep what belongs to the net."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.segment import heatmap
from fcnkit.simplification import with_legacy_inputs

TEXT = """
input: "data" input_dim: [1, 3, 12, 12]
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3
        weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" batch_norm_param { use_global_stats: true } }
layer { name: "pool" type: "Pooling" bottom: "bn" top: "pool" pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 5
        weight_filler { type: "xavier" } } }
"""
IMAGE = {"data": Preprocessing("BGR", mean=(1.0, 2.0, 3.0), source="as given")}


@pytest.fixture
def net() -> fcnkit.CaffeNet:
    built = fcnkit.CaffeNet(TEXT, preprocessing=IMAGE, source=Path("net.caffemodel")).eval()
    built.unused = ["fc8"]
    return built


def heat(net: fcnkit.CaffeNet) -> fcnkit.CaffeNet:
    heatmap.heat(net, Image.new("RGB", (16, 14)), 1)
    return heatmap._dense(net)


REBUILT: list[Callable[[fcnkit.CaffeNet], fcnkit.CaffeNet]] = [
    lambda net: fcnkit.simplify(net).net,
    lambda net: fcnkit.fold_batchnorm(net).net,
    with_legacy_inputs,
    fcnkit.fc2conv,
    heat,
]


@pytest.mark.parametrize("rebuild", REBUILT)
def test_a_rebuilt_net_keeps_what_belongs_to_the_net(net: fcnkit.CaffeNet, rebuild: Callable) -> None:
    net.conv.weight.requires_grad_(False)
    result = rebuild(net)
    assert result is not net
    assert (result.source, result.preprocessing, result.unused) == (net.source, IMAGE, ["fc8"])
    assert not result.training
    assert not result.conv.weight.requires_grad
    assert result.conv.bias.requires_grad
    result.unused.append("x")
    assert net.unused == ["fc8"]


def test_a_rebuilt_net_keeps_types_and_modes(net: fcnkit.CaffeNet) -> None:
    net.double().train()
    net.drop.eval()
    result = net.rebuilt(net.definition(), net.arrays())
    assert {tensor.dtype for tensor in result.state_dict().values()} == {torch.float64}
    assert result.training
    assert result.conv.training
    assert not result.drop.training


@pytest.mark.parametrize("rebuild", REBUILT)
def test_nobody_changes_the_definition(net: fcnkit.CaffeNet, rebuild: Callable) -> None:
    definition = net.definition()
    assert net.definition() is definition
    before = net.prototxt
    rebuild(net)
    assert net.prototxt == before == prototxt.to_text(net.definition())


def test_saving_does_not_change_the_definition_of_a_fork(tmp_path: Path) -> None:
    net = fcnkit.CaffeNet('input: "x" input_dim: [1, 2, 3, 3] layer { name: "r" type: "ReLU6" bottom: "x" top: "y" }')
    net.definition()
    fcnkit.save(net, tmp_path / "net.caffemodel")
    assert prototxt.to_text(net.definition()) == net.prototxt
    assert not net.definition().fcnkit_numbers


def test_copies_have_definitions_of_their_own(net: fcnkit.CaffeNet) -> None:
    net.definition()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.definition() == net.definition()
        assert twin.definition() is not net.definition()
        assert (twin.source, twin.preprocessing) == (net.source, IMAGE)


def test_arrays_are_the_weights_in_float32(net: fcnkit.CaffeNet) -> None:
    arrays = net.double().arrays()
    assert list(arrays) == ["conv", "bn", "fc"]
    assert all(array.dtype == np.float32 for blobs in arrays.values() for array in blobs)
    assert arrays["conv"][0].shape == (4, 3, 3, 3)
