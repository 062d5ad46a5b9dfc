"""Each limit of each target: a net that just fits, and one that is outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fcnkit
from fcnkit import CaffeNet
from fcnkit.errors import printable
from fcnkit.export import Verdict, check
from fcnkit.export.targets import TARGETS, Target
from fcnkit.export.targets.target import Field, Limit
from fcnkit.types import all_types
from tests.export.targets.nets import BUILDERS, FIELDS, with_field

EVERY = frozenset(record.name for record in all_types())
# Values outside of limits that are lists, by the measure.
OTHERS: dict[str, list[Any]] = {
    "stride": [3], "dilation": [3], "axes": [3, 5], "batch": [2], "bottoms": [1, 3], "tops": [2], "pad": [1],
    "axis_from_end": [-2], "first_order": [1], "reshape_batch": [1], "scale_axes": [2, "2 axes"],
    "recurrent_batch": [2], "batch_statistics": [False], "given_alpha": [False],
}  # fmt: skip
# The least values that a layer can have.
LEAST = {"kernel": 1, "stride": 1, "upsampled": 1}


def target_of(target: Target, *facts: Limit | Field) -> Target:
    """The target with these facts alone."""
    return replace(
        target,
        layers=EVERY,
        refused=(),
        limits=tuple(each for each in facts if isinstance(each, Limit)),
        fields=tuple(each for each in facts if isinstance(each, Field)),
    )


def load(text: str, folder: Path) -> CaffeNet:
    (folder / "net.prototxt").write_text(text)
    return fcnkit.load(folder / "net.prototxt", untrained="leave")


def values(limit: Limit) -> tuple[list[Any], list[Any]]:
    """Values at which a limit is kept, and at which it is not."""
    if limit.one_of is not None:
        outside = FIELDS[limit.of][3] if "." in limit.of else OTHERS[limit.of]
        return list(limit.one_of), [each for each in outside if each not in limit.one_of]
    fits: list[Any] = [each for each in (limit.least, limit.most) if each is not None]
    outside = [] if limit.most is None else [limit.most * 2 if isinstance(limit.most, float) else limit.most + 1]
    if limit.least is not None and limit.least > LEAST.get(limit.of, -1):
        outside.append(limit.least - 1)
    if limit.whole:
        outside.append(limit.least + 0.5)
    return fits, outside


def text(limit: Limit, kind: str, value: Any) -> str:
    return with_field(limit.of, value) if "." in limit.of else BUILDERS[limit.of](limit, kind, value)


LIMITS = [
    pytest.param(target, limit, kind, id=f"{target.name}-{limit.of}-{kind}-{index}")
    for target in TARGETS.values()
    for index, limit in enumerate(target.limits)
    for kind in sorted(limit.layers) or ["ReLU"]
]


@pytest.mark.parametrize(("target", "limit", "kind"), LIMITS)
def test_limits(target: Target, limit: Limit, kind: str, tmp_path: Path) -> None:
    only = target_of(target, limit)
    fits, outside = values(limit)
    assert fits
    assert outside
    for value in fits:
        if limit.of == "bottoms" and value == 1 and kind == "Eltwise":
            continue
        assert not check(load(text(limit, kind, value), tmp_path), only), value
    for value in outside:
        if limit.of == "bottoms" and ((kind, value) in [("Eltwise", 1), ("Scale", 3)]):
            continue
        found = check(load(text(limit, kind, value), tmp_path), only)
        assert found, value
        assert {each.verdict for each in found} == {Verdict.SLOW if limit.slow else Verdict.REFUSED}
        assert all(str(limit) in each.limit and each.way_out == limit.way_out for each in found)
        assert {each.source for each in found} == {target.sources[limit.source]}


FIELD_CASES = [
    pytest.param(target, field, id=f"{target.name}-{field.name}")
    for target in TARGETS.values()
    for field in target.fields
]


@pytest.mark.parametrize(("target", "field"), FIELD_CASES)
def test_fields(target: Target, field: Field, tmp_path: Path) -> None:
    only = target_of(target, field)
    assert not target.has(field.name)
    for value in field.neutral:
        if field.name != "eltwise_param.coeff":  # the other bottom has the factor -1
            assert not check(load(with_field(field.name, value), tmp_path), only), value
    for value in FIELDS[field.name][3]:
        (found,) = check(load(with_field(field.name, value), tmp_path), only)
        assert found.verdict is (Verdict.REFUSED if field.known else Verdict.NOT_KNOWN)
        assert found.limit.startswith(field.name)
        assert found.limit.endswith("is not read" if field.known else "may not be read")
        assert (found.layer, found.way_out) == ("y", field.way_out)


def test_messages_are_of_one_line() -> None:
    facts = [fact for target in TARGETS.values() for fact in (*target.limits, *target.fields, *target.refused)]
    for fact in facts:
        assert fact.way_out == printable(fact.way_out).strip()
