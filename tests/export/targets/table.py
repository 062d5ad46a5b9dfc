"""Writes the table of targets into docs/deploy.md from their data files. Run by `make table`."""

from __future__ import annotations

from fcnkit.export.targets import TARGETS, Target, measures
from fcnkit.export.targets.target import Limit
from fcnkit.types import all_types
from fcnkit.types.record import COMPUTES, SOURCE
from tests.paths import ROOT

PAGE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- targets: made by `make table` -->\n", "<!-- end of targets -->"

# The layers of nets for inference.
_OWN = {record.name for record in all_types() if not record.of_fork and record.role in (COMPUTES, SOURCE)}


def table() -> str:
    """The table in Markdown, and the limits and sources of each target below it."""
    rows = ["| target | tool | more than BVLC 1.0 | less than BVLC 1.0 |", "|---|---|---|---|"]
    rows += [
        f"| `{each.name}` | {each.title} | {', '.join(_more(each))} | {_less(each)} |" for each in TARGETS.values()
    ]
    return "\n".join([*rows, "", *(line for each in TARGETS.values() for line in _facts(each))]) + "\n"


def _more(target: Target) -> list[str]:
    own = TARGETS["bvlc-1.0"].layers
    return sorted((target.layers | target.others) - own, key=str.lower)


def _less(target: Target) -> str:
    lacking = sorted((_OWN & TARGETS["bvlc-1.0"].layers) - target.layers - target.types_not_known, key=str.lower)
    fields = [f"`{field.name}`" for field in target.fields if field.name != "pooling_param.round_mode"]
    return ", ".join([*lacking, *fields]) + ("" if target.complete else " (or not known)")


def _limits(target: Target) -> list[str]:
    return list(dict.fromkeys(_words(limit) for limit in target.limits))


def _words(limit: Limit) -> str:
    name = "outputs" if limit.of == "outputs" else measures.find(limit.of).words.rstrip(":")
    condition = ", ".join(f"{'/'.join(map(str, values))}" for values in (limit.when or {}).values())
    layers = ", ".join(sorted(limit.layers)) or "all"
    limited = f"{layers}{f' ({condition})' if condition else ''}: {name} {limit}"
    return limited + (" (slower otherwise)" if limit.slow else "")


def _facts(target: Target) -> list[str]:
    lines = [f"- `{target.name}`", *(f"  - {limit}" for limit in _limits(target))]
    lines += [f"  - not known: {fact}" for fact in target.not_known]
    return [*lines, f"  - {'; '.join(_linked(source) for source in target.sources.values())}"]


def _linked(source: str) -> str:
    head, _, address = source.partition(": https://")
    return f"[{head}](https://{address})" if address else source


def main() -> None:
    head, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(head + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
