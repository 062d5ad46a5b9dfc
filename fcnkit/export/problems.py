"""The one error that lists all operations of a module that the target's layers cannot compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fcnkit.errors import FcnkitError
from fcnkit.export.targets import TARGETS, Target


class Problem(NamedTuple):
    """An operation that is not supported.

    Attributes:
        operation: as in "aten.bmm".
        module: path of the module it stands in, "" for the outermost.
        line: the line of the user's code as file:line, "" if unknown.
        reason: the part of it that has no form, "" for all of it.
        way_out: what the user can do, "" for no special advice.
        layer: the layer type that computes it in the targets that have one, "" for none.
    """

    operation: str
    module: str
    line: str
    reason: str
    way_out: str
    layer: str


class UnsupportedOperationsError(FcnkitError):
    """Operations of a module that the target's layers cannot compute; the message lists all of them."""

    def __init__(self, problems: Sequence[Problem], target: Target):
        self.problems = list(problems)
        count = len(self.problems)
        head = f"{count} operation{'s' * (count > 1)} that {target.title} has no layers for"
        ways = list(dict.fromkeys(each.way_out for each in problems if each.way_out))
        ways += [line for layer in dict.fromkeys(each.layer for each in problems) if (line := _takers(layer, target))]
        remedy = "; ".join(ways or ["replace them in the module, or leave them out of it and compute them elsewhere"])
        super().__init__(f"{head}: {'; '.join(map(_listed, _grouped(problems)))}. Ways out: {remedy}")


def _grouped(problems: Sequence[Problem]) -> list[list[Problem]]:
    groups: dict[tuple[str, str], list[Problem]] = {}
    for each in problems:
        groups.setdefault((each.operation, each.reason), []).append(each)
    return list(groups.values())


def _listed(group: list[Problem]) -> str:
    places = []
    for each in group:
        module = f"module {each.module!r}" if each.module else "the module itself"
        places.append(f"{module}, {each.line}" if each.line else module)
    reason = f" ({group[0].reason})" if group[0].reason else ""
    return f"{group[0].operation}{reason} in {' and '.join(dict.fromkeys(places))}"


def _takers(layer: str, target: Target) -> str:
    takers = [other.name for other in TARGETS.values() if layer and other.has(layer) and other is not target]
    return f"the target{'s' * (len(takers) > 1)} {', '.join(takers)} can take {layer}" if takers else ""
