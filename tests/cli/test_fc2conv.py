"""fcnkit fc2conv, as its users run it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from fcnkit.caffe import caffemodel, prototxt
from fcnkit.cli import main

STATE = {
    "features.0.weight": torch.zeros(6, 3, 3, 3),
    "classifier.0.weight": torch.zeros(10, 54),
    "classifier.3.weight": torch.zeros(4, 10),
}
WIDE = {"conv.weight": torch.zeros(2, 3, 3, 3), "fc.weight": torch.zeros(4, 36)}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save(STATE, "vgg16.pth")
    save_file(WIDE, "wide.safetensors")
    net = prototxt.parse("""
        layer { name: "c" type: "Convolution" bottom: "data" top: "c"
                convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" inner_product_param { num_output: 3 } }
    """)
    caffemodel.write("caffenet.caffemodel", net, {"c": [np.ones((2, 3, 1, 1))], "f": [np.ones((3, 8))]})
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def test_the_helps_examples_run(run, run_examples) -> None:
    assert len(run_examples("fc2conv")) == 5
    assert torch.load("vgg16-conv.pth")["classifier.0.weight"].shape == (10, 6, 3, 3)
    assert list(torch.load("vgg16-caffe.pth")) == ["conv1_1.weight", "fc6.weight", "fc7.weight"]
    assert list(torch.load("vgg16-again.pth")) == list(STATE)
    assert load_file("wide-conv.safetensors")["fc.weight"].shape == (4, 2, 3, 6)
    assert caffemodel.read("caffenet-conv.caffemodel").blobs["f"][0].shape == (3, 2, 2, 2)


def test_it_says_what_it_cast(run) -> None:
    assert run("fc2conv vgg16.pth").output == (
        "vgg16.pth -> vgg16-conv.pth\n"
        "  classifier.0  (10, 54) -> (10, 6, 3, 3)\n"
        "  classifier.3  (4, 10) -> (4, 10, 1, 1)\n"
    )
    assert run("fc2conv vgg16-conv.pth --back").output.splitlines()[0] == "vgg16-conv.pth -> vgg16-conv-fc.pth"
    assert run("fc2conv caffenet.caffemodel").output == (
        "caffenet.caffemodel -> caffenet-conv.caffemodel and caffenet-conv.prototxt\n  f  (3, 8) -> (3, 2, 2, 2)\n"
    )


def test_mistakes_are_one_line(run) -> None:
    for line, message in [
        ("fc2conv none.pth", "none.pth: cannot be read: No such file or directory"),
        ("fc2conv vgg16.pth -o caffenet.caffemodel", "caffenet.caffemodel: fc2conv keeps the format of its input"),
        ("fc2conv vgg16.pth -o vgg16.pth", "vgg16.pth: exists; replace it with --force"),
    ]:
        result = run(line)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {message}")
        assert result.stderr.count("\n") == 1


def test_options_that_do_not_go_together(run) -> None:
    for line, message in [
        ("--back --kernel 3,3", "--kernel has no effect with --back; leave it out"),
        ("--layer fc6", "--layer has no effect without --back; leave it out"),
        ("--kernel 3", "'3' is not of the form H,W or LAYER=H,W"),
    ]:
        result = run(f"fc2conv vgg16.pth {line}")
        assert result.exit_code == 2
        assert message in result.stderr
