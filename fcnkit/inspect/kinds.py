"""Blobs whose values are compared in their own way: probabilities and detections."""

from __future__ import annotations

import torch
from torch import Tensor

from fcnkit.inspect.comparison import Gap
from fcnkit.net import CaffeNet
from fcnkit.types import type_of
from fcnkit.types.activation import SIGMOID, SOFTMAX

# A row of detections: image, class, score and the box.
_ROW = 7


def probabilities(net: CaffeNet) -> set[tuple[str, str]]:
    """The blobs of a net that are probabilities, each with its layer: made by a function to 0..1, or moved."""
    found: set[tuple[str, str]] = set()
    probable: set[str] = set()
    layers = {layer.name: layer for layer in net.definition().layer}
    for step in net.steps:
        record = type_of(layers[step.name])
        moved = record is not None and record.moves and bool(step.bottoms) and probable.issuperset(step.bottoms)
        if step.kind in (SIGMOID.name, SOFTMAX.name) or moved:
            probable.update(step.tops)
            found.update((step.name, top) for top in step.tops)
        else:
            probable.difference_update(step.tops)
    return found


def detections_gap(found: Tensor, expected: Tensor) -> Gap:
    """The error of detections: objects of one image and class are matched by what is nearest.

    Their order is that of rounding where scores are equal, and some runtimes pad them with rows of zeros. Scores and
    boxes are compared with 1, the size of the image.
    """
    ours, theirs = (_objects(rows) for rows in (found, expected))
    shape = tuple(expected.shape)
    if sorted(ours[:, :2].tolist()) != sorted(theirs[:, :2].tolist()):
        return Gap(shape, torch.inf, 1.0, abs(len(ours) - len(theirs)) or len(ours))
    difference, differing = 0.0, 0
    for row in ours:
        same = (theirs[:, :2] == row[:2]).all(1).nonzero().squeeze(1)
        far = (theirs[same, 2:] - row[2:]).abs().nan_to_num(nan=torch.inf).amax(1)
        nearest = int(far.argmin())
        difference, differing = max(difference, float(far[nearest])), differing + int(far[nearest] > 0)
        keep = torch.ones(len(theirs), dtype=torch.bool)
        keep[same[nearest]] = False
        theirs = theirs[keep]
    return Gap(shape, difference, 1.0, differing)


def _objects(rows: Tensor) -> Tensor:
    """(n, 7): the rows that are objects."""
    rows = rows.reshape(-1, _ROW).double().cpu()
    return rows[(rows != 0).any(1) & (rows[:, 1] >= 0)]
