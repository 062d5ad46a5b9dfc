"""From a folder of images to a scored model: whole runs through the command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.segment import Segmenter
from fcnkit.segment.images import read, read_labels
from fcnkit.segment.metrics import Scores, histogram
from fcnkit.train.data.pairing import read_list
from tests.train.fcn.conftest import CLASSES, OPTIONS, draw, records

Run = Callable[[str], Result]


def succeeded(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_a_run_leaves_a_model_that_predicts(drawn: Path, fcn: Run, run: Run) -> None:
    output = succeeded(fcn("--stride 8 --set max_iter=4 --score-every 2 -o run"))
    assert "best.safetensors" in output
    folder = Path("run")
    expected = {"train.prototxt", "val.prototxt", "deploy.prototxt", "solver.prototxt", "snapshot", "log.jsonl"}
    expected |= {"best.safetensors", "best.caffemodel", "report.html", "scores.json", "training.png", "classes.txt"}
    assert expected <= {path.name for path in folder.iterdir()}
    assert len(read_list("run/train.txt")) == 9
    assert len(read_list("run/val.txt")) == 1
    assert Path("run/classes.txt").read_text().split() == list(CLASSES)
    scores = [record for record in records("run/log.jsonl") if "score" in record]
    assert [record["iteration"] for record in scores] == [2, 4]
    best = max(scores, key=lambda record: record["score"]["mean_iu"])
    (summary,) = json.loads(Path("run/scores.json").read_text())
    assert summary == {"stage": "", "last": scores[-1], "best": best}
    succeeded(run("predict run/best.safetensors images/00.png -o predicted"))
    labels = read_labels("predicted/00.png").values
    assert labels.shape == read_labels("labels/00.png").values.shape
    # The scores in the log are those of the model that was kept, and both of its files are that model.
    image, label = read_list("run/val.txt")[0]
    for name in ("best.safetensors", "best.caffemodel"):
        net = fcnkit.load(folder / name)
        assert "assumed" not in net.preprocessing["data"].source
        found = histogram(read_labels(label).values, Segmenter(net)([read(image)])[0].labels, 3)
        assert found.tolist() == best["score"]["hist"]
        assert Scores(found).mean_iu == pytest.approx(best["score"]["mean_iu"])


def test_the_same_run_starts_again_from_its_solver(drawn: Path, fcn: Run, run: Run) -> None:
    succeeded(fcn("--stride 16 --set max_iter=4 --augment mirror,scale:0.8-1.2,color --batch 2 -o run"))
    shutil.copytree("run", "kept")
    succeeded(run("train run/solver.prototxt --log again.jsonl"))
    losses = [[record["loss"] for record in records(log) if "lr" in record] for log in ("run/log.jsonl", "again.jsonl")]
    assert losses[0] == losses[1]
    again, kept = (caffemodel.read(f"{name}/snapshot/train_iter_4.caffemodel").blobs for name in ("run", "kept"))
    assert all(np.array_equal(a, b) for name in kept for a, b in zip(again[name], kept[name], strict=True))


def test_stages_start_from_each_other(drawn: Path, fcn: Run) -> None:
    line = "--stride 8 --stages --set max_iter=3 --set 16s.max_iter=2 --set 8s.base_lr=1e-3 --score-every 3 -o run"
    output = succeeded(fcn(line))
    assert [row.split()[0] for row in output.splitlines()[1:4]] == ["32s", "16s", "8s"]
    solvers = {name: prototxt.read(f"run/{name}/solver.prototxt", "SolverParameter") for name in ("32s", "16s", "8s")}
    assert [solver.max_iter for solver in solvers.values()] == [3, 2, 3]
    assert [solver.base_lr for solver in solvers.values()] == pytest.approx([2e-3, 2e-3, 1e-3])
    assert [list(solver.weights) for solver in solvers.values()] == [
        [],
        ["run/16s/start.caffemodel"],
        ["run/8s/start.caffemodel"],
    ]
    start, before = fcnkit.load("run/16s/start.caffemodel"), fcnkit.load("run/32s/best.caffemodel")
    theirs, own = before.blobs(), start.blobs()
    assert all(
        np.array_equal(a, b)
        for name in ("conv1", "fc6", "score_fr")
        for a, b in zip(theirs[name], own[name], strict=True)
    )
    assert not own["score_pool4"][0].any()
    # Each stage is scored, and the net at its start scores as the stage before it.
    assert [[r["iteration"] for r in records(f"run/{name}/log.jsonl") if "score" in r] for name in solvers] == [
        [3],
        [2],
        [3],
    ]
    best = max(json.loads(Path("run/scores.json").read_text()), key=lambda stage: stage["best"]["score"]["mean_iu"])
    kept = Path(f"run/{best['stage']}/best.safetensors").read_bytes()
    assert Path("run/best.safetensors").read_bytes() == kept


def test_an_interrupted_run_is_resumed_exactly(drawn: Path, fcn: Run) -> None:
    # With another number of threads, sums are rounded in another order.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "fcnkit", "train", "fcn"]
    options = f"{OPTIONS} --stride 16 --stages --set max_iter=60 --set snapshot=20 --score-every 60 -o".split()
    with subprocess.Popen([*command, *options, "run"], env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not list(Path("run/32s/snapshot").glob("*_iter_20.solverstate")):
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert not Path("run/32s/best.safetensors").exists()
    assert fcn("-o run").exit_code == 1
    subprocess.run([*command, "--resume", "-o", "run"], env=environment, check=True)
    assert records("run/16s/log.jsonl")[-1]["iteration"] == 60
    subprocess.run([*command, *options, "whole"], env=environment, check=True)
    resumed, whole = (caffemodel.read(f"{name}/16s/best.caffemodel").blobs for name in ("run", "whole"))
    assert all(np.array_equal(a, b) for name in whole for a, b in zip(resumed[name], whole[name], strict=True))


def test_two_processes_score_as_one(drawn: Path, run: Run) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    command += ["--rdzv-endpoint", "localhost:0", "-m", "--", "fcnkit", "train", "fcn", *OPTIONS.split()]
    command += ["--stride", "16", "--set", "max_iter=3", "--score-every", "3", "--val-share", "0.3", "-o", "two"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    (score,) = [record["score"] for record in records("two/log.jsonl") if "score" in record]
    pairs = read_list("two/val.txt")
    segmenter = Segmenter(fcnkit.load("two/best.safetensors"))
    hist = sum(histogram(read_labels(label).values, segmenter([read(image)])[0].labels, 3) for image, label in pairs)
    assert np.array(score["hist"]).tolist() == np.asarray(hist).tolist()


@pytest.mark.stress
def test_each_stage_is_as_good_as_the_one_before(drawn: Path, fcn: Run) -> None:
    draw(drawn / "more", 60, seed=1)
    for path in [*drawn.glob("more/*/*.png")]:
        path.rename(drawn / path.parent.name / f"more{path.name}")
    line = "--set base_lr=0.005 --set max_iter=400 --set display=100 --score-every 100 --batch 4 --patches 32x32"
    succeeded(fcn(f"{line} --stride 8 --stages -o run"))
    stages = json.loads(Path("run/scores.json").read_text())
    best = [stage["best"]["score"]["mean_iu"] for stage in stages]
    assert [stage["stage"] for stage in stages] == ["32s", "16s", "8s"]
    assert best[2] > 0.5
    assert best[1] >= best[0] - 0.01
    assert best[2] >= best[1] - 0.01
    print(best)
