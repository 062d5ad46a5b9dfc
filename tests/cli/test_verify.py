"""fcnkit verify, as its users run it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.export.factory import made
from tests.export.proving import randomized


@pytest.fixture
def run(run, sample: Path, data: Path):
    """Runs a command line in a folder that holds the sample model and a case that Caffe ran."""
    for name in ("net.caffemodel", "net.prototxt", "blobs.npz"):
        Path(name).symlink_to(data / "layers" / "net_fcn8s_thin" / name)
    fcnkit.save(fcnkit.convert(sample), "fcn8s.safetensors")
    return run


def test_a_case_that_caffe_ran(run) -> None:
    result = run("verify net.caffemodel --prototxt net.prototxt --against blobs.npz -o told.txt")
    assert (result.exit_code, result.output) == (0, "")
    lines = Path("told.txt").read_text().splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert lines[0].endswith("largest error  largest value  relative")
    assert " blobs against blobs.npz: the largest error is " in lines[-1]


def test_an_error_past_the_tolerance_is_status_1(run) -> None:
    blobs = dict(np.load("blobs.npz"))
    blobs["out/score"] = blobs["out/score"] + np.abs(blobs["out/score"]).max()
    np.savez("wrong.npz", **blobs)
    result = run("verify net.caffemodel --prototxt net.prototxt --against wrong.npz")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: net.caffemodel: blob 'score' of layer 'score' differs by ")
    assert "more than the tolerance 0.0001 of its largest value, " in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout.splitlines()[-1].endswith("of the blob's largest value, at layer 'score'")
    result = run("verify net.caffemodel --prototxt net.prototxt --against wrong.npz --tolerance 1")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("none.caffemodel", "none.caffemodel: cannot be read: No such file or directory"),
        ("fcn8s.caffemodel --against tensorrt", "tensorrt: cannot be read: No such file or directory; known are c"),
        ("fcn8s.caffemodel --against net.prototxt", "net.prototxt: is not a dump of blobs, an .npz file with arrays "),
    ],
)
def test_a_users_mistake_is_one_line(run, line: str, message: str) -> None:
    pytest.importorskip("cv2")
    result = run(f"verify {line}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


def test_without_a_runtime_the_extra_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run("verify fcn8s.caffemodel")
    assert result.exit_code == 1
    assert "no runtime to verify against is installed; pip install 'fcnkit[opencv]' installs one" in result.stderr


NETS = """
from torch import nn

class Classifier(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Hardswish(), nn.Flatten(), nn.Linear(120, 2))

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.low, self.score = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, (1, 2))

    def forward(self, x):
        low = self.low(x)
        return {"score": self.score(low), "low": low}

class Pair(Two):
    def forward(self, x):
        return tuple(super().forward(x).values())

def small():
    return nn.Conv2d(3, 2, 3)

def other():
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(5, 2))
"""


@pytest.fixture
def modules(run, monkeypatch: pytest.MonkeyPatch):
    """Runs a command line in a folder with modules, and the weights of those that have some."""
    Path("my_nets.py").write_text(NETS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    torch.manual_seed(0)
    torch.save(randomized(made("my_nets:Classifier")).state_dict(), "weights.pth")
    torch.save(made("my_nets:Two").state_dict(), "two.pth")
    result = run("from-torch my_nets:Classifier --state weights.pth --input-shape 1,3,8,7 -o edge.caffemodel")
    assert result.exit_code == 0, result.output
    yield run
    sys.modules.pop("my_nets", None)


def test_the_helps_examples_run(modules, run_examples) -> None:
    pytest.importorskip("cv2")
    *others, own = run_examples("verify")
    assert all("47 blobs against " in result.stdout for result in others[:2])
    report = own.stdout.splitlines()
    assert len(report) == 3
    assert report[1].startswith("4      4     1 x 2 ")
    assert report[2].startswith("1 blob against my_nets:Classifier: the largest error is ")


@pytest.mark.parametrize("factory", ["Two", "Pair"])
def test_each_output_is_compared_with_its_own(modules, factory: str) -> None:
    made = modules(f"from-torch my_nets:{factory} --state two.pth --input-shape 2,3,6,8 -o two.caffemodel")
    assert made.exit_code == 0, made.output
    result = modules(f"verify two.caffemodel --against my_nets:{factory} --state two.pth")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "  2 x 2 x 4 x 5  " in lines[1]
    assert "  2 x 4 x 4 x 6  " in lines[2]
    assert lines[3].startswith(f"2 blobs against my_nets:{factory}: ")
    # Other weights than those that were converted.
    result = modules(f"verify two.caffemodel --against my_nets:{factory}")
    assert result.exit_code == 1
    assert result.stderr.endswith("; 2 of 2 blobs do\n")


def test_both_inputs_count(modules, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(
        made("my_nets:Classifier").__class__, "forward", lambda self, x: seen.append(x) or x[:, :2, 0, 0]
    )
    result = modules("verify edge.caffemodel --against my_nets:Classifier --input-shape 2,3,8,7 --seed 4")
    assert result.exit_code == 1
    assert [tuple(x.shape) for x in seen] == [(2, 3, 8, 7)] * 2
    assert not seen[0].equal(seen[1])


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("--against my_nets:Two", 1, "edge.caffemodel: has 1 output, and my_nets:Two has 2"),
        (
            "--against my_nets:small",
            1,
            "edge.caffemodel: output '4' has the shape (1, 2), that of my_nets:small (1, 2, ",
        ),
        (
            "--against my_nets:other",
            1,
            "edge.caffemodel: my_nets:other fails on inputs of 1 x 3 x 8 x 7: RuntimeError: ",
        ),
        ("--against my_nets:none", 1, "my_nets:none fails: AttributeError: module 'my_nets' has no attribute 'none'"),
        ("--against my_nets:small --state two.pth", 1, "two.pth: is not a state dict of the module: "),
        ("--against opencv --state two.pth", 2, "--state needs --against PACKAGE.MODULE:FACTORY"),
        (
            "--against my_nets:Classifier --input-shape 1,3,9,9",
            1,
            "edge.caffemodel: layer '4': blob 0 has shape (2, 120)",
        ),
    ],
)
def test_mistakes_with_a_module(modules, line: str, code: int, message: str) -> None:
    result = modules(f"verify edge.caffemodel {line}")
    assert result.exit_code == code
    assert f"Error: {message}" in result.stderr
    assert code == 2 or result.stderr.count("\n") == 1
