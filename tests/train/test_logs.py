"""Logs of training, Caffe's own as well."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fcnkit.errors import FcnkitError
from fcnkit.segment.metrics import Scores
from fcnkit.train.logs import LogFile, read

# As glog writes what BVLC/caffe src/caffe/solver.cpp and sgd_solver.cpp log, of 1.0 and of before.
CAFFES = """\
Log file created at: 2015/05/01 12:00:00
I0501 12:00:00.000001  4242 solver.cpp:330] Iteration 0, Testing net (#0)
I0501 12:00:00.000002  4242 solver.cpp:397]     Test net output #0: accuracy = 0.25
I0501 12:00:00.000003  4242 solver.cpp:397]     Test net output #1: loss = 1.5 (* 1 = 1.5 loss)
I0501 12:00:00.000004  4242 solver.cpp:218] Iteration 0 (-1.4e-45 iter/s, 0.5s/20 iters), loss = 1.75
I0501 12:00:00.000005  4242 solver.cpp:237]     Train net output #0: loss = 1.75 (* 1 = 1.75 loss)
I0501 12:00:00.000006  4242 sgd_solver.cpp:105] Iteration 0, lr = 0.01
I0501 12:00:00.000007  4242 solver.cpp:209] Iteration 20, loss = 0.5
I0501 12:00:00.000008  4242 solver.cpp:224]     Train net output #0: iu = 0.5
I0501 12:00:00.000008  4242 solver.cpp:224]     Train net output #1: iu = nan
I0501 12:00:00.000008  4242 solver.cpp:224]     Train net output #2: iu = 1e-05
I0501 12:00:00.000009  4242 sgd_solver.cpp:106] Iteration 20, lr = 1e-05
I0501 12:00:00.000010  4242 solver.cpp:454] Snapshotting to binary proto file train_iter_20.caffemodel
I0501 12:00:00.000011  4242 solver.cpp:330] Iteration 20, Testing net (#1)
I0501 12:00:00.000012  4242 solver.cpp:397]     Test net output #0: accuracy = 0.75
"""


def test_caffes_log(tmp_path: Path) -> None:
    path = tmp_path / "caffe.INFO"
    path.write_text(CAFFES)
    log = read(path)
    assert log.tests == [
        {"iteration": 0, "test": 0, "outputs": {"accuracy": 0.25, "loss": 1.5}},
        {"iteration": 20, "test": 1, "outputs": {"accuracy": 0.75}},
    ]
    first, second = log.displays
    assert first == {"iteration": 0, "loss": 1.75, "lr": 0.01, "outputs": {"loss": 1.75}}
    assert (second["iteration"], second["loss"], second["lr"]) == (20, 0.5, 1e-5)
    assert second["outputs"]["iu"] == pytest.approx([0.5, float("nan"), 1e-5], nan_ok=True)


def test_of_an_iteration_that_was_run_twice_the_last_counts(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    rows = [{"iteration": i, "loss": loss, "lr": 1, "outputs": {}} for i, loss in ((0, 5), (1, 4), (1, 3), (2, 2))]
    path.write_text("\n".join(map(json.dumps, rows)) + '\n{"iteration": 3, "lo')
    assert [record["loss"] for record in read(path).displays] == [5, 3, 2]


def scores() -> Scores:
    """Of three classes, the last neither in the truth nor predicted: the IU of the others is 6/9 and 2/5."""
    return Scores(np.array([[6, 2, 0], [1, 2, 0], [0, 0, 0]]))


def test_scores(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    log = LogFile(path)
    log.started(0, 10)
    log.displayed({"iteration": 10, "loss": 0.25, "lr": 1.0, "outputs": {}})
    log.scored({"iteration": 10, "score": {**scores().as_dict(), "loss": float("nan")}})
    log.scored({"iteration": 10, "score": {**scores().as_dict(), "loss": 0.5}})
    log.close()
    found = read(path)
    assert [record["iteration"] for record in found.displays] == [10]
    assert found.tests == []
    assert found.scores == [
        {
            "iteration": 10,
            "score": {
                "pixel_accuracy": pytest.approx(8 / 11),
                "mean_accuracy": pytest.approx((6 / 8 + 2 / 3) / 2),
                "mean_iu": pytest.approx((6 / 9 + 2 / 5) / 2),
                "fw_iu": pytest.approx((8 * 6 / 9 + 3 * 2 / 5) / 11),
                "iu": [pytest.approx(6 / 9), pytest.approx(2 / 5), None],
                "hist": [[6, 2, 0], [1, 2, 0], [0, 0, 0]],
                "loss": 0.5,
            },
        }
    ]
    assert '"loss": null' in path.read_text()


def test_a_log_may_consist_of_scores_alone(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"iteration": 0, "score": {"mean_iu": 0.5}}\n{"iteration": 1, "score": null}\n')
    assert read(path).scores == [{"iteration": 0, "score": {"mean_iu": 0.5}}]


@pytest.mark.parametrize("text", ["", "nothing of the kind\n", "{}\n"])
def test_files_that_are_no_log(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(FcnkitError) as raised:
        read(path)
    problem = "has no record of training: it is neither a log of fcnkit train nor one of Caffe"
    assert str(raised.value) == f"{path}: {problem}"
    with pytest.raises(FcnkitError, match=r"cannot be read: No such file"):
        read(tmp_path / "none")
