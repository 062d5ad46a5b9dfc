"""Every field of a solver can be replaced."""

from __future__ import annotations

import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import SolverParameter
from fcnkit.errors import DefinitionError
from fcnkit.generation import solver_fields
from fcnkit.generation.nets import generate_solver


def test_text_keeps_its_comments_and_order() -> None:
    text = generate_solver("voc-fcn32s", {"lr_policy": "step", "gamma": 0.5, "max_iter": 10, "stepvalue": [3, 4]})
    solver = prototxt.parse(text, "SolverParameter")
    assert (solver.lr_policy, solver.gamma, solver.max_iter, list(solver.stepvalue)) == ("step", 0.5, 10, [3, 4])
    before = generate_solver("voc-fcn32s").replace('lr_policy: "fixed"', 'lr_policy: "step"')
    assert text == before.replace("max_iter: 100000", "max_iter: 10") + "gamma: 0.5\nstepvalue: 3\nstepvalue: 4\n"


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
    solver_fields.change(solver, changes)
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
        solver_fields.change(SolverParameter(), {name: value})
    assert str(error.value) == problem
