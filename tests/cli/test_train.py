"""fcnkit train and fcnkit plot-log, as their users run them; Caffe's runs are in tests/train."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from fcnkit.cli import main
from tests.train.test_goldens import assert_weights
from tests.train.test_logs import CAFFES

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
