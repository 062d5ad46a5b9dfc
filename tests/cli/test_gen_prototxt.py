"""fcnkit gen-prototxt, as its user sees it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fcnkit.caffe import prototxt
from fcnkit.cli import main
from fcnkit.generation import deconvolution


def run(*arguments):
    return CliRunner().invoke(main, ["gen-prototxt", *arguments])


def test_factor_prints_one_layer():
    result = run("--factor", "32")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == deconvolution(32, 21, "upsample", "score", "upscore")


def test_names_and_channels_are_taken_over():
    result = run("--factor", "5", "--num-output", "3", "--name", "é", "--bottom", 'b"', "--top", "t\n")
    assert result.stdout_bytes == deconvolution(5, 3, "é", 'b"', "t\n").encode()


@pytest.mark.parametrize("factor", ["0", "-3", "2.5", "x"])
def test_a_factor_that_is_no_positive_integer_is_a_usage_error(factor):
    result = run("--factor", factor)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--factor'" in result.stderr


@pytest.mark.parametrize("classes", ["0", "-1", "1.5", ""])
def test_channels_that_are_no_positive_integer_are_a_usage_error(classes):
    result = run("--factor", "2", "--num-output", classes)
    assert result.exit_code == 2 and "Invalid value for '--num-output'" in result.stderr


def test_an_empty_name_is_one_line():
    result = run("--factor", "2", "--name", "")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: a layer or blob has an empty name; give it one\n"


def test_output_goes_to_a_file_and_replaces_one_only_by_force(tmp_path):
    path = tmp_path / "up.prototxt"
    assert run("--factor", "2", "-o", str(path)).output == ""
    assert path.read_text() == deconvolution(2)
    again = run("--factor", "4", "-o", str(path))
    assert again.exit_code == 1 and "exists; replace it with --force" in again.stderr
    assert path.read_text() == deconvolution(2)
    assert run("--factor", "4", "-o", str(path), "--force").exit_code == 0
    assert path.read_text() == deconvolution(4)


def test_the_examples_of_the_help_run(tmp_path, monkeypatch, run_examples):
    monkeypatch.chdir(tmp_path)
    assert len(run_examples("gen-prototxt")) >= 2
    assert prototxt.read("upsample.prototxt").layer[0].convolution_param.num_output == 60
