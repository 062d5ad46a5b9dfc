"""The options that describe a custom FCN, for all commands that accept one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

WHOLE = click.IntRange(min=1)
OF_SHAPE = ("backbone", "stride", "at_once", "pad", "upsampling", "fillers", "average_pool")
OF_FCN = (*OF_SHAPE, "classes", "heads", "data", "weights", "normalize")


def _heads(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, int] | None:
    if value is None:
        return None
    heads: dict[str, int] = {}
    for head in value.split(","):
        name, _, classes = head.rpartition(":")
        if not name or not classes.isdecimal() or name in heads:
            raise click.BadParameter(
                f"{head!r} is not of the form NAME:CLASSES, or its name is repeated; write sem:33,geo:3"
            )
        heads[name] = int(classes)
    return heads


def _weights(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, list[float]]:
    weights = {}
    for value in values:
        name, _, numbers = value.rpartition(":")
        try:
            weights[name] = [float(number) for number in numbers.split(",")]
        except ValueError:
            raise click.BadParameter(
                f"{numbers!r} is not a list of numbers, one for each class; write 0.5,1,1"
            ) from None
    return weights


# What a net is made of, whatever it is trained on.
_OF_SHAPE = (
    click.option("--backbone", default="vgg16", show_default=True, help="fcn: vgg16, vgg19, alexnet or googlenet."),
    click.option(
        "--stride",
        type=click.Choice(["32", "16", "8", "4"]),
        default="32",
        help="fcn: stride of the finest scores.  [default: 32]",
    ),
    click.option("--at-once", is_flag=True, help="fcn: scale the skips, to train all strides at once."),
    click.option(
        "--pad", type=click.IntRange(min=0), help="fcn: pad of the first convolution.  [default: enough for any input]"
    ),
    click.option(
        "--upsampling",
        type=click.Choice(["dense", "bilinear"]),
        help="fcn: bilinear kernels, or dense ones, to be set by fcnkit init as in the published nets."
        "  [default: bilinear; dense with --fillers none]",
    ),
    click.option(
        "--fillers",
        type=click.Choice(["msra", "xavier", "none"]),
        help="fcn: how the backbone starts in training; none for a net that starts from weights.  [default: msra]",
    ),
    click.option("--average-pool", is_flag=True, help="fcn: keep GoogLeNet's average pool."),
)
heads_option = click.option(
    "--heads", callback=_heads, metavar="NAME:CLASSES,...", help="fcn: several heads, such as sem:33,geo:3."
)
_OF_TASK = (
    click.option("--classes", type=WHOLE, help="fcn: number of classes, background included.  [default: 21]"),
    heads_option,
    click.option(
        "--data-layer",
        "data",
        default="voc",
        show_default=True,
        metavar="KIND",
        help="fcn: voc, pascalcontext, siftflow, nyud, hdf5, images, or MODULE.CLASS of a Python layer.",
    ),
    click.option(
        "--weighting",
        "weights",
        multiple=True,
        callback=_weights,
        metavar="[HEAD:]W,...",
        help="fcn: one weight for each class in the training loss.",
    ),
    click.option("--normalize", is_flag=True, help="fcn: divide the loss by the number of pixels."),
)


def shape_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those of a custom FCN's options that do not depend on its data, the parameters OF_SHAPE, to a command."""
    for option in reversed(_OF_SHAPE):
        command = option(command)
    return command


def fcn_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a custom FCN, the parameters OF_FCN, to a command."""
    for option in reversed(_OF_TASK):
        command = option(command)
    return shape_options(command)


def own_net(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of these options, in the form that fcnkit.generation.nets.describe accepts."""
    options = {key: given[key] for key in OF_FCN if key not in ("classes", "heads")}
    # The defaults of these two depend on each other.
    options = {
        key: value for key, value in options.items() if value is not None or key not in ("upsampling", "fillers")
    }
    if given["classes"] is not None and given["heads"] is not None:
        raise click.UsageError("give --classes for one head or --heads for several, not both")
    heads = given["heads"] or {"": given["classes"] or 21}
    return options | {"heads": heads, "stride": int(given["stride"])}
