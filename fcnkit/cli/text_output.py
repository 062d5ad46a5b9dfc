"""The output of commands that print text: standard output, or the file named with -o."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import click

from fcnkit.files import writing


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add -o and --force, the parameters `output` and `force`, to a command."""
    command = click.option("--force", is_flag=True, help="Replace an existing FILE.")(command)
    option = click.option(
        "-o", "output", metavar="FILE", type=click.Path(dir_okay=False), help="Output.  [default: standard output]"
    )
    return option(command)


def put(text: str | bytes, output: str | None, force: bool) -> None:
    """Write text, in UTF-8 regardless of the locale, or bytes to the file `output` or to standard output.

    Raises:
        OutputError: the file exists and force is not given, or it cannot be written.
    """
    content = text.encode() if isinstance(text, str) else text
    if output is None:
        click.echo(content, nl=False)
        return
    with writing(output, force) as partial:
        partial.write_bytes(content)


def columns(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """Rows as a table, each column as wide as its widest cell; unprintable names are shown as literals.

    Args:
        rows: the first may be a header.
        right: the columns, from 0, that are right-aligned, as for numbers.
    """
    rows = [[cell if cell.isprintable() else repr(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
