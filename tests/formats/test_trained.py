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


LABELS = {
    "sliced": """layer { name: "slice" type: "Slice" bottom: "label" top: "own" top: "other"
                         slice_param { axis: 0 } }
                 layer { name: "silence" type: "Silence" bottom: "other" }""",
    "resized": """layer { name: "shrunk" type: "Interp" bottom: "label" top: "own"
                          interp_param { shrink_factor: 1 } }""",
    "in two steps": """layer { name: "scaled" type: "Power" bottom: "label" top: "scaled" power_param { scale: 1 } }
                       layer { name: "pooled" type: "Pooling" bottom: "scaled" top: "own"
                               pooling_param { kernel_size: 1 } }""",
    "read by a metric too": """layer { name: "own" type: "Power" bottom: "label" top: "own" }
                               layer { name: "rate" type: "Accuracy" bottom: "score" bottom: "own" top: "rate" }""",
}


@pytest.mark.parametrize("through", LABELS)
def test_labels_that_other_layers_prepare_are_removed_with_their_loss(
    through: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loss = 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "own" top: "loss" }'
    text = TRAINED[: TRAINED.index('layer { name: "loss"')] + LABELS[through] + loss
    Path("train.prototxt").write_text(text)
    batch = 2 if through == "sliced" else 1
    shapes = {"data": (1, 3, 8, 8), "label": (batch, 1, 8, 8)}
    net = fcnkit.convert(None, "train.prototxt", phase="train", input_shape=shapes)
    fcnkit.save(net, "trained.safetensors")
    Path("saved.prototxt").write_text(net.prototxt)
    for name in ("trained.safetensors", "saved.prototxt"):
        running = fcnkit.load(name)
        assert (running.inputs, running.outputs) == (("data",), ("score",))
        assert [step.module for step in running.steps] == ["conv", "drop", "score"]
    Image.new("RGB", (9, 7), (10, 20, 30)).save("photo.png")
    result = CliRunner().invoke(main, ["predict", "trained.safetensors", "photo.png", "-o", "out"])
    assert result.exit_code == 0, result.output
