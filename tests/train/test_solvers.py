"""Solvers beyond whole runs: in loops of one's own, states and test nets, and what else a solver may ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from shutil import which

import numpy as np
import pytest
import torch
from click.testing import Result
from torch import nn

import fcnkit
from fcnkit.caffe import caffemodel
from fcnkit.errors import FcnkitError
from fcnkit.train import SGD, Adam, CaffeLR, Nesterov, Trainer
from fcnkit.train.solvers import SOLVERS, CaffeOptimizer
from tests.train.test_bad_input import edit
from tests.train.test_goldens import assert_trace, assert_weights

START = "solver.prototxt --weights init.caffemodel"


def loss_of(net: nn.Module) -> torch.Tensor:
    return (net(torch.ones(2, 3)) - 5).square().sum()


@pytest.mark.parametrize("kind", SOLVERS.values(), ids=SOLVERS)
def test_every_solver_serves_a_loop_of_ones_own(kind: type[CaffeOptimizer]) -> None:
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    before = loss_of(net).item()
    optimizer = kind(net.parameters(), lr=1.0 if kind.__name__ == "AdaDelta" else 0.01)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(net)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(20)]
    assert losses[0] == before > losses[-1] > loss_of(net).item()
    # It is saved and loaded as every optimizer of PyTorch.
    state = deepcopy(optimizer.state_dict())
    twin = nn.Linear(3, 2)
    twin.load_state_dict(net.state_dict())
    other = kind(twin.parameters(), lr=0.5)
    other.load_state_dict(state)
    closure()
    optimizer.step()
    loss_of(twin).backward()
    other.step()
    assert torch.equal(net.weight, twin.weight)


def test_sgd_at_a_rate_that_does_not_change_is_pytorchs() -> None:
    nets = [nn.Linear(3, 2) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    for ours, theirs in (
        (SGD(nets[0].parameters(), 0.01, 0.9), torch.optim.SGD(nets[1].parameters(), 0.01, 0.9)),
        (Nesterov(nets[0].parameters(), 0.01, 0.9), torch.optim.SGD(nets[1].parameters(), 0.01, 0.9, nesterov=True)),
    ):
        for _ in range(5):
            for net, optimizer in zip(nets, (ours, theirs), strict=True):
                optimizer.zero_grad()
                loss_of(net).backward()
                optimizer.step()
        torch.testing.assert_close(nets[0].weight, nets[1].weight)


def test_the_rate_is_part_of_the_history() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = SGD([weight], lr=1.0, momentum=0.5)
    for rate in (1.0, 0.1):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.ones(1)
        optimizer.step()
    # h = 1, then 0.5 + 0.1; PyTorch's would be 1.5 * 0.1.
    assert weight.item() == pytest.approx(-1.6)


def test_gradients_are_clipped_before_they_are_divided() -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = SGD(weights, lr=1.0, clip_gradients=1.0, iter_size=2)
    for weight, gradient in zip(weights, (3.0, 4.0), strict=True):
        weight.grad = torch.tensor([gradient])
    optimizer.step()
    assert [weight.item() for weight in weights] == pytest.approx([-0.3, -0.4])


def test_settings_that_make_no_sense() -> None:
    weight = nn.Parameter(torch.zeros(1))
    for settings in ({"regularization": "L3"}, {"iter_size": 0}):
        with pytest.raises(ValueError, match="must be"):
            Adam([weight], lr=1.0, **settings)
    optimizer = SGD([weight], lr=1.0)
    for settings in ({"policy": "cosine"}, {"policy": "exp", "gamma": -1}, {"policy": "step"}, {"policy": "poly"}):
        with pytest.raises(ValueError, match=r"lr_policy"):
            CaffeLR(optimizer, **settings)


def test_multistep_takes_one_step_an_iteration() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = SGD([weight], lr=1.0)
    scheduler = CaffeLR(optimizer, "multistep", gamma=0.5, stepvalue=[2, 2, 5])
    rates = []
    for _ in range(7):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == [1, 1, 0.5, 0.25, 0.25, 0.125, 0.125]


def test_a_trainer_in_python(case: Callable[[str], Path]) -> None:
    golden = case("adam")
    trainer = Trainer("solver.prototxt", weights=["init.caffemodel"])
    assert trainer.run() == 0
    assert trainer.iteration == 12
    assert_weights(Path("snap_iter_12.caffemodel"), golden / "snap_iter_12.caffemodel")
    assert isinstance(trainer.net, fcnkit.CaffeNet)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('type: "Adam"', "solver_type: ADAM"),
        ('net: "net.prototxt"', 'train_net: "net.prototxt" test_net: "net.prototxt"'),
        ("max_iter: 12", 'max_iter: 12 weights: "init.caffemodel"'),
    ],
)
def test_other_ways_to_state_the_same(
    case: Callable[[str], Path], trained: Callable[[str], list[dict]], old: str, new: str
) -> None:
    golden = case("adam")
    edit("solver.prototxt", old, new)
    line = "solver.prototxt" if "weights" in new else START
    assert_trace(trained(line), json.loads((golden / "trace.json").read_text()), 0)


def test_nets_in_the_solver(case: Callable[[str], Path], trained: Callable[[str], list[dict]]) -> None:
    golden = case("adam")
    net = Path("net.prototxt").read_text()
    edit("solver.prototxt", 'net: "net.prototxt"', f"net_param {{ {net} }}")
    Path("net.prototxt").unlink()
    assert_trace(trained(START), json.loads((golden / "trace.json").read_text()), 0)


STATES = """
layer { name: "data" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "train.txt" batch_size: 4 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "a" type: "Accuracy" bottom: "ip" bottom: "label" top: "a" include { stage: "first" } }
layer { name: "b" type: "Accuracy" bottom: "ip" bottom: "label" top: "b" include { min_level: 2 } }
layer { name: "c" type: "Accuracy" bottom: "ip" bottom: "label" top: "c" include { phase: TRAIN stage: "own" } }
"""


def test_states_levels_and_stages_choose_the_layers(
    case: Callable[[str], Path], trained: Callable[[str], list[dict]]
) -> None:
    case("sgd_fixed")
    Path("net.prototxt").write_text(STATES)
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2 display: 1 test_interval: 1'
        ' snapshot_prefix: "snap" test_iter: 2 test_iter: 3 test_iter: 1 test_initialization: false'
        ' train_state { stage: "own" } test_state { stage: "first" } test_state { level: 2 } test_state { }'
        " snapshot_after_train: false test_compute_loss: true random_seed: 1 debug_info: true"
    )
    records = trained("solver.prototxt")
    shown = [record for record in records if "test" not in record]
    assert [sorted(record["outputs"]) for record in shown] == [["c", "loss"]] * 2
    tests = [(record["iteration"], record["test"], sorted(record["outputs"])) for record in records if "test" in record]
    assert tests == [(n, i, names) for n in (1, 2) for i, names in enumerate((["a", "loss"], ["b", "loss"], ["loss"]))]
    for record in records:
        if "test" in record:
            assert record["loss"] == pytest.approx(record["outputs"]["loss"], rel=1e-5)
    assert not list(Path().glob("snap*"))
    # Everything is 0 at first: the scores, so that each of 5 classes has the probability 0.2.
    debug = shown[0]["debug"]
    assert debug["params"]["ip[0]"]["data"] == 0
    assert debug["params"]["ip[0]"]["diff"] > 0
    assert debug["tops"]["ip"]["ip"] == pytest.approx({"data": 0, "diff": np.mean([0.8, 0.2, 0.2, 0.2, 0.2]) / 4})


def test_propagate_down_stops_the_gradient(case: Callable[[str], Path]) -> None:
    case("sgd_fixed")
    edit("solver.prototxt", "max_iter: 12", "max_iter: 1")
    edit("net.prototxt", 'type: "InnerProduct"', 'type: "InnerProduct" propagate_down: false')
    Trainer("solver.prototxt", weights=["init.caffemodel"]).run()
    before, after = (caffemodel.read(path).blobs for path in ("init.caffemodel", "snap_iter_1.caffemodel"))
    # What is left is the decay: rate 0.05, weight_decay 0.005.
    np.testing.assert_allclose(after["conv1"][0], before["conv1"][0] * (1 - 0.05 * 0.005), rtol=1e-5)
    assert np.abs(after["ip"][0] - before["ip"][0]).max() > 1e-3


def test_test_interval_without_tests_at_the_start(
    case: Callable[[str], Path], trained: Callable[[str], list[dict]]
) -> None:
    case("sgd_fixed")
    edit("solver.prototxt", "display: 1", "display: 5 test_initialization: false")
    records = trained(START)
    assert [record["iteration"] for record in records if "test" in record] == [4, 8, 12]
    assert [record["iteration"] for record in records if "test" not in record] == [0, 5, 10]


def test_a_prefix_that_is_a_folder_or_none(case: Callable[[str], Path], train: Callable[[str], Result]) -> None:
    case("sgd_fixed")
    Path("snaps").mkdir()
    edit("solver.prototxt", '"snap"', '"snaps"')
    assert train(START).exit_code == 0
    assert caffemodel.read("snaps/solver_iter_12.caffemodel").net.name == "sgd_fixed"
    edit("solver.prototxt", 'snapshot_prefix: "snaps"', "")
    assert train(START).exit_code == 0
    assert Path("solver_iter_12.solverstate").is_file()


def test_seeds_decide(case: Callable[[str], Path], trained: Callable[[str], list[dict]]) -> None:
    case("sgd_fixed")
    first, second = trained("solver.prototxt"), trained("solver.prototxt")
    assert first == second
    edit("solver.prototxt", "random_seed: 801352167", "random_seed: 5")
    assert trained("solver.prototxt") != first


@pytest.mark.skipif(which("g++") is None, reason="torch.compile needs a C++ compiler")
# torch's own, on the way to its compiler.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_net_computes_the_same(case: Callable[[str], Path]) -> None:
    golden = case("sgd_fixed")
    trainer = Trainer("solver.prototxt", weights=["init.caffemodel"], compiled=True)
    trainer.run()
    assert_weights(Path("snap_iter_12.caffemodel"), golden / "snap_iter_12.caffemodel")


def test_data_of_ones_own_in_python(case: Callable[[str], Path]) -> None:
    golden = case("sgd_fixed")
    import h5py

    def samples(phase: str) -> list[tuple[np.ndarray, np.ndarray]]:
        with h5py.File(f"{phase}.h5") as file:
            return list(zip(file["data"][...], file["label"][...], strict=True))

    Trainer("solver.prototxt", weights=["init.caffemodel"], data={"data": samples}).run()
    assert_weights(Path("snap_iter_12.caffemodel"), golden / "snap_iter_12.caffemodel")


def test_a_snapshot_and_weights_together(case: Callable[[str], Path]) -> None:
    case("sgd_fixed")
    with pytest.raises(FcnkitError, match="give a snapshot to resume from, or weights to start from, not both"):
        Trainer("solver.prototxt", weights=["init.caffemodel"], snapshot="x.solverstate")
