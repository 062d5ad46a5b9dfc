"""Layers without a bottom that are part of the net, unlike those that feed data."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import INPUT as FEEDS
from fcnkit.types.record import NONE, ONE, SOME, SOURCE, Count, Drawn, LayerType, Role, bvlc, every, no_words


def _source(name: str, v1: str | None, origin: str, tops: Count, role: Role) -> LayerType:
    drawn = Drawn("input", no_words)
    return LayerType(name, v1, bvlc(origin), NONE, tops, every(WHOLE), LOST, role, moves=True, drawn=drawn)


INPUT = _source("Input", None, "input", SOME, FEEDS)
DUMMY_DATA = _source("DummyData", "DUMMY_DATA", "dummy_data", SOME, SOURCE)
PARAMETER = _source("Parameter", None, "parameter", ONE, SOURCE)
