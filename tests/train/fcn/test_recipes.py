"""The recipes give the published solvers, and every field of a solver can be replaced."""

from __future__ import annotations

import pytest

from fcnkit.caffe.messages import SolverParameter
from fcnkit.errors import DefinitionError
from fcnkit.generation.options import Net
from fcnkit.train.fcn import recipes


@pytest.mark.parametrize(
    ("recipe", "stride", "rate", "momentum", "iter_size"),
    [
        # shelhamer/fcn.berkeleyvision.org voc-fcn32s, voc-fcn16s and voc-fcn8s, solver.prototxt
        ("heavy", 32, 1e-10, 0.99, 1),
        ("heavy", 16, 1e-12, 0.99, 1),
        ("heavy", 8, 1e-14, 0.99, 1),
        # arXiv 1411.4038, sections 4.2 and 4.3
        ("accum", 32, 1e-4, 0.9, 20),
        ("accum", 16, 1e-6, 0.9, 20),
        ("accum", 8, 1e-8, 0.9, 20),
    ],
)
def test_stages_of_the_recipes(recipe: str, stride: int, rate: float, momentum: float, iter_size: int) -> None:
    net = recipes.with_loss(Net(stride=stride), recipe)
    solver = recipes.solver(net, recipe, staged=True)
    assert net.normalize == (recipe == "accum")
    assert solver.base_lr == pytest.approx(rate)
    assert (solver.momentum, solver.iter_size) == (pytest.approx(momentum), iter_size)
    assert (solver.max_iter, solver.weight_decay) == (100_000, pytest.approx(5e-4))


def test_rates_of_the_backbones() -> None:
    rates = {name: recipes.solver(Net(name, normalize=True), "accum", False).base_lr for name in ("vgg16", "googlenet")}
    assert rates == {"vgg16": pytest.approx(1e-4), "googlenet": pytest.approx(5e-5)}


def test_fields_of_any_type_are_replaced() -> None:
    solver = SolverParameter(base_lr=1, stepvalue=[1, 2], lr_policy="fixed")
    changes = {
        "base_lr": "1e-4",
        "type": "Adam",
        "lr_policy": '"step"',
        "solver_mode": "GPU",
        "test_initialization": "false",
        "stepvalue": "5",
        "snapshot_prefix": 'a "b" \\c',
    }
    recipes.change(solver, changes)
    assert solver.base_lr == pytest.approx(1e-4)
    assert (solver.type, solver.lr_policy, solver.solver_mode) == ("Adam", "step", SolverParameter.GPU)
    assert not solver.test_initialization
    assert list(solver.stepvalue) == [5]
    assert solver.snapshot_prefix == 'a "b" \\c'


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("sauce", "1", "'sauce' is not a field of a solver, such as base_lr or max_iter"),
        ("base_lr", "fast", "'fast' is not a value of the solver's field 'base_lr'"),
        ("max_iter", "10 base_lr: 5", "'10 base_lr: 5' is not a value of the solver's field 'max_iter'"),
        ("max_iter", "-1e9", "'-1e9' is not a value of the solver's field 'max_iter'"),
    ],
)
def test_wrong_fields_are_named(name: str, value: str, problem: str) -> None:
    with pytest.raises(DefinitionError) as error:
        recipes.change(SolverParameter(), {name: value})
    assert str(error.value) == problem
