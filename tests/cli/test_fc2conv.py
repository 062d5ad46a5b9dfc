"""fcnkit fc2conv, as its users run it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from fcnkit.caffe import caffemodel, prototxt
from fcnkit.cli import main

STATE = {
    "features.0.weight": torch.zeros(6, 3, 3, 3),
    "classifier.1.weight": torch.zeros(10, 54),
    "classifier.4.weight": torch.zeros(4, 10),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save(STATE, "vgg16.pth")
    net = prototxt.parse("""
        layer { name: "c" type: "Convolution" bottom: "data" top: "c"
                convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" inner_product_param { num_output: 3 } }
    """)
    caffemodel.write("caffenet.caffemodel", net, {"c": [np.ones((2, 3, 1, 1))], "f": [np.ones((3, 8))]})
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def test_the_helps_examples_run(run, run_examples) -> None:
    assert len(run_examples("fc2conv")) == 2
    assert torch.load("vgg16-conv.pth")["classifier.1.weight"].shape == (10, 6, 3, 3)
    assert caffemodel.read("caffenet-conv.caffemodel").blobs["f"][0].shape == (3, 2, 2, 2)


def test_it_says_what_it_cast(run) -> None:
    assert run("fc2conv vgg16.pth").output == (
        "vgg16.pth -> vgg16-conv.pth\n"
        "  classifier.1  (10, 54) -> (10, 6, 3, 3)\n"
        "  classifier.4  (4, 10) -> (4, 10, 1, 1)\n"
    )


def test_mistakes_are_one_line(run) -> None:
    for line, message in [
        ("fc2conv none.pth", "none.pth: cannot be read as a PyTorch file: No such file or directory"),
        ("fc2conv vgg16.pth -o caffenet.caffemodel", "caffenet.caffemodel: fc2conv keeps the format of its input"),
        ("fc2conv vgg16.pth -o vgg16.pth", "vgg16.pth: exists; replace it with --force"),
    ]:
        result = run(line)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {message}")
        assert result.stderr.count("\n") == 1
