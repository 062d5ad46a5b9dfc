"""The option --input-shape, for all commands that accept it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from fcnkit.aliases import Shape


def _shape(value: str) -> tuple[str, Shape]:
    """N,C,H,W for the first input, or NAME=N,C,H,W."""
    blob, _, text = value.rpartition("=")
    try:
        return blob, tuple(int(size) for size in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not of the form N,C,H,W or NAME=N,C,H,W") from None


def _given(
    ctx: click.Context, param: click.Parameter, shapes: Sequence[tuple[str, Shape]]
) -> Mapping[str, Shape] | Shape | None:
    """The shapes in the form that fcnkit.convert accepts."""
    named = dict(shapes)
    if "" in named:
        if len(shapes) > 1:
            raise click.UsageError("--input-shape needs NAME= for each of several inputs")
        return named[""]
    return named or None


def input_shape_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --input-shape, the parameter `input_shape`, to a command."""
    return click.option(
        "--input-shape",
        type=_shape,
        multiple=True,
        callback=_given,
        metavar="[NAME=]N,C,H,W",
        help="Shape of the first input; with NAME=, repeated, of several.",
    )(command)
