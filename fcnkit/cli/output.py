"""Where a command's text goes: to standard output, or to the file named with -o."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fcnkit.files import writing


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command -o and --force, its parameters `output` and `force`."""
    command = click.option("--force", is_flag=True, help="Replace FILE if it exists.")(command)
    option = click.option(
        "-o", "output", metavar="FILE", type=click.Path(dir_okay=False), help="Write to FILE, not to standard output."
    )
    return option(command)


def put(text: str, output: str | None, force: bool) -> None:
    """Write text, in UTF-8 whatever the locale, to the file `output` or to standard output.

    Raises:
        OutputError: the file exists and force is not given, or it cannot be written.
    """
    if output is None:
        click.echo(text.encode(), nl=False)
        return
    with writing(output, force) as partial:
        partial.write_bytes(text.encode())
