"""The table of docs/layers.md is that of the registry and of the golden cases."""

from __future__ import annotations

from tests.layers.table import cases_by_type, rows_in_page


def test_the_page_lists_every_layer_and_its_cases() -> None:
    rows = rows_in_page()
    expected = {kind: str(len(cases) or "") for kind, cases in cases_by_type().items()}
    assert {kind: rows.get(kind) for kind in expected} == expected, "run `make table`"
    assert rows.keys() == expected.keys()
