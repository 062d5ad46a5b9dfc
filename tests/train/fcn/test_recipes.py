"""The recipes give the published solvers."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from fcnkit.generation.nets import generate_solver
from fcnkit.generation.options import Net
from fcnkit.generation.published import PUBLISHED
from fcnkit.train.data.pairing import Pair
from fcnkit.train.fcn import recipes
from fcnkit.train.fcn.preparing import Plan, prepare


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
    solver = recipes.solver(net, staged=True)
    assert net.normalize == (recipe == "accum")
    assert solver.base_lr == pytest.approx(rate)
    assert (solver.momentum, solver.iter_size) == (pytest.approx(momentum), iter_size)
    assert (solver.max_iter, solver.weight_decay) == (100_000, pytest.approx(5e-4))


def test_rates_of_the_backbones() -> None:
    rates = {name: recipes.solver(Net(name, normalize=True), staged=False).base_lr for name in ("vgg16", "googlenet")}
    assert rates == {"vgg16": pytest.approx(1e-4), "googlenet": pytest.approx(5e-5)}


@pytest.mark.parametrize("name", ["voc-fcn32s", "voc-fcn8s-atonce", "voc-fcn-alexnet"])
def test_a_published_net_has_its_own_solver_and_loss(name: str, tmp_path: Path) -> None:
    pairs = [Pair(tmp_path / f"{index}.jpg", tmp_path / f"{index}.png") for index in range(3)]
    for path in (path for pair in pairs for path in pair):
        path.touch()
    plan = Plan(PUBLISHED[name].net, name, pairs[:2], pairs[2:], {"": [str(label) for label in range(21)]})
    run = prepare(plan, tmp_path / "run")
    solver = prototxt.read(run.each[0].solver, "SolverParameter")
    published = prototxt.parse(generate_solver(name), "SolverParameter")
    for field in ("base_lr", "momentum", "iter_size", "max_iter", "snapshot", "weight_decay"):
        assert getattr(solver, field) == getattr(published, field)
    (loss,) = [layer for layer in prototxt.read(run.each[0].train).layer if layer.type == "SoftmaxWithLoss"]
    assert loss.loss_param.normalize == PUBLISHED[name].net.normalize


def test_an_unknown_recipe_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"^unknown recipe 'light'; the recipes are heavy, accum$"):
        recipes.with_loss(Net(), "light")
