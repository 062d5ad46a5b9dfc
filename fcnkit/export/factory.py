"""A user's own PyTorch module, named as package.module:factory."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.errors import InputError


def made(factory: str) -> nn.Module:
    """The module that a factory makes. The user's code is imported and run, the current folder first.

    Args:
        factory: "package.module:name"; name is a function or a class without required parameters, or a module.

    Raises:
        InputError: there is no such name, its code fails, or the result is not a PyTorch module.
    """
    place, colon, name = factory.partition(":")
    if not place or not colon or not name:
        raise InputError(f"{factory!r} is not of the form package.module:name")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(place)
        for part in name.split("."):
            found = getattr(found, part)
        module = found if isinstance(found, nn.Module) else found()  # type: ignore[operator]
    # The user's code may raise anything.
    except Exception as error:
        reason = next(filter(None, map(str.strip, str(error).splitlines())), "")
        raise InputError(f"{factory} fails: {type(error).__name__}: {reason}") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{factory} gives a {type(module).__name__}, not a PyTorch module")
    return module


def random_inputs(shapes: Sequence[Shape]) -> list[Tensor]:
    """Normally distributed values of these shapes, the same each time.

    Raises:
        InputError: a size is below 1.
    """
    if any(size < 1 for shape in shapes for size in shape):
        raise InputError("`input_shape` needs sizes of at least 1")
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def load_state(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load a state dict into a module.

    Raises:
        InputError: names or shapes differ.
    """
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise InputError(f"is not a state dict of the module: {' '.join(lines[1:3])}") from None
