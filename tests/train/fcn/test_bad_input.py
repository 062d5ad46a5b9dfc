"""Mistakes in images, labels and options: one line that names the file, and no folder left behind."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from fcnkit.palette import label_image

Run = Callable[[str], Result]


def failed(result: Result, problem: str) -> None:
    assert result.exit_code == 1, result.output
    *_, line = result.output.splitlines()
    assert line.startswith("Error: "), result.output
    assert problem in line
    assert "Traceback" not in result.output


def test_a_label_out_of_range(drawn: Path, fcn: Run) -> None:
    label_image(np.full((32, 32), 7, np.uint8)).save("labels/05.png")
    failed(fcn("-o run"), "labels/05.png: has label 7")
    assert not Path("run").exists()


def test_an_image_and_labels_of_different_sizes(drawn: Path, fcn: Run) -> None:
    for path in Path("labels").iterdir():
        label_image(np.zeros((9, 8), np.uint8)).save(path)
    failed(fcn("--set max_iter=1 -o run"), "9 x 8")


def test_a_missing_partner(drawn: Path, fcn: Run) -> None:
    Path("labels/03.png").unlink()
    failed(fcn("-o run"), "images/03.png")
    assert not Path("run").exists()


def test_a_damaged_image(drawn: Path, fcn: Run) -> None:
    for path in Path("images").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    failed(fcn("--set max_iter=1 -o run"), ".png: ")


def test_labels_that_are_all_ignored(drawn: Path, fcn: Run) -> None:
    for path in Path("labels").iterdir():
        label_image(np.full((32, 32), 255, np.uint8)).save(path)
    failed(fcn("-o run"), "no label map has a pixel that is not ignored")


def test_too_few_images(drawn: Path, fcn: Run) -> None:
    for folder in ("images", "labels"):
        for path in sorted(Path(folder).iterdir())[1:]:
            path.unlink()
    failed(fcn("-o run"), "1 image cannot be split into training and validation")


def test_no_space_left(drawn: Path, fcn: Run) -> None:
    """A limit on the size of files stands for the disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, hard))
    try:
        failed(fcn("--set max_iter=1 -o run"), "cannot be written: ")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(Path(".").rglob("*.partial"))


def test_a_folder_that_is_not_a_runs(drawn: Path, fcn: Run, run: Run) -> None:
    failed(fcn("-o images"), "images: is not an empty folder; choose another")
    failed(fcn("--force -o images"), "images: is not an empty folder; choose another")
    failed(run("train fcn --resume -o images"), "images: is not the folder of a run: it has no run.json")
    assert len(list(Path("images").iterdir())) == 10


def test_a_run_is_replaced_only_with_force(drawn: Path, fcn: Run) -> None:
    assert fcn("--set max_iter=1 --stride 16 --stages -o run").exit_code == 0
    Path("run/notes.txt").write_text("mine")
    failed(fcn("--set max_iter=1 -o run"), "run: is not an empty folder; replace the run in it with --force")
    assert fcn("--set max_iter=1 --force -o run").exit_code == 0
    assert Path("run/notes.txt").read_text() == "mine"
    assert not Path("run/16s").exists()
    Path("run/run.json").write_text("{")
    failed(fcn("--force -o run"), "run/run.json: cannot be read as the plan of a run: it is damaged")


def test_weights_that_do_not_fit_leave_no_folder(drawn: Path, fcn: Run) -> None:
    Path("bad.pth").write_bytes(b"nothing")
    failed(fcn("--from bad.pth -o run"), "bad.pth: ")
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--set sauce=1", "'sauce' is not a field of a solver, such as base_lr or max_iter"),
        ("--set base_lr=fast", "'fast' is not a value of the solver's field 'base_lr'"),
        ("--set 16s.base_lr=1", "16s.base_lr: there is no stage '16s'; the run has one stage without a name"),
        ("--stride 16 --stages --set 8s.base_lr=1", "there is no stage '8s'; the stages are 32s, 16s"),
        ("--fillers none", "are all zero"),
        ("--augment blur", "'blur'"),
        ("--class-weights heavy", "heavy: "),
    ],
)
def test_wrong_settings(drawn: Path, fcn: Run, line: str, problem: str) -> None:
    failed(fcn(f"--set max_iter=1 -o run {line}"), problem)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("fcn --images images", "give --images and --labels, or --voc"),
        ("fcn --images images --labels labels", "give --classes, the number of classes or a file with their names"),
        ("fcn --voc a --images b --labels c", "give --images and --labels, or --voc"),
        ("fcn --images a --labels b --classes 2 --sbd c", "--sbd has no effect without --voc; leave it out"),
        ("fcn --images a --labels b --val-images c --classes 2", "give --val-images and --val-labels together"),
        ("fcn --voc a --val-share 0.5", "--val-share has no effect with images to score on; leave it out"),
        ("fcn --voc a --val-images b --val-labels c", "--val-images has no effect with --voc; leave it out"),
        ("fcn --voc a --stages --at-once --stride 8", "--at-once trains all strides together; leave out --stages"),
        ("fcn --resume --seed 3", "--seed has no effect with --resume; leave it out"),
    ],
)
def test_options_that_contradict_each_other(run: Run, line: str, problem: str) -> None:
    result = run(f"train {line}")
    assert (result.exit_code, result.output.splitlines()[-1]) == (2, f"Error: {problem}")


def test_options_of_a_wrong_form(run: Run) -> None:
    for line, problem in {
        "--set base_lr": "'base_lr' is not of the form FIELD=VALUE",
        "--patches 10": "'10' is not of the form HEIGHTxWIDTH or HEIGHTxWIDTH:rare",
    }.items():
        result = run(f"train fcn {line}")
        assert result.exit_code == 2
        assert problem in result.output


def test_classes_of_another_number(drawn: Path, fcn: Run, run: Run) -> None:
    shutil.rmtree("labels")
    failed(fcn("-o run"), "labels: there is no such image or folder")
