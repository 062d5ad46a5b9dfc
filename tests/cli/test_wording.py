"""Errors name parameters to a caller of the library, and options to a user of the command line."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner, Result

import fcnkit
from fcnkit.cli import main
from fcnkit.cli.wording import in_options
from fcnkit.segment import Segmenter
from fcnkit.segment.images import read
from fcnkit.segment.scoring import partners
from fcnkit.surgery.start import start
from tests.paths import ROOT

CLASSIFIER = """input: "data" input_dim: 1 input_dim: 3 input_dim: 0 input_dim: 0
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 } }"""
TWO = """input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layer { name: "a" type: "Convolution" bottom: "data" top: "a" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "b" type: "Convolution" bottom: "data" top: "b" convolution_param { num_output: 2 kernel_size: 1 } }"""


def texts() -> Iterator[tuple[Path, int, str]]:
    """Every string of the library outside of the command line, its docstrings too: file, line, text."""
    for path in sorted((ROOT / "fcnkit").rglob("*.py")):
        if path.parent.name != "cli":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield path, node.lineno, node.value


def options() -> set[str]:
    """All options of all commands, with their dashes."""
    context = click.Context(main)
    commands = [main.get_command(context, name) for name in main.list_commands(context)]
    params = [param for command in commands if command for param in command.params if isinstance(param, click.Option)]
    return {opt for param in params for opt in param.opts}


def test_the_library_has_no_options_in_its_words() -> None:
    known = options()
    assert {"--input-shape", "--kernel", "-o"} <= known
    # A lone `-o` may be a minus before a letter; options of one dash count where they are a word of their own.
    word = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
    found = [(str(path), line, text) for path, line, text in texts() if known & set(word.findall(text))]
    assert found == []


@pytest.fixture
def folder(run: Callable[[str], Result], tmp_path: Path, sample: Path, examples: Path) -> Path:
    """A folder with a file for every mistake."""
    torch.save(fcnkit.load(sample).state_dict(), "weights.pth")
    Path("classifier.prototxt").write_text(CLASSIFIER)
    Path("two.prototxt").write_text(TWO)
    fcnkit.save(fcnkit.convert(None, "two.prototxt"), "two.caffemodel")
    torch.save({"a.weight": torch.zeros(2, 3, 1, 1), "a.bias": torch.zeros(2)}, "other.pth")
    torch.save({"conv1_1.weight": torch.zeros(7, 3, 3, 3)}, "wrong.pth")
    wide = {"0.weight": torch.zeros(4, 6, 1, 1), "fc.weight": torch.zeros(2, 60)}
    torch.save(wide, "wide.pth")
    fcnkit.save(fcnkit.load(sample), "net.safetensors")
    Path("image.png").symlink_to(examples / "image0.png")
    Path("other").mkdir()
    Path("other", "image1.png").symlink_to(examples / "image1.png")
    Path("alone").mkdir()
    Path("alone", "image0.png").symlink_to(examples / "image0.png")
    return tmp_path


# The parameter, a call of the library, the command line, and the option that its error names.
MISTAKES: list[tuple[str, Callable[[], object], str, str]] = [
    ("prototxt", lambda: fcnkit.load("weights.pth"), "convert weights.pth", "--prototxt"),
    ("prototxt", lambda: fcnkit.convert("deploy.prototxt"), "convert deploy.prototxt", "--prototxt"),
    (
        "input_shape",
        lambda: fcnkit.convert(None, "classifier.prototxt"),
        "convert --prototxt classifier.prototxt",
        "--input-shape [NAME=]N,C,H,W",
    ),
    (
        "force",
        lambda: fcnkit.save(fcnkit.load("net.safetensors"), "net.safetensors", force=False),
        "convert net.safetensors",
        "--force",
    ),
    (
        "kernel",
        lambda: fcnkit.fc2conv("wide.pth", "out.pth"),
        "fc2conv wide.pth -o out.pth",
        "--kernel [LAYER=]H,W",
    ),
    (
        "layers",
        lambda: fcnkit.fc2conv("other.pth", "out.pth", back=True),
        "fc2conv other.pth --back -o out.pth",
        "--layer LAYER",
    ),
    (
        "names",
        lambda: fcnkit.fc2conv("net.safetensors", "out.safetensors", names="caffe"),
        "fc2conv net.safetensors --names caffe -o out.safetensors",
        "--names",
    ),
    (
        "output",
        lambda: Segmenter(fcnkit.convert(None, "two.prototxt")),
        "predict two.caffemodel image.png",
        "--blob NAME",
    ),
    (
        "max_pixels",
        lambda: read("image.png", 10),
        "predict net.safetensors image.png --max-pixels 10",
        "--max-pixels N",
    ),
    (
        "only",
        lambda: partners({"a": Path("a")}, {"b": Path("b")}),
        "score other alone",
        "--list FILE",
    ),
    (
        "new",
        lambda: start("deploy.prototxt", "wrong.pth"),
        "init deploy.prototxt --from wrong.pth",
        "--new LAYER",
    ),
]


@pytest.mark.parametrize(("parameter", "call", "line", "option"), MISTAKES)
def test_one_mistake_through_both_doors(
    folder: Path, parameter: str, call: Callable[[], object], line: str, option: str
) -> None:
    with pytest.raises(fcnkit.FcnkitError) as error:
        call()
    assert f"`{parameter}`" in str(error.value)
    assert "--" not in str(error.value)
    result = CliRunner().invoke(main, shlex.split(line))
    assert result.exit_code == 1
    assert option in result.stderr
    assert "`" not in result.stderr


def test_backticks_of_other_words_stay() -> None:
    command = main.get_command(click.Context(main), "convert")
    message = "`weights` with `weights`, `prototxt`, `stride`, with `force`"
    assert in_options(message, command) == "WEIGHTS with WEIGHTS, --prototxt, `stride`, with --force"
    assert in_options(message, None) == message


def test_the_remarks_of_init_name_options(folder: Path) -> None:
    torch.save({"score_fr.weight": torch.zeros(7, 96, 1, 1), "score_fr.bias": torch.zeros(7)}, "seven.pth")
    result = CliRunner().invoke(main, ["init", "deploy.prototxt", "--from", "seven.pth"])
    assert result.exit_code == 0, result.output
    assert "--expand-score keeps those that both nets have" in result.stdout
