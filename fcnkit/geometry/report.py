"""The coordinate maps of a net in words: its blobs one by one, then its crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from fcnkit.errors import DefinitionError
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.geometry.crops import Crop
from fcnkit.geometry.grids import Grids, exactly

HEADER = ["layer", "type", "blob", "stride", "offset", "receptive field", "in pixels of"]


@dataclass
class Explanation:
    """rows say of each blob what HEADER names; crops and notes are sentences; problems keep the net from running."""

    rows: list[list[str]]
    crops: list[str]
    notes: list[str]
    problems: list[DefinitionError]


def explain(coordinates: Coordinates) -> Explanation:
    """Say how the blobs of a net lie: stride, place of the first pixel and receptive field, in pixels of the input.

    Left out are layers in place, since they move nothing, and what neither lies anywhere nor is read.
    """
    rows, notes = [], []
    read = {bottom for layer in coordinates.layers for bottom in layer.bottoms}
    for layer in coordinates.layers:
        if layer.reason and not read.intersection(layer.tops):
            continue  # a loss, say
        for top, grids in zip(layer.tops, layer.grids, strict=True):
            if top not in layer.bottoms:
                rows += _rows(layer.name, layer.type, top, grids)
        if layer.reason:
            notes.append(f"a new grid begins at {', '.join(map(repr, layer.tops))}: {layer.reason}")
    problems: list[DefinitionError] = [
        crop.error for crop in coordinates.crops if crop.error is not None and crop.stated is None
    ]
    if coordinates.crops and not problems:
        try:
            least = coordinates.smallest_input()
            notes.append(f"every crop stays inside its blob for inputs from {least} x {least} up")
        except DefinitionError as error:
            problems.append(error)
    return Explanation(rows, [_sentence(crop) for crop in coordinates.crops], notes, problems)


def _rows(layer: str, kind: str, blob: str, grids: Grids) -> list[list[str]]:
    rows = []
    for source, (height, width) in grids.items():
        pairs = [(height.stride, width.stride), (height.start, width.start), (height.field, width.field)]
        rows.append([layer, kind, blob, *map(pair, pairs), source])
    return rows


def pair(values: Sequence[Fraction | int]) -> str:
    """Height and width, once if they agree."""
    height, width = (exactly(Fraction(value)) for value in values)
    return height if height == width else f"{height} x {width}"


def _sentence(crop: Crop) -> str:
    if crop.error is not None:
        return str(crop.error) + (f"; {pair(crop.stated)} is stated" if crop.stated else "")
    assert crop.derived is not None
    said = "not stated" if crop.stated is None else "as stated"
    if crop.stated not in (None, crop.derived):
        said = f"but {pair(crop.stated)} is stated"
    return f"Crop {crop.layer!r}: {crop.maps}; the offset is {pair(crop.derived)}, {said}"
