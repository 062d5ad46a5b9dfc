"""The options of all commands that open nets: how a definition is read where it is not clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fcnkit.cli.key_values import key_values
from fcnkit.geometry.unstated import CHOICES

_CROP = click.option(
    "--crop",
    type=click.Choice(CHOICES),
    metavar="derived|zero",
    help="Offset of Crop layers without crop_param: derived, as in the Caffe of HED, or zero, as in BVLC's.",
)
_IGNORE_FIELDS = click.option(
    "--ignore-fields",
    "ignore_fields",
    multiple=True,
    metavar="NAME",
    help="Unknown field of the prototxt to leave out; may be repeated.",
)
_VALUES = click.option(
    "--value",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    callback=lambda ctx, param, given: key_values(given, "NAME=VALUE"),
    help="Value of a placeholder of a prototxt that is a template; may be repeated.",
)
_NET = click.option(
    "--net",
    metavar="NAME",
    help="Definition by name in place of a prototxt, as vgg16 or voc-fcn8s; fcnkit gen-prototxt --list lists them.",
)


def crop_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --crop, the parameter `crop`, to a command."""
    return _CROP(command)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --crop, --ignore-fields and --value, the parameters `crop`, `ignore_fields` and `values`, to a command."""
    return _CROP(_IGNORE_FIELDS(_VALUES(command)))


def opening_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --net, the parameter `net`, and the reading options to a command that takes weights of a net."""
    return _NET(reading_options(command))


def phase_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --phase, the parameter `phase`, to a command."""
    option = click.option(
        "--phase",
        type=click.Choice(["test", "val", "train"], case_sensitive=False),
        default="test",
        show_default=True,
        help="The net that runs on an image, or the one that is trained: with data, labels and losses.",
    )
    return option(command)
