"""fcnkit convert, as its users run it."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import fcnkit
from tests.surgery.thin import thin_net


def test_the_helps_examples_run(run, run_examples) -> None:
    module = torch.nn.Conv2d(3, 2, 3)
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 8, 8),)), "exported.pt2")
    assert len(run_examples("convert")) == 8
    assert fcnkit.load("exported.caffemodel").state_dict()["conv2d.weight"].equal(module.weight)
    assert fcnkit.load("fcn8s.safetensors").shapes["score"] == (1, 4, 384, 512)


def test_the_summary_and_its_two_lines_of_python(run) -> None:
    result = run("convert fcn8s.caffemodel")
    assert result.output == (
        "fcn8s.caffemodel -> fcn8s.safetensors\n"
        "  net     shapes-fcn8s: 48 layers, 546,420 parameters\n"
        "  input   data 1 x 3 x 500 x 500 (BGR, 0..255, minus 104.007, 116.669, 122.679; data layer 'data')\n"
        "  output  score 1 x 4 x 500 x 500\n"
        "Load it:\n"
        "  import fcnkit\n"
        "  net = fcnkit.load('fcn8s.safetensors')\n"
    )
    names: dict = {}
    exec("\n".join(line.strip() for line in result.output.splitlines()[-2:]), names)
    assert names["net"](torch.zeros(1, 3, 30, 40)).shape == (1, 4, 30, 40)


def test_unused_weights_are_reported(run) -> None:
    Path("short.prototxt").write_text(
        'input: "data" input_dim: [1, 3, 20, 20] layer { name: "conv1_1" type: "Convolution" bottom: "data" top: "c"'
        " convolution_param { num_output: 8 kernel_size: 3 } }"
    )
    result = run("convert fcn8s.caffemodel --prototxt short.prototxt -o x.pth")
    assert "  unused  weights of conv1_2, conv2_1, " in result.output
    assert "net = fcnkit.load('x.pth', prototxt='short.prototxt')" in result.output


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("convert none.caffemodel", "none.caffemodel: cannot be read: No such file or directory"),
        ("convert deploy.prototxt", "deploy.prototxt: has no weights; "
         "give a file of weights, and this one with --prototxt"),
        ("convert fcn8s.caffemodel -o deploy.prototxt", "deploy.prototxt: exists; replace it with --force or "
         "choose another output"),
        ("convert fcn8s.caffemodel -o none/x.pth", "none/x.pth: cannot be written: there is no folder 'none'"),
        ("convert fcn8s.caffemodel -o x.zip", "x.zip: has no suffix of a known format; known are .safetensors"),
        ("convert fcn8s.caffemodel --prototxt fcn8s.caffemodel",
         "fcn8s.caffemodel: is a binary file, not a prototxt; is it a .caffemodel?"),
        ("convert fcn8s.caffemodel --input-shape label=1,1,2,2",
         "fcn8s.caffemodel: the net has no input 'label'; its inputs are 'data'"),
        ("convert fcn8s.caffemodel --input-shape 1,4,50,50",
         "fcn8s.caffemodel: layer 'conv1_1': blob 0 has shape (8, 3, 3, 3), expected (8, 4, 3, 3)"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_line(run, line: str, message: str) -> None:
    before = sorted(path.name for path in Path().iterdir())
    result = run(line)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(path.name for path in Path().iterdir()) == before


def test_hdf5_weights_and_none_at_all(run, data: Path) -> None:
    folder = data / "legacy" / "v1"
    result = run(f"convert {folder}/net.caffemodel.h5 --prototxt {folder}/net.prototxt")
    assert result.output.splitlines()[0] == f"{folder}/net.caffemodel.h5 -> net.safetensors"
    result = run("convert")
    assert (result.exit_code, "give WEIGHTS, --prototxt, or both" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ({"fillers": "none"}, "all filters are zero"),
        ({"upsampling": "dense"}, "the filters of 'upscore2', 'upscore16' are zero"),
        ({}, ""),
    ],
)
def test_a_net_without_fillers_or_weights_is_named(run, options: dict[str, str], warning: str) -> None:
    """Score layers may be zero: they are for the first step of training."""
    Path("net.prototxt").write_text(thin_net(stride=16, **options))
    result = run("convert --prototxt net.prototxt --input-shape 1,3,64,64 -o net.pth")
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        f"warning: net.prototxt: {warning}: the prototxt has no fillers for them and no weights were given;"
        " give WEIGHTS, or add a weight_filler to each layer\n"
    ) * bool(warning)  # fmt: skip
    result = run("convert net.pth --prototxt net.prototxt --input-shape 1,3,64,64 -o again.pth")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("shape", ["1,3,x", "", "1;3;4;5", "data="])
def test_a_malformed_shape_is_a_usage_error(run, shape: str) -> None:
    result = run(f"convert fcn8s.caffemodel --input-shape '{shape}'")
    assert result.exit_code == 2
    assert "is not of the form N,C,H,W or NAME=N,C,H,W" in result.stderr


def test_a_read_only_folder(run, tmp_path: Path) -> None:
    """As an ordinary user; root may write anywhere."""
    import os

    if os.getuid() == 0:
        folder = Path("/proc")  # refuses even root
    else:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    result = run(f"convert fcn8s.caffemodel -o {folder}/x.pth")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {folder}/x.pth: cannot be written: ")


def test_the_installed_command_runs() -> None:
    command = Path(sys.executable).with_name("fcnkit")
    if not command.exists():
        pytest.fail("install fcnkit into this environment first: `make test` does")
    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("fcnkit, version ")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_follows_a_file_that_appears_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fcnkit.cli.convert import _progress

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with _progress(tmp_path / "net", 100):
        time.sleep(0.25)
        assert " 0%" in terminal.getvalue()
        (tmp_path / "net").write_bytes(bytes(50))
        for _ in range(100):
            if " 50%" in terminal.getvalue():
                break
            time.sleep(0.1)
        assert " 50%" in terminal.getvalue()
        assert "100%" not in terminal.getvalue()
    assert "100%" in terminal.getvalue()
