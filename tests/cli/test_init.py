"""fcnkit init, as its users run it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.generation.nets import generate
from fcnkit.surgery import start


def thin(net: object) -> str:
    """A generated net whose layers have a 64th of their channels, score layers aside."""
    definition = prototxt.parse(generate(net))  # type: ignore[arg-type]
    for layer in definition.layer:
        if layer.type == "Convolution" and not layer.name.startswith("score"):
            layer.convolution_param.num_output //= 64
    return prototxt.to_text(definition)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "generate", thin)
    torch.manual_seed(0)
    indices = {0: 1, 2: 1, 5: 2, 7: 2, 10: 4, 12: 4, 14: 4, 17: 8, 19: 8, 21: 8, 24: 8, 26: 8, 28: 8}
    state, before = {}, 3
    for index, channels in indices.items():
        state[f"features.{index}.weight"] = torch.randn(channels, before, 3, 3)
        state[f"features.{index}.bias"] = torch.randn(channels)
        before = channels
    for index, shape in {0: (64, 8 * 49), 3: (64, 64), 6: (1000, 64)}.items():
        state[f"classifier.{index}.weight"] = torch.randn(shape)
        state[f"classifier.{index}.bias"] = torch.randn(shape[0])
    torch.save(state, "vgg16.pth")
    Path("my.prototxt").write_text(thin("voc-fcn32s").replace('"upscore"', '"enlarged"'))
    for name, stream in [("nyud-fcn32s-color", "rgb"), ("nyud-fcn32s-hha", "hha")]:
        fcnkit.save(start.start(name, "vgg16.pth").net, f"{stream}.caffemodel")
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def test_the_helps_examples_run(run, run_examples) -> None:
    results = run_examples("init")
    assert len(results) == 5
    assert fcnkit.load("voc-fcn32s.caffemodel").shapes["score"] == (1, 21, 500, 500)
    assert fcnkit.load("voc-fcn16s.safetensors").preprocessing["data"].mean == pytest.approx((103.53, 116.28, 123.675))
    assert fcnkit.load("fcn.safetensors").score_pool3.weight.shape == (4, 4, 1, 1)
    assert torch.load("my.pth")["enlarged.weight"].any()
    assert fcnkit.load("nyud-fcn32s-color-hha.safetensors").inputs == ("color", "hha")


def test_it_tells_of_each_layer(run) -> None:
    lines = run("init voc-fcn32s --from vgg16.pth").output.splitlines()
    assert lines[:3] == [
        "voc-fcn32s from vgg16.pth -> voc-fcn32s.safetensors",
        "  conv1_1   converted  (1, 3, 3, 3)                RGB to BGR 0..255",
        "  conv1_2   copied     (1, 1, 3, 3)",
    ]
    assert lines[14:] == [
        "  fc6       cast       (64, 392) -> (64, 8, 7, 7)",
        "  fc7       cast       (64, 64) -> (64, 64, 1, 1)",
        "  score_fr  new        (21, 64, 1, 1)              zero",
        "  upscore   new        (21, 21, 64, 64)            bilinear",
        "  fc8       dropped    (1000, 64)",
        "note: data is read minus 103.53, 116.28, 123.675, as torchvision's filters expect in conv1_1;"
        " a data layer that trains the net must subtract this",
    ]


def test_mistakes_are_one_line(run) -> None:
    for line, message in [
        ("none.prototxt --from vgg16.pth", "none.prototxt: cannot be read: No such file or directory"),
        ("voc-fcn32s --from none.pth", "none.pth: cannot be read: No such file or directory"),
        ("voc-fcn32s --from vgg16.pth -o out.zip", "out.zip: has no suffix of a known format"),
        ("voc-fcn32s --from vgg16.pth -o my.prototxt", "my.prototxt: exists; replace it with --force"),
        ("voc-fcn32s --from hha=vgg16.pth", "weights are given for 'hha', but the net's inputs are 'data'"),
    ]:
        result = run(f"init {line}")
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith(f"Error: {message}")
        assert result.stderr.count("\n") == 1


def test_options_that_do_not_go_together(run) -> None:
    for line, message in [
        ("voc-fcn32s --from vgg16.pth --classes 3", "--classes has no effect with voc-fcn32s; leave it out"),
        ("voc-fcn32s --from a.pth --from b.pth", "--from needs INPUT= for each of several files of weights"),
        ("voc-fcn32s", "Missing option '--from'"),
    ]:
        result = run(f"init {line}")
        assert result.exit_code == 2, result.output
        assert message in result.stderr
