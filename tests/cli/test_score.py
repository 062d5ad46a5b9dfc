"""fcnkit score, as its users run it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import fcnkit
from fcnkit.cli import main
from fcnkit.palette import colours_from_labels

Run = Callable[[str], Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Path, data: Path, examples: Path) -> Run:
    """Runs a command line in a folder that holds Caffe's predictions, the truth and the images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fcn8s.caffemodel").symlink_to(sample)
    (tmp_path / "names.txt").write_text("background\ncircle\nsquare\ntriangle\n")
    for folder, source in (
        ("predictions", data / "shapes/caffe"), ("labels", data / "shapes/label"), ("photos", examples / "image"),
    ):  # fmt: skip
        (tmp_path / folder).mkdir()
        for index in range(6):
            shutil.copy(f"{source}{index}.png", tmp_path / folder / f"{index}.png")
    return lambda line: CliRunner().invoke(main, shlex.split(line))


@pytest.fixture
def expected(data: Path) -> dict:
    return json.loads((data / "shapes" / "scores.json").read_text())


def equal(result: Result | subprocess.CompletedProcess, expected: dict) -> bool:
    found = json.loads(result.stdout)
    scores = ["pixel_accuracy", "mean_accuracy", "mean_iu", "fw_iu", "iu"]
    assert list(found) == ["classes", *scores, "hist", "ignored"]
    close = all(found[key] == pytest.approx(expected[key], abs=1e-6) for key in scores)
    return close and found["hist"] == expected["hist"]


def test_the_helps_examples_run(run: Run, run_examples: Callable[[str], list[Result]]) -> None:
    fcnkit.save(fcnkit.convert("fcn8s.caffemodel"), "fcn8s.safetensors")
    Path("seg11valid.txt").write_text("0\n3\n")
    results = run_examples("score")
    assert len(results) == 4
    assert len(json.loads(results[1].stdout)["iu"]) == 21
    with Image.open("scores.png") as picture:
        assert picture.width > 300


@pytest.mark.parametrize("classes", ["", "--classes 4", "--classes names.txt"])
def test_caffes_predictions_have_caffes_scores(run: Run, expected: dict, classes: str) -> None:
    result = run(f"score predictions labels --json {classes}")
    assert (result.exit_code, result.stderr) == (0, "")
    assert equal(result, expected)


@pytest.mark.parametrize("options", ["", "--batch 3 --tile 90", "--classes names.txt --workers 1"])
def test_a_model_is_scored_in_one_pass(run: Run, expected: dict, options: str) -> None:
    result = run(f"score fcn8s.caffemodel --images photos --labels labels --json {options}")
    assert result.exit_code == 0
    # The cost of tiles is reported once for each size of image.
    sizes = [line.split(" pixels in ")[0] for line in result.stderr.splitlines()]
    assert len(sizes) == len(set(sizes))
    assert bool(sizes) == ("--tile" in options)
    assert equal(result, expected)


def test_images_without_labels_are_named(run: Run, expected: dict) -> None:
    shutil.copy("photos/0.png", "photos/unlabelled.png")
    result = run("score fcn8s.caffemodel --images photos --labels labels --json")
    assert result.exit_code == 0
    assert result.stderr == "1 image has no label map and is not scored: 'photos/unlabelled.png'\n"
    assert equal(result, expected)
    for index in range(6):
        shutil.copy("photos/0.png", f"photos/u{index}.png")
    result = run("score fcn8s.caffemodel --images photos --labels labels --json")
    assert result.stderr.startswith("7 images have no label map and are not scored: 'photos/u0.png', ")
    assert result.stderr.endswith("'photos/u4.png', ...\n")


def test_json_has_the_names_and_the_ignored_pixels(run: Run) -> None:
    found = json.loads(run("score predictions labels --json --classes names.txt").stdout)
    assert found["classes"] == ["background", "circle", "square", "triangle"]
    ignored = sum(int((np.array(Image.open(f"labels/{index}.png")) == 255).sum()) for index in range(6))
    assert found["ignored"] == ignored > 0
    total = sum(np.array(Image.open(f"labels/{index}.png")).size for index in range(6))
    assert np.sum(found["hist"]) + ignored == total
    found = json.loads(run("score predictions labels --json").stdout)
    assert found["classes"] == ["class 0", "class 1", "class 2", "class 3"]


def test_the_tables(run: Run) -> None:
    result = run("score predictions labels --classes names.txt")
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "pixel accuracy  94.57",
        "mean accuracy   85.99",
        "mean IU         75.39",
        "f.w. IU         90.16",
    ]
    assert [line.split("│")[1:-1] for line in lines if "│ circle" in line] == [
        [" circle     ", "       6,042 ", "     4,155 ", "    65.28 ", " 63.07 "],
        [" circle           ", "      28.17 ", "  65.28 ", "   6.31 ", "     0.25 "],
    ]


def test_many_classes_list_their_largest_confusions(run: Run) -> None:
    lines = run("score predictions labels --classes 33").stdout.splitlines()
    assert "│ awning │ balcony  │    0.26 │" not in lines[-12]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines[lines.index("Confusion: percent of the "
            "true class's pixels"):] if line.startswith("│")]  # fmt: skip
    assert rows[0] == ["balcony", "awning", "28.17"]
    assert len(rows) == 10


def test_a_plot_replaces_none_without_force(run: Run) -> None:
    assert run("score predictions labels --plot a.svg").exit_code == 0
    before = Path("a.svg").read_bytes()
    assert b"<svg" in before
    result = run("score predictions labels --plot a.svg")
    assert result.stderr == "Error: a.svg: exists; replace it with --force or choose another output\n"
    result = run("score predictions labels --plot a.xyz")
    assert result.stderr.startswith("Error: a.xyz: has no suffix of a known picture format; known are ")
    assert run("score predictions labels --plot a.svg --force").exit_code == 0


def test_colour_masks_and_how_many_colours_are_unknown(run: Run, expected: dict) -> None:
    for index in range(6):
        path = Path(f"labels/{index}.png")
        colours = colours_from_labels(np.array(Image.open(path)))
        if index == 2:
            colours[(colours == 224).any(2)] = 77
        if index == 3:
            colours[(colours == 224).any(2)] = 255
        Image.fromarray(colours).save(path)
    result = run("score predictions labels --json")
    assert equal(result, expected)
    count = int((np.array(Image.open("labels/2.png")) == 77).all(2).sum())
    assert count
    assert (np.array(Image.open("labels/3.png")) == 255).all(2).any()
    assert result.stderr == f"{count} pixels have colours that are not in the palette and were ignored\n"


def test_lists_of_files_and_of_names(run: Run, expected: dict) -> None:
    Path("p.txt").write_text("".join(f"predictions/{index}.png\n" for index in range(6)))
    assert equal(run("score p.txt 'labels/*.png' --json"), expected)
    Path("labels/0.png").unlink()
    Path("some.txt").write_text("1\n2\n")
    assert run("score predictions labels --list some.txt").exit_code == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("predictions empty", "empty: contains no image"),
        ("predictions none", "none: there is no such image or folder"),
        ("predictions short", "unmatched files: 'predictions/1.png' has no label map, 'predictions/2.png' has no "),
        ("short labels", "unmatched files: 'labels/1.png' has no prediction or image, "),
        (
            "predictions labels --classes 3",
            "labels/0.png: has label 3; 493 of its pixels are out of range: ",
        ),
        ("fcn8s.caffemodel --images photos --labels labels --classes 3", "3: names 3 classes; the net has 4"),
        ("predictions labels --classes x", "x: is neither a number of classes, nor one of voc, "),
        ("predictions labels --ignore 254", "labels/0.png: has label 255"),
        ("predictions labels --list none.txt", "none.txt: cannot be read: No such file or directory"),
        ("none.pth --images photos --labels labels", "none.pth: cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_named(run: Run, line: str, message: str) -> None:
    Path("empty").mkdir()
    Path("short").mkdir()
    shutil.copy("labels/0.png", "short")
    result = run(f"score {line}" + (" --classes 4" if "--ignore" in line else ""))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("line", ["predictions", "a b --images c --labels d", "a --images c", "a b --labels d"])
def test_usage(run: Run, line: str) -> None:
    result = run(f"score {line}")
    assert result.exit_code == 2
    assert "give PREDICTIONS and LABELS, or MODEL with --images and --labels" in result.stderr


def test_two_processes_add_up(run: Run, expected: dict) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "fcnkit"]
    line = "score fcn8s.caffemodel --images photos --labels labels --json"
    result = subprocess.run([*torchrun, *line.split()], env=environment, capture_output=True, text=True, check=True)
    assert equal(result, expected)
    Image.new("L", (5, 5)).save("labels/3.png")
    result = subprocess.run([*torchrun, *line.split()], env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    assert "Error: labels/3.png: is 5 x 5 pixels, and 'photos/3.png' is " in result.stderr
    assert "gloo" not in result.stderr
