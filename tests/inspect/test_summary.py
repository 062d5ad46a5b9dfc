"""Summaries against the published figures, and against what PyTorch itself counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import fcnkit
from fcnkit.formats import load
from fcnkit.inspect.summary import summarize, summarize_file

SHARED = "".join(
    f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}"'
    ' param { name: "w" } inner_product_param { num_output: 3 bias_term: false } }'
    for name, bottom in [("one", "x"), ("two", "one")]
)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("voc-fcn32s", 136_152_917),
        ("voc-fcn16s", 134_815_994),
        ("voc-fcn8s", 134_489_759),
        ("voc-fcn8s-atonce", 134_489_759 + 768),
        ("voc-fcn-alexnet", 58_704_590),
    ],
)
def test_parameters_are_as_published(name: str, parameters: int, tmp_path: Path) -> None:
    """Of the nets as they are trained, whose weights nobody has to have."""
    path = tmp_path / "net.prototxt"
    path.write_text(fcnkit.generate(name))
    assert summarize_file(path).parameters == parameters


@pytest.mark.parametrize(
    ("options", "layer", "field", "stride"),
    [
        ({"backbone": "alexnet"}, "fc7", 355, 32),
        ({"backbone": "vgg16"}, "fc7", 404, 32),
        ({"backbone": "googlenet", "average_pool": True}, "pool5/7x7_s1", 907, 32),
    ],
)
def test_receptive_fields_are_as_published(options: dict, layer: str, field: int, stride: int, tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(fcnkit.generate("fcn", "deploy", upsampling="bilinear", **options))
    row = next(row for row in summarize_file(path).rows if row.name == layer)
    assert (row.receptive_field, row.stride) == ((field, field), (stride, stride))


@pytest.mark.parametrize(
    "case", ["conv_group", "conv_dilated", "conv_hw", "deconv_dense", "deconv_group_pad", "ip", "ip_axis2",
             "ip_transpose", "conv_two_bottoms", "shared_weights"]
)  # fmt: skip
def test_multiply_adds_are_those_that_pytorch_runs(case: str, data: Path) -> None:
    net = load(data / "layers" / case / "net.prototxt")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(*(torch.zeros(net.shapes[name]) for name in net.inputs))
    filters = [row for row in summarize(net).rows if row.type in ("Convolution", "Deconvolution", "InnerProduct")]
    assert sum(row.multiply_adds for row in filters) == counter.get_total_flops() / 2 > 0


def test_what_only_moves_values_computes_nothing(sample: Path) -> None:
    rows = {row.name: row for row in summarize_file(sample, input_shape=(2, 3, 20, 30)).rows}
    assert [rows[name].multiply_adds for name in ("data", "drop7", "score")] == [0, 0, 0]
    assert rows["fuse_pool3"].multiply_adds == 2 * 4 * 10 * 14
    assert rows["fuse_pool3"].tops == {"fuse_pool3": (2, 4, 10, 14)}


def test_a_recurrent_layer_multiplies_its_weights_at_each_step(data: Path) -> None:
    folder = data / "layers" / "lstm"
    row = summarize_file(folder / "net.caffemodel").rows[-1]
    net = load(folder / "net.caffemodel")
    steps, streams = net.shapes[row.bottoms[0]][:2]
    bias = row.tops[next(iter(row.tops))][2] * 4
    assert row.type == "LSTM"
    assert row.multiply_adds == steps * streams * (row.parameters - bias)


def test_shared_weights_count_once() -> None:
    net = fcnkit.CaffeNet('layer { type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }' + SHARED)
    told = summarize(net)
    assert [row.parameters for row in told.rows] == [0, 9, 0]
    assert (told.parameters, told.statistics) == (9, 0)


def test_layers_of_one_name_count_each_for_itself() -> None:
    same = SHARED.replace('"two"', '"one"').replace(' param { name: "w" }', "")
    net = fcnkit.CaffeNet('layer { type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }' + same)
    assert [row.parameters for row in summarize(net).rows] == [0, 12, 9]


def test_statistics_are_no_parameters(data: Path) -> None:
    told = summarize_file(data / "layers" / "batchnorm" / "net.caffemodel")
    channels = told.rows[-1].tops["out"][1]
    assert (told.parameters, told.statistics) == (0, 2 * channels + 1)


def test_behind_a_layer_without_a_grid_there_is_no_receptive_field(data: Path) -> None:
    told = summarize_file(data / "layers" / "ip" / "net.prototxt")
    assert (told.rows[-1].receptive_field, told.rows[-1].stride) == (None, None)
    assert told.table()[-1][-2:] == ["-", "-"]


def test_remarks_of_caffes_files(sample: Path, data: Path) -> None:
    assert summarize_file(sample).remarks == [
        "layers in the form V2",
        "saved in phase TRAIN",
        "left out of the net that runs: Split 'data_data_0_split', 'pool3_pool3_0_split', 'pool4_pool4_0_split' and 2"
        " more; SoftmaxWithLoss 'loss'",
    ]
    legacy = data / "legacy"
    assert summarize_file(legacy / "v0" / "net.caffemodel").remarks[0] == "layers in the form V0"
    assert summarize_file(legacy / "v1" / "net.prototxt").remarks[0] == "layers in the form V1"
    assert summarize_file(data / "layers" / "phase_rules" / "net.prototxt").remarks[1:] == [
        "in some phases only: ReLU 'tr'; Sigmoid 'te'; TanH 'ex'",
        "left out of the net that runs: ReLU 'tr'; TanH 'ex'",
    ]


def test_weights_beside_their_prototxt(data: Path, sample: Path, tmp_path: Path) -> None:
    folder = data / "legacy" / "v1"
    told = summarize_file(folder / "net.caffemodel.h5", folder / "net.prototxt")
    assert told.parameters == summarize_file(folder / "net.caffemodel").parameters > 0
    short = tmp_path / "short.prototxt"
    short.write_text(
        'input: "data" input_dim: [1, 3, 20, 20] layer { name: "conv1_1" type: "Convolution" bottom: "data" top: "c"'
        " convolution_param { num_output: 8 kernel_size: 3 } }"
    )
    told = summarize_file(sample, short)
    assert told.remarks[-1].startswith("unused weights: 'conv1_2', 'conv2_1', ")


def test_formats_tell_the_same(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample)
    fcnkit.save(net, tmp_path / "net.safetensors")
    fcnkit.save(net, tmp_path / "net.pth")
    (tmp_path / "net.prototxt").write_text(net.prototxt)
    rows = summarize_file(sample).rows
    assert summarize_file(tmp_path / "net.safetensors").rows == rows
    assert summarize_file(tmp_path / "net.pth", tmp_path / "net.prototxt").rows == rows
    assert summarize_file(tmp_path / "net.prototxt").rows == rows
