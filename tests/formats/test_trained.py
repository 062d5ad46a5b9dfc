"""Nets that were saved as they are trained, with labels and losses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import fcnkit
from fcnkit.cli import main

TRAINED = """
layer { name: "data" type: "Python" top: "data" top: "label"
        python_param { module: "voc_layers" layer: "VOCSegDataLayer" param_str: "{'mean': (1, 2, 3)}" } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "score" type: "Convolution" bottom: "conv" top: "score"
        convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
"""


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fcnkit.CaffeNet:
    """A net in training, and the file trained.safetensors of it."""
    monkeypatch.chdir(tmp_path)
    Path("train.prototxt").write_text(TRAINED)
    net = fcnkit.convert(None, "train.prototxt", phase="train", input_shape=(1, 3, 8, 8))
    fcnkit.save(net, "trained.safetensors")
    return net


def test_it_is_loaded_as_it_runs(saved: fcnkit.CaffeNet) -> None:
    assert saved.inputs == ("data", "label")
    net = fcnkit.load("trained.safetensors")
    assert (net.inputs, net.outputs, net.training) == (("data",), ("score",), False)
    assert net.preprocessing["data"].mean == (1, 2, 3)
    assert all(torch.equal(tensor, saved.state_dict()[name]) for name, tensor in net.state_dict().items())
    for options in ({"phase": "train"}, {"deploy": False}):
        again = fcnkit.load("trained.safetensors", **options)
        assert (again.inputs, again.outputs) == (saved.inputs, saved.outputs)


def test_it_is_converted_to_the_net_that_runs_and_predicts(saved: fcnkit.CaffeNet) -> None:
    Image.new("RGB", (9, 7), (10, 20, 30)).save("photo.png")
    result = CliRunner().invoke(main, ["convert", "trained.safetensors", "-o", "deploy.safetensors"])
    assert result.exit_code == 0, result.output
    assert "Loss" not in fcnkit.load("deploy.safetensors", deploy=False).prototxt
    for name in ("trained", "deploy"):
        result = CliRunner().invoke(main, ["predict", f"{name}.safetensors", "photo.png", "-o", name])
        assert result.exit_code == 0, result.output
    assert Path("trained/photo.png").read_bytes() == Path("deploy/photo.png").read_bytes()
