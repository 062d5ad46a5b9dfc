"""The option --input-shape, for all commands that take one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

Shape = tuple[int, ...]


class InputShapeType(click.ParamType):
    """N,C,H,W for the first input, or NAME=N,C,H,W."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Shape]:
        blob, _, text = value.rpartition("=")
        try:
            shape = tuple(int(size) for size in text.split(","))
        except ValueError:
            self.fail(f"{value!r} is not of the form N,C,H,W or NAME=N,C,H,W", param, ctx)
        return blob, shape


def _given(
    ctx: click.Context, param: click.Parameter, shapes: Sequence[tuple[str, Shape]]
) -> Mapping[str, Shape] | Shape | None:
    """The shapes as fcnkit.convert takes them."""
    named = dict(shapes)
    if "" in named:
        if len(shapes) > 1:
            raise click.UsageError("--input-shape needs NAME= for each of several inputs")
        return named[""]
    return named or None


def input_shape_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --input-shape, its parameter `input_shape`."""
    return click.option(
        "--input-shape",
        type=InputShapeType(),
        multiple=True,
        callback=_given,
        metavar="[NAME=]N,C,H,W",
        help="Shape of the first input; with NAME=, repeated, of several.",
    )(command)
