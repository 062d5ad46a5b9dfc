"""Writes the table of supported layers into docs/layers.md: type, golden cases, largest error. Run by `make table`."""

from __future__ import annotations

import re
from collections import defaultdict

from fcnkit.caffe import prototxt
from fcnkit.layers import supported
from tests.layers.test_goldens import CASES, errors
from tests.paths import LAYERS, ROOT

PAGE = ROOT / "docs" / "layers.md"
BEGIN, END = "<!-- layers: made by `make table` -->\n", "<!-- end of layers -->"


def cases_by_type() -> dict[str, list[str]]:
    """The golden cases that hold a layer of each supported type; users' Python layers, with a dot, aside."""
    cases: dict[str, list[str]] = {kind: [] for kind in supported() if "." not in kind}
    for case in CASES:
        for kind in {layer.type for layer in prototxt.read(LAYERS / case / "net.prototxt").layer} & cases.keys():
            cases[kind].append(case)
    return cases


def table() -> str:
    """The table in Markdown."""
    largest: dict[str, float] = defaultdict(float)
    for case in CASES:
        largest[case] = max(errors(LAYERS / case).values())
    rows = ["| layer | cases | largest error |", "|---|---|---|"]
    for kind, cases in cases_by_type().items():
        error = max((largest[case] for case in cases), default=None)
        words = "by hand" if error is None else "0" if error == 0 else f"{error:.0e}"
        rows.append(f"| {kind} | {len(cases) or ''} | {words} |")
    return "\n".join(rows) + "\n"


def rows_in_page() -> dict[str, str]:
    """The number of cases by layer type, as the page has them."""
    text = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    return dict(re.findall(r"^\| (\w+) \| (\d*) \|", text, re.MULTILINE))


def main() -> None:
    head, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(head + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
