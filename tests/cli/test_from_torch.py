"""fcnkit from-torch, as its users run it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import fcnkit

NETS = """
from torch import nn

class Classifier(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Hardswish(), nn.Flatten(), nn.Linear(3844, 2))

class Gelu(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.GELU())

small = nn.Conv2d(3, 4, 3)
number = 3

def broken():
    raise ValueError("no weights\\nat all")
"""


@pytest.fixture
def nets(run, monkeypatch: pytest.MonkeyPatch):
    Path("my_nets.py").write_text(NETS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    yield run
    sys.modules.pop("my_nets", None)


def test_the_helps_examples_run(nets, run_examples) -> None:
    torch.manual_seed(0)
    Path("make.py").write_text("import torch, my_nets")
    from fcnkit.export.factory import made

    module = made("my_nets:Classifier")
    torch.save(module.state_dict(), "weights.pth")
    assert len(run_examples("from-torch")) == 3
    assert Path("Classifier.prototxt").exists()
    net = fcnkit.load("edge.caffemodel")
    assert net.state_dict()["0.weight"].equal(module[0].weight)
    assert fcnkit.load("old.caffemodel").inputs == ("image",)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert net(image).allclose(module(image), atol=1e-5)


def test_the_report(nets) -> None:
    result = nets("from-torch my_nets:small --input-shape 1,3,8,9 -o a.caffemodel -o a.onnx")
    assert result.stdout == (
        "my_nets:small -> a.caffemodel, a.prototxt, a.onnx\n"
        "  net     unnamed: 2 layers, 112 parameters\n"
        "  input   input 1 x 3 x 8 x 9\n"
        "  output  conv2d 1 x 4 x 6 x 7\n"
        "Load it:\n"
        "  import fcnkit\n"
        "  net = fcnkit.load('a.caffemodel')\n"
    )
    assert result.stderr.startswith("The outputs differ from the module's by ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("my_nets:none --input-shape 1,3,8,8", "my_nets:none fails: AttributeError: module 'my_nets' has no attribute"),
        ("nowhere:x --input-shape 1,3,8,8", "nowhere:x fails: ModuleNotFoundError: No module named 'nowhere'"),
        ("my_nets:broken --input-shape 1,3,8,8", "my_nets:broken fails: ValueError: no weights\n"),
        ("my_nets:number --input-shape 1,3,8,8", "my_nets:number fails: TypeError: 'int' object is not callable"),
        ("my_nets:small --input-shape 1,0,8,8", "--input-shape needs sizes of at least 1"),
        ("my_nets:small --input-shape 1,2,8,8", "torch.export cannot trace the module: "),
        ("my_nets:small --input-shape 1,3,8,8 --target cafe", "unknown --target 'cafe'; the targets are bvlc, "),
        ("my_nets:small --input-shape 1,3,8,8 --state fcn8s.caffemodel", "fcn8s.caffemodel: is "),
        ("my_nets:small --input-shape 1,3,8,8 --state bad.pth", "bad.pth: is not a state dict of the module: "),
        ("my_nets:small --input-shape 1,3,8,8 -o deploy.prototxt", "deploy.prototxt: exists; replace it with --force"),
        ("my_nets:small --input-shape 1,3,8,8 -o a.zip", "a.zip: has no suffix of a known format"),
        (
            "my_nets:Gelu --input-shape 1,3,8,8",
            "1 operation that BVLC Caffe has no layers for: aten.gelu (the",
        ),
    ],
)
def test_mistakes(nets, line: str, message: str) -> None:
    torch.save({"weights": torch.zeros(2)}, "bad.pth")
    result = nets(f"from-torch {line}")
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith(f"Error: {message}")
    assert not list(Path().glob("*.caffemodel.*"))


def test_a_shape_is_required(nets) -> None:
    result = nets("from-torch my_nets:small")
    assert result.exit_code == 2
    assert "give --input-shape, once for each input" in result.stderr


@pytest.mark.parametrize("line", ["net.pt2", "fcn8s.caffemodel --input-shape 1,3,8,8", "my_nets"])
def test_a_file_is_no_factory(line: str, nets) -> None:
    result = nets(f"from-torch {line}")
    assert result.exit_code == 2
    problem = "is not of the form PACKAGE.MODULE:FACTORY; fcnkit convert converts files"
    assert result.stderr.splitlines()[-1] == f"Error: {line.split()[0]!r} {problem}"


def test_an_approximation(nets) -> None:
    result = nets("from-torch my_nets:Gelu --input-shape 1,3,8,8")
    assert "Ways out: allow its tanh form, whose values differ by up to 4.7e-4, by --approximate gelu" in result.stderr
    result = nets("from-torch my_nets:Gelu --input-shape 1,3,8,8 --approximate gelu")
    assert result.exit_code == 0, result.output
    assert "with gelu approximated" in result.stderr
