"""fcnkit verify, as its users run it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import fcnkit


@pytest.fixture
def run(run, sample: Path, data: Path):
    """Runs a command line in a folder that holds the sample model and a case that Caffe ran."""
    for name in ("net.caffemodel", "net.prototxt", "blobs.npz"):
        Path(name).symlink_to(data / "layers" / "net_fcn8s_thin" / name)
    fcnkit.save(fcnkit.convert(sample), "fcn8s.safetensors")
    return run


def test_the_helps_examples_run(run, run_examples) -> None:
    pytest.importorskip("cv2")
    for result in run_examples("verify")[:2]:
        assert "47 blobs against " in result.stdout


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
