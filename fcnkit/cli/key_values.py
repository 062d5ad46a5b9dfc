"""Options of the form KEY=VALUE that may be repeated."""

from __future__ import annotations

from collections.abc import Sequence

import click


def key_values(values: Sequence[str], form: str = "KEY=VALUE") -> dict[str, str]:
    """The values by key; the last one of a key counts. A value without a key is a usage error that names the form."""
    settings = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{value!r} is not of the form {form}")
        settings[key] = text
    return settings
