"""Writes the table of operations into docs/deploy.md from the rules' own words. Run by `make table`."""

from __future__ import annotations

from fcnkit.export.rules import Rule, rules
from tests.paths import ROOT

PAGE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- operations: made by `make table` -->\n", "<!-- end of operations -->"


def table() -> str:
    """The table in Markdown."""
    rows = ["| operation | computes | Caffe's layers | equal |", "|---|---|---|---|"]
    rows += [
        f"| {_names(rule)} | {_sentence(rule)} | {rule.form} | {'' if rule.form == 'none' else _exactness(rule)} |"
        for rule in rules()
    ]
    return "\n".join(rows) + "\n"


def _names(rule: Rule) -> str:
    names = dict.fromkeys(name.removeprefix("aten.").partition(".")[0] for name in rule.operations)
    return ", ".join(f"`{name}`" for name in names)


def _sentence(rule: Rule) -> str:
    return (rule.__doc__ or "").strip().splitlines()[0].removesuffix(".")


def _exactness(rule: Rule) -> str:
    return "bit for bit" if rule.exact else "up to rounding"


def main() -> None:
    head, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(head + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
