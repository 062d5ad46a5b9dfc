"""The recipes give the published solvers."""

from __future__ import annotations

import pytest

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
