"""Options of the forms KEY=VALUE and [HEAD=]VALUE that may be repeated."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from fcnkit.errors import nearest


def key_values(values: Sequence[str], form: str = "KEY=VALUE") -> dict[str, str]:
    """The values by key; the last one of a key counts. A value without a key is a usage error that names the form."""
    settings = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{value!r} is not of the form {form}")
        settings[key] = text
    return settings


def by_head(
    option: str, values: Sequence[str], heads: Collection[str], shared: bool = False
) -> str | dict[str, str] | None:
    """The values of [HEAD=]VALUE by head; a single value without a head as it is; None without values.

    Args:
        option: its name, for errors.
        values: of the option.
        heads: the names of the net's heads; "" for the only one, whose value may contain an equals sign.
        shared: a value without a head is that of all heads.
    """
    if not values:
        return None
    found: dict[str, str] = {}
    for value in values:
        head = max((head for head in heads if head and value.startswith(f"{head}=")), key=len, default="")
        if not head and len(values) == 1 and ("" in heads or ("=" not in value and (shared or len(heads) == 1))):
            return value
        if not head and "" in heads:
            raise click.UsageError(f"{option} is given {len(values)} times, and the net has one head; give it once")
        if not head:
            ways = " and ".join(f"{option} {head}=..." for head in heads)
            hint = nearest(value.partition("=")[0], heads) if "=" in value else ""
            raise click.UsageError(f"{option} {value!r} names no head of the net{hint}; write {ways}")
        if head in found:
            raise click.UsageError(f"{option} {value!r}: head {head!r} has {found[head]!r} already")
        found[head] = value[len(head) + 1 :]
    return found
