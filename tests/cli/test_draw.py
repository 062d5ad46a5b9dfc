"""fcnkit draw, as its users run it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import fcnkit


def test_the_helps_examples_run(run, run_examples) -> None:
    Path("train.prototxt").write_text(fcnkit.generate("voc-fcn8s", "train"))
    assert [result.output for result in run_examples("draw")] == ["", "", "", ""]
    assert Path("train.png").read_bytes().startswith(b"\x89PNG")
    assert "<title>shapes-fcn8s</title>" in Path("fcn8s.svg").read_text()
    assert Path("fcn8s.html").read_text().startswith("<!DOCTYPE html>\n")
    assert "1 x 3 x 224 x 224" in Path("fcn8s.dot").read_text()


def test_without_an_output_it_is_svg(run) -> None:
    result = run("draw fcn8s.caffemodel --input-shape 1,3,60,80")
    assert result.exit_code == 0
    assert "1 x 4 x 60 x 80" in result.stdout
    ElementTree.fromstring(result.stdout)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("none.caffemodel -o x.svg", "none.caffemodel: cannot be read: No such file or directory"),
        (
            "deploy.prototxt -o net.gif",
            "net.gif: has no suffix of a known picture format; known are .svg, .html, .dot, .png",
        ),
        ("deploy.prototxt -o there.svg", "there.svg: exists; replace it with --force"),
        ("deploy.prototxt -o none/x.svg", "none/x.svg: cannot be written: there is no folder 'none'"),
    ],
)
def test_a_users_mistake_is_one_line(run, line: str, message: str) -> None:
    Path("there.svg").write_text("mine")
    result = run(f"draw {line}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert Path("there.svg").read_text() == "mine"


def test_the_net_that_is_trained(run) -> None:
    Path("train.prototxt").write_text(fcnkit.generate("voc-fcn8s", "train"))
    assert ">SoftmaxWithLoss<" in run("draw train.prototxt --phase train").stdout
    assert ">SoftmaxWithLoss<" not in run("draw train.prototxt").stdout


def test_pixels_need_a_library(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcnkit.inspect.drawing.find_spec", lambda name: None)
    result = run("draw deploy.prototxt -o net.png")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: net.png: a .png file needs resvg_py: pip install 'fcnkit[png]'\n",
    )
    assert not Path("net.png").exists()
