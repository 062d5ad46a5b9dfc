"""fcnkit diff, as its users run it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit.cli import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Path):
    """Runs a command line in a folder that holds the sample model in several formats."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fcn8s.caffemodel").symlink_to(sample)
    net = fcnkit.convert(sample)
    fcnkit.save(net, "fcn8s.safetensors")
    fcnkit.save(net, "fcn8s.pth")
    for name in ("deploy.prototxt", "train.prototxt"):
        Path(name).write_text(net.prototxt)
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def test_the_helps_examples_run(run, run_examples) -> None:
    weights, ran, outputs, definitions, plain = (result.stdout for result in run_examples("diff"))
    assert weights == plain == "structure: equal\nweights: 39 compared, equal\n"
    assert ran == weights + "blobs: 31 compared, equal\n"
    assert outputs == "blobs: 1 compared, equal up to 1e-05 of their largest value\n"
    assert definitions == "structure: equal\n"


def test_what_differs_is_told(run) -> None:
    net = fcnkit.load("fcn8s.safetensors")
    with torch.no_grad():
        value = net.conv3_1.bias[0].item()
        net.conv3_1.bias[0] = float(np.nextafter(np.float32(value), np.float32(9)))
    fcnkit.save(net, "other.safetensors")
    Path("other.prototxt").write_text(net.prototxt.replace('name: "drop7"', 'name: "dropped"'))
    result = run("diff fcn8s.caffemodel other.safetensors --run --input-shape 1,3,30,40")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert result.stderr == ""
    assert lines[:3] == [
        "structure: equal",
        "weights: 39 compared, 1 differ",
        "layer    blob  shape  values that differ  largest difference  largest value",
    ]
    assert lines[3].startswith("conv3_1  1     32                      1 ")
    assert lines[4].startswith("blobs: 31 compared, ")
    assert lines[-1] == "first to diverge: blob 'conv3_1' of layer 'relu3_1'"
    result = run("diff fcn8s.caffemodel other.safetensors --run --input-shape 1,3,30,40 --tolerance 1e-5")
    assert result.exit_code == 0
    assert "weights: 39 compared, equal up to 1e-05 of their largest value\n" in result.stdout
    result = run("diff deploy.prototxt other.prototxt -o told.txt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert Path("told.txt").read_text() == (
        "structure: 2 differences\n"
        "layer    property  in A     in B\n"
        "drop7    layer     Dropout  -\n"
        "dropped  layer     -        Dropout\n"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("none.pth fcn8s.caffemodel", "none.pth: cannot be read"),
        ("fcn8s.caffemodel deploy.prototxt --run", "deploy.prototxt: has no weights and cannot run; "),
        ("fcn8s.caffemodel fcn8s.pth", "fcn8s.pth: contains weights alone; give the net's definition with"),
    ],
)
def test_a_users_mistake_is_one_line(run, line: str, message: str) -> None:
    result = run(f"diff {line}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
