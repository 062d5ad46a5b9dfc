"""The library's messages, with parameters named as on the command line."""

from __future__ import annotations

import re

import click

# A parameter of the library in backticks; after "with" a value is added.
_PARAMETER = re.compile(r"(with )?`(\w+)`")


def in_options(message: str, command: click.Command | None) -> str:
    """A message in which each of the command's parameters in backticks is named as on the command line.

    `prototxt` becomes --prototxt, and `weights`, an argument, WEIGHTS. After "with" an option is followed by its
    value, if the value has a form of its own: with --input-shape [NAME=]N,C,H,W. Other words in backticks
    are unchanged.
    """
    params = {param.name: param for param in command.params} if command else {}

    def named(match: re.Match[str]) -> str:
        param = params.get(match[2])
        if param is None:
            return match[0]
        if isinstance(param, click.Argument):
            return (match[1] or "") + param.human_readable_name
        return f"with {param.opts[0]} {param.metavar or ''}".rstrip() if match[1] else param.opts[0]

    return _PARAMETER.sub(named, message)
