"""The options of the commands that feed images to a net: how pixels become its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def _mean(value: str) -> list[float]:
    """One number, or one for each channel, separated by commas."""
    try:
        return [float(number) for number in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r} is not of the form 104.0,116.7,122.7") from None


_OPTIONS = [
    click.option(
        "--mean",
        type=_mean,
        metavar="B,G,R",
        help="Mean to subtract from the pixels, 0..255, in the net's order of channels.  [default: stored in MODEL]",
    ),
    click.option(
        "--scale",
        type=float,
        metavar="NUMBER",
        help="Factor of the pixels less their mean, such as 0.00390625.  [default: stored in MODEL]",
    ),
    click.option("--rgb", is_flag=True, help="The net reads R, G, B.  [default: stored in MODEL, else B, G, R]"),
]


def image_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --mean, --scale and --rgb, the parameters `mean`, `scale` and `rgb`, to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
