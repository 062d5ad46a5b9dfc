"""fcnkit train and fcnkit plot-log, as their users run them; Caffe's runs are in tests/train."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fcnkit.cli import main
from fcnkit.cli.train_progress import Progress
from fcnkit.segment.metrics import MEANS
from fcnkit.train.board import Board
from tests.train.test_goldens import assert_weights
from tests.train.test_logs import CAFFES, scores

FACTORY = """
import numpy as np

def factory(layer, phase):
    random = np.random.default_rng(phase == "train")
    return [(random.normal(size=(3, 8, 8)), index % 5) for index in range(12)]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> Path:
    """The working folder, with a solver, its net and data, and what Caffe made of it halfway."""
    for path in (data / "training" / "sgd_fixed").iterdir():
        if not path.name.endswith("12.caffemodel"):
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_helps_examples_run(folder: Path, run_examples: Callable[[str], list[Result]]) -> None:
    Path("vgg16.caffemodel").symlink_to("init.caffemodel")
    Path("extra.caffemodel").symlink_to("init.caffemodel")
    Path("mydata.py").write_text(FACTORY)
    assert len(run_examples("train")) == 5
    assert [json.loads(line)["iteration"] for line in Path("train.jsonl").read_text().splitlines()][-1] == 12


def test_the_examples_of_plot_log_run(folder: Path, run_examples: Callable[[str], list[Result]]) -> None:
    Path("caffe.INFO").write_text(CAFFES)
    trace = json.loads(Path("trace.json").read_text())
    rows = [*trace["iterations"], *({**record, "test": 0} for record in trace["tests"])]
    Path("train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_examples("plot-log")
    with Image.open("train.png") as picture:
        assert picture.width > 500
    assert Path("both.svg").read_text().startswith("<?xml")
    for line, status in (("plot-log train.jsonl -o train.png", 1), ("plot-log train.jsonl", 2)):
        assert CliRunner().invoke(main, shlex.split(line)).exit_code == status


def test_tensorboard(folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    line = "train solver.prototxt --weights init.caffemodel --tensorboard board"
    result = CliRunner().invoke(main, shlex.split(line))
    assert (result.exit_code, result.output) == (0, "")
    events = EventAccumulator("board")
    events.Reload()
    trace = json.loads(Path("trace.json").read_text())
    losses = [event.value for event in events.Scalars("train/loss")]
    assert losses == pytest.approx([record["loss"] for record in trace["iterations"]], rel=1e-4)
    accuracies = {event.step: event.value for event in events.Scalars("test0/accuracy")}
    assert accuracies == pytest.approx(
        {record["iteration"]: record["outputs"]["accuracy"] for record in trace["tests"]}
    )


def scoring() -> dict[str, Any]:
    return {"iteration": 10, "score": {**scores().as_dict(), "loss": 0.5}}


def test_scores_on_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    progress = Progress()
    progress.started(0, 20)
    progress.scored(scoring())
    progress.scored({"iteration": 20, "score": {**dict.fromkeys(MEANS, float("nan")), "loss": None}})
    progress.close()
    text = capsys.readouterr().err
    assert (
        "Iteration 10, pixel accuracy = 72.73%, mean accuracy = 70.83%, mean IU = 53.33%, f.w. IU = 59.39%, loss = 0.5"
    ) in text
    assert "Iteration 20, pixel accuracy = -, mean accuracy = -, mean IU = -, f.w. IU = -, loss = -" in text


def test_scores_on_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = Board(tmp_path)
    board.started(0, 20)
    board.scored(scoring())
    board.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    found = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert found == {
        f"validation/{name}": [(10, pytest.approx(value))]
        for name, value in {
            "loss": 0.5,
            "pixel_accuracy": 8 / 11,
            "mean_accuracy": (6 / 8 + 2 / 3) / 2,
            "mean_iu": (6 / 9 + 2 / 5) / 2,
            "fw_iu": (8 * 6 / 9 + 3 * 2 / 5) / 11,
            "iu/0": 6 / 9,
            "iu/1": 2 / 5,
        }.items()
    }


def test_scores_in_the_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    Path("train.jsonl").write_text(json.dumps(scoring()) + "\n")
    result = CliRunner().invoke(main, shlex.split("plot-log train.jsonl -o train.svg"))
    assert (result.exit_code, result.output) == (0, "")
    picture = Path("train.svg").read_text()
    for words in ("validation loss", "pixel accuracy", "mean accuracy", "mean IU", "f.w. IU"):
        assert f">{words}</text>" in picture


def scoring_of_heads() -> dict[str, Any]:
    """The scores of two heads with the mean IU 0.25 and 0.75, and their means."""
    means = dict.fromkeys(("pixel_accuracy", "mean_accuracy", "fw_iu"), 0.5)
    heads = {head: {**means, "mean_iu": iu, "iu": [iu, iu], "loss": 1.0} for head, iu in (("sem", 0.25), ("geo", 0.75))}
    return {"iteration": 10, "score": {**means, "mean_iu": 0.5, "loss": 2.0, "heads": heads}}


def test_scores_of_several_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    board = Board(tmp_path / "board")
    board.started(0, 20)
    board.scored(scoring_of_heads())
    board.close()
    events = EventAccumulator("board")
    events.Reload()
    found = {tag: events.Scalars(tag)[0].value for tag in events.Tags()["scalars"]}
    assert (found["validation/mean_iu"], found["validation/loss"]) == (0.5, 2)
    assert (found["validation/sem/mean_iu"], found["validation/geo/mean_iu"]) == (0.25, 0.75)
    assert (found["validation/geo/iu/1"], found["validation/geo/loss"]) == (0.75, 1)
    assert "validation/iu/0" not in found
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")
    Path("train.jsonl").write_text(json.dumps(scoring_of_heads()) + "\n")
    assert CliRunner().invoke(main, shlex.split("plot-log train.jsonl -o train.svg")).exit_code == 0
    for words in ("mean IU", "mean IU, sem", "mean IU, geo"):
        assert f">{words}</text>" in Path("train.svg").read_text()


@pytest.mark.parametrize("options", ["--amp bf16", "--channels-last", "--workers 1"])
def test_options_that_change_how_it_is_computed(folder: Path, data: Path, options: str) -> None:
    line = f"train solver.prototxt --weights init.caffemodel --log train.jsonl {options}"
    result = CliRunner().invoke(main, shlex.split(line))
    assert (result.exit_code, result.output) == (0, "")
    trace = json.loads(Path("trace.json").read_text())
    records = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    losses = [record["loss"] for record in records if "test" not in record]
    # bfloat16 has 8 bits.
    close = 5e-2 if "amp" in options else 1e-5
    assert losses[:3] == pytest.approx([record["loss"] for record in trace["iterations"][:3]], rel=close)
    if "amp" not in options:
        assert_weights(Path("snap_iter_12.caffemodel"), data / "training" / "sgd_fixed" / "snap_iter_12.caffemodel")


def test_data_that_is_malformed_is_a_usage_error(folder: Path) -> None:
    result = CliRunner().invoke(main, ["train", "solver.prototxt", "--data", "data=module"])
    assert result.exit_code == 2
    assert "'data=module' is not LAYER=module:factory" in result.stderr
