"""Runs that are interrupted, and go on as if they had not been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from fcnkit.caffe import caffemodel, solverstate

# A net that draws numbers: its dropout, the order of its data, and noise that is fed.
NET = """
layer { name: "data" type: "HDF5Data" top: "data" top: "label"
  include { phase: TRAIN } hdf5_data_param { source: "train.txt" batch_size: 5 shuffle: true } }
layer { name: "data" type: "HDF5Data" top: "data" top: "label"
  include { phase: TEST } hdf5_data_param { source: "test.txt" batch_size: 3 } }
layer { name: "noise" type: "DummyData" top: "noise"
  dummy_data_param { shape { dim: 1 dim: 4 } data_filler { type: "gaussian" std: 0.1 } } }
layer { name: "silence" type: "Silence" bottom: "noise" }
layer { name: "drop" type: "Dropout" bottom: "data" top: "dropped" }
layer { name: "ip" type: "InnerProduct" bottom: "dropped" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "own.prototxt" type: "Adam" base_lr: 0.01 lr_policy: "step" gamma: 0.5 stepsize: 7 momentum: 0.9
average_loss: 4 display: 1 test_iter: 2 test_interval: 5 max_iter: {} snapshot: {} snapshot_prefix: "own"
random_seed: 7
"""


@pytest.fixture
def own(case: Callable[[str], Path]) -> Callable[..., None]:
    """Writes own.prototxt and solver.prototxt into a folder with data."""

    def write(max_iter: int, snapshot: int) -> None:
        case("sgd_fixed")
        Path("own.prototxt").write_text(NET)
        Path("solver.prototxt").write_text(SOLVER.format(max_iter, snapshot))

    return write


def records(path: str) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def assert_same(first: str, second: str) -> None:
    one, other = caffemodel.read(first).blobs, caffemodel.read(second).blobs
    assert one.keys() == other.keys()
    for layer, arrays in one.items():
        for array, twin in zip(arrays, other[layer], strict=True):
            np.testing.assert_array_equal(array, twin)


def test_a_run_in_two_parts_is_the_run_in_one(own: Callable[..., None], train: Callable[[str], Result]) -> None:
    own(20, 8)
    assert train("solver.prototxt --log whole.jsonl").exit_code == 0
    for number in (8, 20):
        Path(f"own_iter_{number}.caffemodel").rename(f"whole_{number}.caffemodel")
    Path("own_iter_16.caffemodel").unlink()
    Path("own_iter_8.caffemodel").write_bytes(Path("whole_8.caffemodel").read_bytes())
    # The newest snapshot whose weights are there is that at 8.
    assert train("solver.prototxt --snapshot auto --log part.jsonl").exit_code == 0
    assert_same("own_iter_20.caffemodel", "whole_20.caffemodel")
    whole = [record for record in records("whole.jsonl") if record["iteration"] >= 8]
    assert records("part.jsonl") == whole


def test_with_workers_the_data_is_the_same(own: Callable[..., None], train: Callable[[str], Result]) -> None:
    own(6, 0)
    assert train("solver.prototxt --log one.jsonl").exit_code == 0
    assert train("solver.prototxt --log two.jsonl --workers 2").exit_code == 0
    assert records("one.jsonl") == records("two.jsonl")


def test_without_the_file_beside_it_the_data_starts_anew(
    own: Callable[..., None], train: Callable[[str], Result]
) -> None:
    own(20, 8)
    assert train("solver.prototxt --log whole.jsonl").exit_code == 0
    Path("own_iter_8.solverstate.json").unlink()
    assert train("solver.prototxt --snapshot own_iter_8.solverstate --log part.jsonl").exit_code == 0
    whole = [record for record in records("whole.jsonl") if record["iteration"] >= 8]
    part = records("part.jsonl")
    assert [record.get("lr") for record in part] == [record.get("lr") for record in whole]
    assert part != whole


@contextmanager
def running(line: str) -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "fcnkit", "train", *line.split()]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def lines(path: str) -> int:
    return Path(path).read_text().count("\n") if Path(path).exists() else 0


@pytest.mark.parametrize(
    ("number", "status", "workers"),
    [(signal.SIGINT, 130, 0), (signal.SIGINT, 130, 1), (signal.SIGTERM, 143, 0), (signal.SIGTERM, 143, 1)],
)
def test_a_signal_snapshots_and_stops(own: Callable[..., None], number: int, status: int, workers: int) -> None:
    own(10**6, 0)
    with running(f"solver.prototxt --log train.jsonl --workers {workers}") as process:
        wait_for(lambda: lines("train.jsonl") > 20, process)
        # As a terminal does: to every process of the group.
        os.killpg(process.pid, number)
        assert process.wait(60) == status
        assert process.communicate() == ("", "")
    (state,) = Path().glob("*.solverstate")
    done = solverstate.read(state).iteration
    last = records("train.jsonl")[-1]["iteration"]
    assert last in (done - 1, done)
    assert Path(f"own_iter_{done}.caffemodel").exists()


def test_sighup_snapshots_and_goes_on(own: Callable[..., None]) -> None:
    own(10**6, 0)
    with running("solver.prototxt --log train.jsonl") as process:
        wait_for(lambda: lines("train.jsonl") > 20, process)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: bool(list(Path().glob("*.solverstate"))), process)
        before = lines("train.jsonl")
        wait_for(lambda: lines("train.jsonl") > before + 20, process)


def test_kill_leaves_whole_snapshots(own: Callable[..., None], train: Callable[[str], Result]) -> None:
    own(10**6, 1)
    with running("solver.prototxt") as process:
        wait_for(lambda: len(list(Path().glob("own_iter_*.solverstate"))) > 15, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    states = [solverstate.read(path) for path in Path().glob("own_iter_*.solverstate")]
    newest = max(state.iteration for state in states)
    for state in states:
        assert list(caffemodel.read(state.learned_net).blobs) == ["ip"]
    Path("solver.prototxt").write_text(SOLVER.format(newest + 2, 0))
    assert train("solver.prototxt --snapshot auto --log train.jsonl").exit_code == 0
    assert [record["iteration"] for record in records("train.jsonl") if "test" not in record] == [newest, newest + 1]
