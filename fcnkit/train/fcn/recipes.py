"""The published recipes of training an FCN, and solvers made from them.

Source: section 4 of arXiv 1411.4038; the solver.prototxt of each net of shelhamer/fcn.berkeleyvision.org.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import SolverParameter
from fcnkit.errors import DefinitionError, PrototxtError
from fcnkit.generation.nets import generate_solver
from fcnkit.generation.options import STRIDES, Net

RECIPES = {
    "heavy": "momentum 0.99, a step for each image, the loss summed over the pixels",
    "accum": "momentum 0.9, a step for 20 images, the loss averaged over the pixels",
}
# From one stage to the next, the rate of the recipe with an averaged loss falls by this factor, as the published
# rates of the other recipe do.
_FALL = 1e-2


def with_loss(net: Net, recipe: str) -> Net:
    """The net with the loss of a recipe: summed, or averaged over the pixels."""
    return replace(net, normalize=recipe == "accum")


def solver(net: Net, recipe: str, staged: bool) -> SolverParameter:
    """The published solver for a net of a recipe.

    Args:
        net: the net, of its stride, with the recipe's loss.
        recipe: one of RECIPES.
        staged: whether the net is a stage, which starts from the stage before.
    """
    settings = prototxt.parse(generate_solver(net), "SolverParameter")
    if recipe == "accum" and staged:
        settings.base_lr *= _FALL ** min(STRIDES.index(net.stride), 2)
    return settings


def change(settings: SolverParameter, values: Mapping[str, str]) -> None:
    """Replace fields of a solver by values as text, such as base_lr: "1e-4" or type: "Adam".

    Raises:
        DefinitionError: a solver has no such field, or the value is not one of it.
    """
    for name, value in values.items():
        if name not in SolverParameter.DESCRIPTOR.fields_by_name:
            raise DefinitionError(f"{name!r} is not a field of a solver, such as base_lr or max_iter")
        given = _parsed(name, value)
        settings.ClearField(name)  # type: ignore[arg-type]
        settings.MergeFrom(given)


def _parsed(name: str, value: str) -> SolverParameter:
    for text in (value, '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'):
        try:
            parsed = prototxt.parse(f"{name}: {text}", "SolverParameter")
        except PrototxtError:
            continue
        if {field.name for field, _ in parsed.ListFields()} == {name}:
            return parsed
    raise DefinitionError(f"{value[:80]!r} is not a value of the solver's field {name!r}")
