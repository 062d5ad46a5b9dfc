"""Two processes with half the batch each are one with the whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fcnkit.caffe import caffemodel
from tests.train.test_goldens import assert_trace, assert_weights


def run_two(line: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += [
        "--rdzv-backend",
        "c10d",
        "--rdzv-endpoint",
        "localhost:0",
        "-m",
        "--",
        "fcnkit",
        "train",
        *line.split(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def halve_batches() -> None:
    """In training; a test is run by the first process alone."""
    text = Path("net.prototxt").read_text()
    whole = 'phase: TRAIN } hdf5_data_param { source: "train.txt" batch_size: 4 }'
    assert whole in text
    Path("net.prototxt").write_text(text.replace(whole, whole.replace("4", "2")))


@pytest.mark.parametrize("name", ["sgd_exp_iter_size", "sgd_step_clip"])
def test_two_processes_are_one(name: str, case: Callable[[str], Path]) -> None:
    golden = case(name)
    halve_batches()
    result = run_two("solver.prototxt --weights init.caffemodel --log train.jsonl")
    assert result.returncode == 0, result.stderr
    assert "Warning: `" not in result.stderr
    records = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    assert_trace(records, json.loads((golden / "trace.json").read_text()), 0)
    for number in (6, 12):
        assert_weights(Path(f"snap_iter_{number}.caffemodel"), golden / f"snap_iter_{number}.caffemodel")
    # Both go on exactly, random state and all.
    Path("snap_iter_12.caffemodel").rename("whole.caffemodel")
    result = run_two("solver.prototxt --snapshot snap_iter_6.solverstate")
    assert result.returncode == 0, result.stderr
    blobs = caffemodel.read("whole.caffemodel").blobs
    for layer, arrays in caffemodel.read("snap_iter_12.caffemodel").blobs.items():
        for array, twin in zip(arrays, blobs[layer], strict=True):
            np.testing.assert_array_equal(array, twin)


def test_a_signal_to_one_process_stops_all(case: Callable[[str], Path]) -> None:
    case("sgd_fixed")
    text = Path("solver.prototxt").read_text()
    Path("solver.prototxt").write_text(text.replace("max_iter: 12", "max_iter: 1000000").replace("snapshot: 6", ""))
    environment = {**os.environ, "MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "fcnkit", "train", "solver.prototxt", "--log", "train.jsonl"]
    ranks = [subprocess.Popen(command, env={**environment, "RANK": str(rank)}) for rank in range(2)]
    try:
        end = time.monotonic() + 120
        while not Path("train.jsonl").exists() or Path("train.jsonl").read_text().count("\n") < 30:
            assert time.monotonic() < end
            assert [process.poll() for process in ranks] == [None, None]
            time.sleep(0.05)
        ranks[1].send_signal(signal.SIGHUP)
        while not list(Path().glob("*.solverstate")):
            assert time.monotonic() < end
            time.sleep(0.05)
        ranks[1].send_signal(signal.SIGTERM)
        assert [process.wait(60) for process in ranks] == [143, 143]
    finally:
        for process in ranks:
            process.kill()
            process.wait()
    assert len(list(Path().glob("*.solverstate"))) == 2


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])
