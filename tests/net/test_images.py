"""The preprocessing of images: kept from the weights, assumed for the published nets alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.caffe.preprocessing import FCN_MEAN, Preprocessing
from fcnkit.errors import InputError
from fcnkit.generation.nets import generate
from fcnkit.segment import Segmenter
from fcnkit.segment.heatmap import heat

LENET = """
layer { name: "mnist" type: "Data" top: "data" top: "label" transform_param { scale: 0.00390625 }
        memory_data_param { channels: 1 height: 28 width: 28 } }
%s
"""
CONV = """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: "xavier" } } }
"""
DEPLOY = 'layer { name: "in" type: "Input" top: "%s" input_param { shape { dim: [1, 1, 28, 28] } } %s }'


@pytest.fixture
def lenet(tmp_path: Path) -> Path:
    net = fcnkit.CaffeNet(DEPLOY % ("data", "") + CONV)
    caffemodel.write(tmp_path / "lenet.caffemodel", prototxt.parse(LENET % CONV), net.arrays())
    return tmp_path / "lenet.caffemodel"


@pytest.mark.parametrize("suffix", [".caffemodel", ".safetensors"])
@pytest.mark.parametrize("name", ["data", "image"])
def test_a_prototxt_without_a_statement_leaves_that_of_the_weights(suffix: str, name: str, lenet: Path) -> None:
    weights = lenet.with_suffix(suffix)
    if suffix != ".caffemodel":
        fcnkit.save(fcnkit.load(lenet), weights)
    deploy = lenet.with_name("deploy.prototxt")
    deploy.write_text(DEPLOY % (name, "") + CONV.replace('"data"', f'"{name}"'))
    expected = Preprocessing("", scale=0.00390625, source="data layer 'mnist'")
    assert fcnkit.load(weights).preprocessing == {"data": expected}
    assert fcnkit.load(weights, deploy).preprocessing == {name: expected}
    deploy.write_text(DEPLOY % ("data", "transform_param { scale: 0.5 }") + CONV)
    assert fcnkit.load(weights, deploy).preprocessing["data"].scale == 0.5


@pytest.mark.parametrize("suffix", [".caffemodel", ".prototxt"])
def test_caffes_files_state_it_in_their_input(suffix: str, lenet: Path) -> None:
    net, path = fcnkit.load(lenet), lenet.with_name(f"again{suffix}")
    fcnkit.save(net, path)
    assert fcnkit.load(path).preprocessing == {"data": Preprocessing("", scale=0.00390625, source="input 'data'")}
    net.preprocessing["data"] = Preprocessing("", source="as given")
    fcnkit.save(net, path, force=True)
    assert fcnkit.load(path).preprocessing == {"data": Preprocessing("", source="input 'data'")}


@pytest.mark.parametrize(
    ("net", "assumed"), [("voc-fcn8s", True), ("voc-fcn-alexnet", True), ("nyud-fcn32s-color-hha", True)]
)
def test_the_mean_of_the_published_nets_is_assumed_for_them(net: str, assumed: bool, tmp_path: Path) -> None:
    text = generate(net, "deploy")
    (tmp_path / "deploy.prototxt").write_text(text)
    for path in (tmp_path / "deploy.prototxt",):
        found = fcnkit.load(path, untrained="leave", input_shape=None).preprocessing
        assert {each.mean for each in found.values()} == {FCN_MEAN}


def test_no_mean_is_assumed_for_other_nets(tmp_path: Path) -> None:
    path = tmp_path / "deploy.prototxt"
    # The same backbone, and scores over classes of other data.
    path.write_text(generate("voc-fcn8s", "deploy").replace("num_output: 21", "num_output: 7"))
    assert not fcnkit.load(path, untrained="leave").preprocessing["data"].known
    path.write_text(
        (DEPLOY % ("data", "")).replace("[1, 1,", "[1, 3,") + CONV.replace("num_output: 2", "num_output: 21")
    )
    net = fcnkit.load(path).eval()
    assert not net.preprocessing["data"].known
    image = Image.new("RGB", (28, 28))
    message = (
        "the net does not state how pixels become its input 'data': the mean and the scale are not stated; "
        "give `mean` and `scale`"
    )
    with pytest.raises(InputError, match=message):
        Segmenter(net)
    with pytest.raises(InputError, match=message):
        heat(net, image, 0)
    assert Segmenter(net, mean=[1, 2, 3], scale=0.5).preprocessing == Preprocessing(
        "BGR", mean=(1, 2, 3), scale=0.5, source="as given"
    )
    assert Segmenter(net, scale=2).preprocessing.known
    with pytest.raises(InputError, match="the scale is inf; give a finite number"):
        Segmenter(net, scale=float("inf"))
    assert heat(net, image, 0, mean=[0]).scores.shape == (28, 28)


def test_labels_are_no_images(tmp_path: Path) -> None:
    text = """
    layer { name: "data" type: "Python" top: "data" top: "label"
            python_param { module: "voc_layers" layer: "VOCSegDataLayer" param_str: "{'mean': (1, 2, 3)}" } }
    layer { name: "half" type: "Power" bottom: "label" top: "half" power_param { scale: 0.5 } }
    layer { name: "score" type: "Convolution" bottom: "data" top: "score" convolution_param { num_output: 3
            kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "half" top: "loss" }
    """
    for loss_reads in ("half", "label"):
        path = tmp_path / f"{loss_reads}.prototxt"
        path.write_text(text.replace('"score" bottom: "half"', f'"score" bottom: "{loss_reads}"'))
        net = fcnkit.load(path, phase="train", input_shape=(1, 3, 8, 8))
        assert net.inputs == ("data", "label")
        assert net.preprocessing.keys() == {"data"}
