"""Images to train on, drawn here, and the command in a folder of its own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fcnkit.cli import main
from fcnkit.palette import label_image

CLASSES = ("background", "box", "bar")
# A net of stride 8 with a few channels, as a user's own template.
BACKBONE = """
{% from "layers.prototxt.j2" import conv, relu, pool with context %}
{% set features = "fc6" %}
{% set skips = {16: {"name": "pool4", "blob": "pool4"}, 8: {"name": "pool3", "blob": "pool3"}} %}
{% set odd_kernels = false %}
{% set dense_pad = 0 %}
{% macro backbone(bottom) %}
{% set at = namespace(blob=bottom) %}
{% for number in range(1, 6) %}
{{ conv("conv" ~ number, at.blob, 8, kernel=3, pad=(33 if net.pad is none else net.pad) if number == 1 else 1) }}
{{ relu("relu" ~ number, "conv" ~ number) }}
{{ pool("pool" ~ number, "conv" ~ number, kernel=2, stride=2) }}
{% set at.blob = "pool" ~ number %}
{% endfor %}
{{ conv("fc6", "pool5", 16, kernel=3, pad=0) }}
{{ relu("relu6", "fc6") }}
{% endmacro %}
"""
# The options that all runs share.
OPTIONS = (
    "--images images --labels labels --classes classes.txt --backbone tiny --templates own "
    "--recipe accum --set type=Adam --set base_lr=0.002 --set iter_size=1 --set display=1"
)


def draw(folder: Path, count: int, seed: int = 0) -> None:
    """Images of a box (class 1) and a bar (class 2) on noise, of different sizes, with their label maps."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        random = np.random.default_rng([seed, index])
        height, width = (int(side) for side in random.integers(30, 44, 2))
        pixels = random.integers(0, 60, (height, width, 3)).astype(np.uint8)
        labels = np.zeros((height, width), np.uint8)
        top, left = (int(random.integers(0, side - 14)) for side in (height, width))
        pixels[top : top + 14, left : left + 14] = (230, 60, 40)
        labels[top : top + 14, left : left + 14] = 1
        row = int(random.integers(0, height - 5))
        pixels[row : row + 5] = (40, 80, 240)
        labels[row : row + 5] = 2
        labels[0, 0] = 255
        Image.fromarray(pixels).save(folder / "images" / f"{index:02}.png")
        label_image(labels).save(folder / "labels" / f"{index:02}.png")


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: ten images, their labels, the classes and a template."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path, 10)
    Path("classes.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    Path("own").mkdir()
    Path("own", "backbone_tiny.prototxt.j2").write_text(BACKBONE)
    return tmp_path


@pytest.fixture
def fcn() -> Callable[[str], Result]:
    """Runs `fcnkit train fcn` with the options that all runs share."""
    return lambda line: CliRunner().invoke(main, ["train", "fcn", *shlex.split(f"{OPTIONS} {line}")])


@pytest.fixture
def run() -> Callable[[str], Result]:
    """Runs any command of fcnkit."""
    return lambda line: CliRunner().invoke(main, shlex.split(line))


def records(path: str | Path) -> list[dict[str, Any]]:
    """The records of a log."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]
