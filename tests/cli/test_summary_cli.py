"""fcnkit summary, as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fcnkit


@pytest.fixture
def run(run, sample: Path):
    """Runs a command line in a folder that holds the sample model in several formats."""
    fcnkit.save(fcnkit.convert(sample), "fcn8s.safetensors")
    return run


def test_the_helps_examples_run(run, run_examples) -> None:
    Path("train.prototxt").write_text(fcnkit.generate("voc-fcn8s", "train"))
    _table, sized, as_json, trained = run_examples("summary")
    assert "\noutput  loss one value\n" in trained.stdout
    assert "input   data 1 x 3 x 224 x 224 (BGR" in sized.stdout
    assert json.loads(as_json.stdout)["file"] == "fcn8s.safetensors"


def test_the_table(run) -> None:
    lines = run("summary fcn8s.caffemodel").stdout.splitlines()
    assert lines[:4] == [
        "fcn8s.caffemodel: shapes-fcn8s",
        "layer          type           output shape        parameters  multiply-adds  receptive field  stride",
        "data           Input          1 x 3 x 500 x 500            0              0                1       1",
        "conv1_1        Convolution    1 x 8 x 698 x 698          224    105,236,064                3       1",
    ]
    assert lines[50:56] == [
        "",
        "input   data 1 x 3 x 500 x 500 (BGR, 0..255, minus 104.007, 116.669, 122.679; data layer 'data')",
        "output  score 1 x 4 x 500 x 500",
        "total   48 layers, 546,420 parameters, 2,560,081,560 multiply-adds",
        "remark  layers in the form V2",
        "remark  saved in phase TRAIN",
    ]


def test_statistics_are_told_where_there_are(run, data: Path) -> None:
    result = run(f"summary {data}/layers/batchnorm/net.caffemodel")
    assert "multiply-adds, 9 values of statistics\n" in result.stdout


def test_json(run) -> None:
    told = json.loads(run("summary fcn8s.caffemodel --json").stdout)
    assert told["layers"][1] == {
        "name": "conv1_1",
        "type": "Convolution",
        "bottoms": ["data"],
        "tops": {"conv1_1": [1, 8, 698, 698]},
        "parameters": 224,
        "multiply_adds": 105_236_064,
        "receptive_field": [3, 3],
        "stride": [1, 1],
    }
    assert told["totals"] == {"layers": 48, "parameters": 546_420, "multiply_adds": 2_560_081_560, "statistics": 0}
    assert told["preprocessing"]["data"]["channel_order"] == "BGR"
    assert (told["inputs"], told["outputs"]) == ({"data": [1, 3, 500, 500]}, {"score": [1, 4, 500, 500]})


def test_names_that_do_not_print(run) -> None:
    Path("odd.prototxt").write_text(
        'layer { name: "a\\nb" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } } }'
        'layer { name: "\\033[31m" type: "ReLU" bottom: "x" top: "y" }'
    )
    result = run("summary odd.prototxt")
    assert result.exit_code == 0
    assert "'a\\nb'" in result.stdout
    assert "\033" not in result.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("none.caffemodel", "none.caffemodel: cannot be read: No such file or directory"),
        ("picture.png", "picture.png: is a PNG image; nets are loaded from .safetensors"),
        ("deploy.prototxt --prototxt deploy.prototxt",
         "deploy.prototxt: is a prototxt itself; give weights in its place, or leave --prototxt out"),
        ("net.pth", "net.pth: contains weights alone; give the net's definition with"),
        ("fcn8s.caffemodel --input-shape label=1,1,2,2",
         "fcn8s.caffemodel: the net has no input 'label'; its inputs are 'data'"),
        ("deploy.prototxt -o deploy.prototxt", "deploy.prototxt: exists; replace it with --force"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_line(run, line: str, message: str) -> None:
    fcnkit.save(fcnkit.load("fcn8s.safetensors"), "net.pth")
    Path("picture.png").write_bytes(b"\x89PNG\r\n\x1a\n....")
    result = run(f"summary {line}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


def test_several_shapes_need_names(run) -> None:
    result = run("summary deploy.prototxt --input-shape 1,3,4,5 --input-shape data=1,3,4,5")
    assert result.exit_code == 2
    assert "--input-shape needs NAME= for each of several inputs" in result.stderr
