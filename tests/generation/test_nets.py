"""What the templates write, read back by Caffe's own schema and held against the published nets."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys

import pytest

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation.nets import generate, generate_solver
from fcnkit.generation.published import PUBLISHED
from tests.paths import DATA

# digests_more.json: by the same rule, of the other nets of shelhamer/fcn.berkeleyvision.org at 1305c73.
DIGESTS = {
    key: value
    for name in ("digests.json", "digests_more.json")
    for key, value in json.loads((DATA / name).read_text()).items()
}


def parsed(text, kind="NetParameter"):
    return prototxt.parse(text, kind)


def by_name(text):
    return {layer.name: layer for layer in parsed(text).layer}


def printed(text):
    """The text as protobuf prints it; NetSpec leaves out the .0 of whole numbers, Python does not."""
    return re.sub(r"\.0$", "", prototxt.to_text(parsed(text)), flags=re.MULTILINE)


@pytest.mark.parametrize("key", DIGESTS)
def test_published_nets_and_solvers_are_those_published(key):
    name, file = key.split("/")
    phase = file.removesuffix(".prototxt")
    if phase == "solver":
        message = parsed(generate_solver(name), "SolverParameter")
    else:
        message = parsed(generate(name, phase))
        assert len(message.layer) == DIGESTS[key]["layers"]
        for layer in message.layer:
            if layer.type == "Python":
                parameters = ast.literal_eval(layer.python_param.param_str)
                layer.python_param.param_str = json.dumps(parameters, sort_keys=True)
    digest = hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
    assert digest == DIGESTS[key]["sha256"]


def test_all_published_nets_have_a_digest():
    files = {f"{name}/{file}.prototxt" for name, model in PUBLISHED.items() for file in (*model.net.phases, "solver")}
    assert files <= DIGESTS.keys()


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("phase", ["train", "val", "deploy"])
def test_nets_print_as_netspec_does(name, phase):
    assert generate(name, phase) == printed(generate(name, phase))


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_deploy_net_is_the_trained_one_without_data_dropout_and_loss(name):
    trained, deployed = by_name(generate(name, "train")), by_name(generate(name, "deploy"))
    kept = {key: layer for key, layer in trained.items() if layer.type not in ("Python", "Dropout", "SoftmaxWithLoss")}
    source = deployed.pop("input")
    assert deployed == kept
    net = PUBLISHED[name].net
    assert (source.type, list(source.top)) == ("Input", list(net.inputs))
    assert [list(shape.dim) for shape in source.input_param.shape] == [[1, n, 500, 500] for n in net.inputs.values()]
    assert list(deployed)[-1] == ("score" if "" in net.heads else "score_geo")


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("nyud-fcn32s-color-d", {"color": 3, "depth": 1}), ("nyud-fcn32s-color-hha", {"color": 3, "hha": 3})],
)
def test_nets_of_two_inputs(name, inputs):
    (source, *_) = parsed(generate(name, "deploy")).layer
    assert {top: shape.dim[1] for top, shape in zip(source.top, source.input_param.shape, strict=True)} == inputs


@pytest.mark.parametrize("name", ["siftflow-fcn8s", "nyud-fcn32s-hha"])
def test_phases_are_words_in_any_case(name):
    assert generate(name, "TEST") == generate(name, "val")
    assert generate("voc-fcn8s", "test") == generate("voc-fcn8s", "Val") != generate("voc-fcn8s", "TRAIN")


@pytest.mark.parametrize("name", ["siftflow-fcn8s", "nyud-fcn32s-hha"])
def test_phases_go_by_the_nets_own_words_too(name):
    assert generate(name, "trainval") == generate(name, "train") != generate(name, "test") == generate(name, "val")
    with pytest.raises(DefinitionError, match="unknown phase 'x'; the phases are trainval, test and deploy"):
        generate(name, "x")
    with pytest.raises(DefinitionError, match="unknown phase 'trainval'; the phases are train, val and deploy"):
        generate("voc-fcn8s", "trainval")


def parameters(text):
    """How many weights a net has: channels followed through its layers."""
    channels, total = {}, 0
    for layer in parsed(text).layer:
        if layer.type == "Input":
            channels |= {top: shape.dim[1] for top, shape in zip(layer.top, layer.input_param.shape, strict=True)}
            continue
        inputs = channels[layer.bottom[0]]
        if layer.type == "Concat":
            inputs = sum(channels[bottom] for bottom in layer.bottom)
        outputs = inputs
        if layer.type in ("Convolution", "Deconvolution"):
            param = layer.convolution_param
            outputs = param.num_output
            total += inputs * outputs // param.group * param.kernel_size[0] ** 2 + param.bias_term * outputs
        elif layer.type == "Scale":
            total += inputs
        channels[layer.top[0]] = outputs
    return total


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("voc-fcn32s", 136_152_917),
        ("voc-fcn16s", 134_815_994),
        ("voc-fcn8s", 134_489_759),
        ("voc-fcn8s-atonce", 134_489_759 + 768),
        ("voc-fcn-alexnet", 58_704_590),
    ],
)
def test_parameter_totals(name, total):
    assert parameters(generate(name, "deploy")) == total


def test_inputs_have_the_names_they_are_given():
    layers = by_name(generate("fcn", "deploy", inputs={"image": 4}))
    assert list(layers["conv1_1"].bottom) == ["image"]
    assert list(layers["score"].bottom) == ["upscore", "image"]
    assert layers["input"].input_param.shape[0].dim[1] == 4


def test_heads_follow_one_another():
    names = [layer.name for layer in parsed(generate("siftflow-fcn16s", "train")).layer]
    sem = ["score_fr", "upscore2", "score_pool4", "score_pool4{}c", "fuse_pool4", "upscore16", "score"]
    sem = [name.format("_sem") if "{}" in name else f"{name}_sem" for name in sem]
    geo = [name.replace("_sem", "_geo") for name in sem]
    assert names[-16:] == [*sem, "loss", *geo, "loss_geo"]


def test_vgg19_has_its_number_of_weights():
    """143,667,240 with the classifier of 1000 classes (Simonyan and Zisserman 2014, table 2: 144 million)."""
    text = generate("fcn", "deploy", backbone="vgg19", classes=1)
    assert parameters(text) - (4096 + 1 + 64 * 64) == 143_667_240 - 4097 * 1000


def test_generation_imports_neither_torch_nor_numpy():
    code = "import sys, fcnkit.generation.nets; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
