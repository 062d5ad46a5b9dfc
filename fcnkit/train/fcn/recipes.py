"""The published recipes of training an FCN, and solvers made from them.

Source: section 4 of arXiv 1411.4038; the solver.prototxt of each net of shelhamer/fcn.berkeleyvision.org.
"""

from __future__ import annotations

from dataclasses import replace

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import SolverParameter
from fcnkit.errors import DefinitionError, nearest
from fcnkit.generation.nets import generate_solver
from fcnkit.generation.options import STRIDES, Net

# By name, whether the loss is averaged over the pixels, not summed; the solver of the most similar net follows from it.
RECIPES = {"heavy": False, "accum": True}
# From one stage to the next, the rate of the recipe with an averaged loss falls by this factor, as the published
# rates of the other recipe do.
_FALL = 1e-2


def with_loss(net: Net, recipe: str) -> Net:
    """The net with the loss of a recipe.

    Raises:
        DefinitionError: there is no such recipe.
    """
    if recipe not in RECIPES:
        hint = nearest(recipe, RECIPES)
        raise DefinitionError(f"unknown recipe {recipe!r}{hint}; the recipes are {', '.join(RECIPES)}")
    return replace(net, normalize=RECIPES[recipe])


def solver(net: Net, staged: bool) -> SolverParameter:
    """The published solver for a net of a recipe, which its loss states.

    Args:
        net: the net, of its stride, with the recipe's loss.
        staged: whether the net is a stage, which starts from the stage before.
    """
    settings = prototxt.parse(generate_solver(net), "SolverParameter")
    if net.normalize and staged:
        settings.base_lr *= _FALL ** min(STRIDES.index(net.stride), 2)
    return settings
