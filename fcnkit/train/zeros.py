"""Layers that start at zero and would stay so, because no gradient reaches their filters.

A layer of zero filters passes no gradient on, and without a bias its top is zero, at which a ReLU passes none either.
It learns if its bottom is not zero and a gradient reaches its top: a score layer under filled upsampling does, a layer
of the backbone does not, nor does a score layer under a deconvolution of zero kernels.
"""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor, nn

from fcnkit.errors import DefinitionError
from fcnkit.net.zeros import filter_layers, some_named
from fcnkit.train.nets import Objective


def require_learning(objective: Objective) -> None:
    """Check that no layer under the loss starts at zero and stays so.

    Raises:
        DefinitionError: some do.
    """
    if stuck := stuck_layers(objective):
        raise DefinitionError(
            f"the filters of {some_named(stuck)} are all zero, and no gradient reaches them: they have neither fillers"
            " nor weights; add a weight_filler, give weights with `weights` (those of fcnkit init have bilinear"
            " upsampling), or train the rest with `allow_zero`"
        )


def stuck_layers(objective: Objective) -> list[str]:
    """The layers under the loss with zero filters that no gradient ever changes."""
    rates = {layer.name: layer.param[0].lr_mult if layer.param else 1 for layer in objective.net.definition().layer}
    zero = [name for name, is_zero in filter_layers(objective.net).items() if is_zero]
    asleep = set(zero)
    # A layer that learns is zero no more, so that gradients pass it from the next iteration on.
    while woken := {name for name in asleep & _reached(objective, asleep) if rates[name]}:
        asleep -= woken
    under_loss = _reached(objective, ())
    return [name for name in zero if name in asleep and name in under_loss]


def _reached(objective: Objective, asleep: Collection[str]) -> set[str]:
    """The layers with a bottom that is not zero and a top with a gradient, if those asleep have zero filters."""
    net = objective.net
    modules = [net.get_submodule(step.module) for step in net.steps]
    values, reads = set(net.inputs), []
    for step, module in zip(net.steps, modules, strict=True):
        reads.append(not step.bottoms or not values.isdisjoint(step.bottoms))
        bias = getattr(module, "bias", None)
        if (reads[-1] and step.name not in asleep) or (isinstance(bias, Tensor) and bias.any()):
            values.update(step.tops)
        else:
            values.difference_update(step.tops)
    found, wanted = set(), set[str]()
    steps = zip(net.steps, modules, objective.weights, objective.passing, reads, strict=True)
    for step, module, weights, passing, read in reversed(list(steps)):
        if not any(weights) and wanted.isdisjoint(step.tops):
            continue
        wanted.difference_update(step.tops)
        if read:
            found.add(step.name)
        if step.name not in asleep and (read or not isinstance(module, nn.ReLU | nn.ReLU6)):
            wanted.update(passing)
    return found
