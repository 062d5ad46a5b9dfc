"""fcnkit offsets, as its user sees it."""

from __future__ import annotations

import re

import pytest
import torch
from click.testing import CliRunner

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.generation.nets import generate


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = re.sub(r" *offset: \d+\n", "", generate("voc-fcn8s", "deploy"))
    (tmp_path / "fcn8s.prototxt").write_text(text)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["offsets", *arguments])


def test_the_helps_examples_run(folder, run_examples, sample):
    (folder / "fcn8s.caffemodel").symlink_to(sample)
    _explained, filled, stored = run_examples("offsets")
    assert filled.output == ""
    assert "Crop 'score': 'upscore8' = x + 31 and 'data' = x, x in pixels of 'data'; the offset is 31" in stored.output
    assert prototxt.read("filled.prototxt") == prototxt.parse(generate("voc-fcn8s", "deploy"))


def test_explanation(folder):
    result = run("fcn8s.prototxt")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == ("layer          type           blob           stride  offset  receptive field  in pixels of")
    assert "fc7            Convolution    fc7            32      12.5    404              data" in lines
    assert lines[-4:] == [
        "Crop 'score_pool4c': 'score_pool4' = x/16 + 5.71875 and 'upscore2' = x/16 + 0.71875, x in pixels of 'data'; "
        "the offset is 5, not stated",
        "Crop 'score_pool3c': 'score_pool3' = x/8 + 11.9375 and 'upscore_pool4' = x/8 + 2.9375, x in pixels of 'data'; "
        "the offset is 9, not stated",
        "Crop 'score': 'upscore8' = x + 31 and 'data' = x, x in pixels of 'data'; the offset is 31, not stated",
        "every crop stays inside its blob for inputs from 1 x 1 up",
    ]


@pytest.mark.parametrize("suffix", [".caffemodel", ".safetensors", ".prototxt", ".h5", ".pth", ".npz", ".pt2"])
def test_every_file_of_a_net(folder, sample, suffix):
    """The rows are those of the net that is saved; weights alone need the definition."""
    net = fcnkit.convert(sample)
    fcnkit.save(net, "net.prototxt")
    expected = run("net.prototxt").stdout
    if suffix == ".pt2":
        # A program has layers of its own names.
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 5, stride=2, padding=1), torch.nn.ReLU())
        torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 20, 20),)), "net.pt2")
        result = run("net.pt2")
        assert result.exit_code == 0, result.stderr
        assert re.search(r"Convolution +\S+ +2 +1 +5 ", result.stdout)
        return
    fcnkit.save(net, f"net{suffix}", force=True)
    alone = suffix in (".h5", ".pth", ".npz")
    result = run(f"net{suffix}", *(["--prototxt", "net.prototxt"] if alone else []))
    assert (result.exit_code, result.stderr, result.stdout) == (0, "", expected)
    if suffix == ".pth":
        assert run("net.pth", "--net", "voc-fcn8s").stderr.startswith("Error: net.pth: ")
    if alone:
        assert run(f"net{suffix}").stderr.startswith(
            f"Error: net{suffix}: contains weights alone; give the net's definition with --prototxt"
        )


def test_other_files(folder):
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run("a.png").stderr.startswith("Error: a.png: is a PNG image; nets are loaded from .safetensors, .pth, ")


def test_old_nets_are_read_too(folder):
    (folder / "old.prototxt").write_text(
        'input: "data" input_dim: [1, 3, 9, 9] layers { name: "a" type: CONVOLUTION bottom: "data" top: "a"'
        " convolution_param { kernel_size: 3 } }"
    )
    assert "a      Convolution  a     1       1       3                data" in run("old.prototxt").stdout.splitlines()


def test_a_crop_without_an_offset_is_explained_and_an_error(folder):
    (folder / "bad.prototxt").write_text(
        'layer { name: "in" type: "Input" top: "data" }'
        'layer { name: "a\\nb" type: "Convolution" bottom: "data" top: "a" convolution_param { kernel_size: 4 } }'
        'layer { name: "c" type: "Crop" bottom: "a" bottom: "data" top: "c" }'
    )
    message = "Crop 'c': the offset would be -1.5, not a whole number; change a kernel or pad on the path between them"
    result = run("bad.prototxt")
    assert result.exit_code == 1
    assert "'a\\nb'" in result.stdout
    assert message in result.stdout
    assert result.stderr.startswith(f"Error: bad.prototxt: {message}")
    assert result.stderr.count("\n") == 1
    result = run("bad.prototxt", "--fill")
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_files_that_are_no_nets(folder):
    result = run("gone.prototxt")
    assert (result.exit_code, result.stderr) == (1, "Error: gone.prototxt: cannot be read: No such file or directory\n")
    (folder / "broken.prototxt").write_text("layer {")
    assert run("broken.prototxt").stderr.startswith("Error: broken.prototxt: line 1, column ")


def test_output_is_replaced_only_by_force(folder):
    (folder / "there").write_text("mine")
    result = run("fcn8s.prototxt", "--fill", "-o", "there")
    assert result.exit_code == 1
    assert "there: exists; replace it with --force" in result.stderr
    assert run("fcn8s.prototxt", "--fill", "-o", "there", "--force").exit_code == 0
    assert prototxt.read("there").layer[-1].crop_param.offset == [31]
