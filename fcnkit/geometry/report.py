"""The coordinate maps of a net as text: a row for each blob, then a sentence for each crop."""

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
    """rows have the columns of HEADER; crops and notes are sentences; problems prevent the net from running."""

    rows: list[list[str]]
    crops: list[str]
    notes: list[str]
    problems: list[DefinitionError]


def explain(coordinates: Coordinates) -> Explanation:
    """Describe each blob of a net: stride, position of the first pixel and receptive field, in pixels of the input.

    Omitted are in-place layers, which move nothing, and layers that begin a new grid that no layer reads.
    """
    rows, notes = [], []
    read = {bottom for layer in coordinates.layers for bottom in layer.bottoms}
    for layer in coordinates.layers:
        if layer.reason and not read.intersection(layer.tops):
            continue  # a loss, for example
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
    """Height and width, or one number if they are equal."""
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
