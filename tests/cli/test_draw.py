"""fcnkit draw, as its users run it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest


def test_the_helps_examples_run(run, run_examples) -> None:
    assert [result.output for result in run_examples("draw")] == ["", "", ""]
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
        ("deploy.prototxt -o net.png", "net.png: has no suffix of a known picture format; known are .svg, .html, .dot"),
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
