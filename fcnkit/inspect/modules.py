"""Verification of a net against the PyTorch module that it was converted from."""

from __future__ import annotations

from typing import Any, Unpack

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from fcnkit.aliases import AnyPath
from fcnkit.errors import InputError, naming
from fcnkit.export.factory import load_state, made
from fcnkit.export.naming import output_name
from fcnkit.formats.loading import load
from fcnkit.formats.pth import read_state
from fcnkit.inspect.comparison import LayerGap, gap, seeded_inputs
from fcnkit.inspect.verification import Verification
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, Reading


def verify_with_module(
    model: AnyPath,
    factory: str,
    state: AnyPath | None = None,
    prototxt: AnyPath | None = None,
    input_shape: InputShape | None = None,
    seed: int = 0,
    **reading: Unpack[Reading],
) -> Verification:
    """Run a net and a PyTorch module on two random inputs, and compare the outputs.

    An output of a module that returns a dict is compared with the one of its name, others with the one in its place.

    Args:
        model, prototxt, input_shape: as in `fcnkit.load`.
        factory: "package.module:name", a function or class that makes the module. Its code is imported and run.
        state: a file with the module's state dict.
        seed: the seed of the first input; that of the second is one more.

    Returns:
        For each output, the larger error of the two.

    Raises:
        FcnkitError: a file cannot be opened, or the module cannot be made, or does not take the net's inputs, or has
            other outputs.
    """
    module = made(factory)
    if state is not None:
        with naming(state):
            load_state(module, read_state(state))
    module.eval().float()
    net = load(model, prototxt, input_shape=input_shape, untrained="refuse", **reading)
    with naming(model):
        first, second = (_gaps(net, seeded_inputs(net, each), module, factory) for each in (seed, seed + 1))
    gaps = [max(pair, key=lambda each: each.gap.relative) for pair in zip(first, second, strict=True)]
    return Verification(factory, gaps, [])


@torch.no_grad()
def _gaps(net: CaffeNet, inputs: dict[str, Tensor], module: nn.Module, factory: str) -> list[LayerGap]:
    found = net.forward_blobs(**inputs)
    makers = {top: step.name for step in net.steps for top in step.tops}
    expected = _named(_run(module, factory, list(inputs.values())), net, factory)
    gaps = []
    for name, values in expected.items():
        own = found[name]
        if own.shape != values.shape:
            shapes = tuple(own.shape), tuple(values.shape)
            raise InputError(f"output {name!r} has the shape {shapes[0]}, that of {factory} {shapes[1]}")
        gaps.append(LayerGap(makers.get(name, name), name, gap(own, values.to(own))))
    return gaps


def _run(module: nn.Module, factory: str, inputs: list[Tensor]) -> Any:
    try:
        return module(*inputs)
    # The user's code may raise anything.
    except Exception as error:
        reason = next(filter(None, map(str.strip, str(error).splitlines())), "")
        shapes = " and ".join(" x ".join(map(str, each.shape)) for each in inputs)
        raise InputError(f"{factory} fails on inputs of {shapes}: {type(error).__name__}: {reason}") from error


def _named(outputs: Any, net: CaffeNet, factory: str) -> dict[str, Tensor]:
    """The tensors among a module's outputs by the net's names for them."""
    paths, _ = pytree.tree_flatten_with_path(outputs)
    tensors = [(output_name(path), values) for path, values in paths if isinstance(values, Tensor)]
    if len(tensors) != len(net.outputs):
        count = len(net.outputs)
        raise InputError(f"has {count} output{'s' * (count > 1)}, and {factory} has {len(tensors)}")
    by_name = {key: values for key, values in tensors if key is not None}
    if by_name.keys() == set(net.outputs):
        return by_name
    return {name: values for name, (_, values) in zip(net.outputs, tensors, strict=True)}
