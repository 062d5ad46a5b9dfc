"""The table of docs/deploy.md is that of the rules."""

from __future__ import annotations

from fcnkit.export.rules import rules
from tests.export.table import BEGIN, END, PAGE, table


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text().partition(BEGIN)[2].partition(END)[0] == table(), "run `make table`"


def test_every_rule_describes_itself() -> None:
    for rule in rules():
        assert rule.form
        assert (rule.__doc__ or "").strip()
        assert rule.operations
