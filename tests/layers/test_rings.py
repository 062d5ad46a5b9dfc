"""Pooling over regions without their middle, against the forks' loops written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, run, values


def whole(value: float) -> int:
    """C's round: halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def ring_by_loops(
    features: np.ndarray, regions: np.ndarray, size: tuple[int, int], scale: float, offset: float
) -> np.ndarray:
    _, channels, height, width = features.shape
    top = np.zeros((len(regions), channels, *size), np.float32)
    for n, row in enumerate(regions.tolist()):
        ends = []
        for low, high in ((row[1], row[3]), (row[2], row[4]), (row[5], row[7]), (row[6], row[8])):
            first = math.floor((low + 1 + offset) * scale + 0.5)
            last = math.ceil((high + 1 - offset) * scale - 0.5)
            if first > last:
                first = last = int((first + last) / 2)
            ends.append((first, last))
        (x1, x2), (y1, y2), (left, right), (above, below) = ends
        wide, high = (x2 - x1 + 1) / size[1], (y2 - y1 + 1) / size[0]
        for c in range(channels):
            for i in range(size[0]):
                for j in range(size[1]):
                    for y in range(max(math.floor(i * high) + y1, 0), min(math.ceil((i + 1) * high) + y1, height)):
                        for x in range(max(math.floor(j * wide) + x1, 0), min(math.ceil((j + 1) * wide) + x1, width)):
                            if not (left < x < right and above < y < below):
                                top[n, c, i, j] = max(top[n, c, i, j], features[int(row[0]), c, y, x])
    return top


RINGS = np.array(
    [
        [0, 3, 1, 50, 60, 10, 12, 40, 44],  # a ring
        [1, 0, 0, 30, 30, 0, 0, 0, 0],  # a rectangle
        [1, -20, 10, 90, 44, -9, 20, 60, 30],  # across edges of the map
        [0, 20, 20, 21, 23, 21, 22, 20, 21],  # narrower than twice the offset
        [0, 200, 200, 260, 260, 0, 0, 0, 0],  # outside
    ],
    np.float32,
)


@pytest.mark.parametrize(("scale", "offset", "settings"), [(0.25, 6, ""), (0.125, 2, "offset: 2"), (1, 0, "offset: 0")])
def test_rings(scale: float, offset: float, settings: str) -> None:
    features = values(2, 3, 13, 17)
    it = layer(
        "RegionPooling",
        "ab",
        f"region_pooling_param {{ pooled_h: 3 pooled_w: 2 spatial_scale: {scale} {settings} }}",
    )
    found = run(it, [features, RINGS])
    assert np.array_equal(found, ring_by_loops(features, RINGS, (3, 2), scale, offset))
    assert found.any()


def test_a_ring_by_hand() -> None:
    """Of 5 x 5 pixels numbered by row the middle 3 x 3 are left out, and what lies on the ring's edge is not."""
    features = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    features[0, 0, 4] = -1
    region = np.array([[0, -1, -1, 3, 3, -1, -1, 3, 3]], np.float32)
    it = layer("RegionPooling", "ab", "region_pooling_param { pooled_h: 5 pooled_w: 1 offset: 0 }")
    # Columns and rows 0 to 4: -1 + 1 + 0.5 rounded down, and 3 + 1 - 0.5 rounded up.
    assert run(it, [features, region])[0, 0, :, 0].tolist() == [4, 9, 14, 19, 0]


def masked_by_loops(
    features: np.ndarray,
    regions: np.ndarray,
    size: tuple[int, int],
    scale: float,
    shift: float,
    half: int,
    grown: float,
    mask: float,
) -> np.ndarray:
    _, channels, height, width = features.shape
    top = np.zeros((len(regions), channels, *size), np.float32)
    for n, (image, xmin, ymin, xmax, ymax) in enumerate(regions.tolist()):
        x, y, w, h = (xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin
        x1, x2, y1, y2 = x - w * grown / 2, x + w * grown / 2, y - h * grown / 2, y + h * grown / 2
        if half == 1:
            x2 = x
        elif half == 2:
            x1 = x
        elif half == 3:
            y2 = y
        elif half == 4:
            y1 = y
        x1, x2, y1, y2 = (whole(each * scale + shift) for each in (x1, x2, y1, y2))
        around = (x - w * mask / 2, x + w * mask / 2, y - h * mask / 2, y + h * mask / 2)
        left, right, above, below = (whole(each * scale + shift) for each in around)
        wide, high = max(x2 - x1 + 1, 1) / size[1], max(y2 - y1 + 1, 1) / size[0]
        for c in range(channels):
            for i in range(size[0]):
                for j in range(size[1]):
                    found = []
                    for v in range(max(math.floor(i * high) + y1, 0), min(math.ceil((i + 1) * high) + y1, height)):
                        for u in range(max(math.floor(j * wide) + x1, 0), min(math.ceil((j + 1) * wide) + x1, width)):
                            hidden = mask > 0 and left <= u <= right and above <= v <= below
                            found.append(0.0 if hidden else features[int(image), c, v, u])
                    top[n, c, i, j] = max(found, default=0)
    return top


@pytest.mark.parametrize("half", range(6))
@pytest.mark.parametrize(
    ("scale", "shift", "grown", "mask"), [(0.25, 0, 1, 0), (0.25, 0.5, 1.8, 0.8), (0.5, 0, 0.8, 0.5)]
)
def test_masked_regions(half: int, scale: float, shift: float, grown: float, mask: float) -> None:
    features = values(2, 3, 13, 17) - 1  # most are negative, and 0 is large
    regions = np.array([[0, 4, 8, 40, 37], [1, -12, 3, 9, 60], [1, 8, 8, 8, 8], [0, 120, 120, 150, 150]], np.float32)
    settings = f"spatial_scale: {scale} spatial_shift: {shift} half_part: {half} roi_scale: {grown} mask_scale: {mask}"
    it = layer("ROIMaskPooling", "ab", f"roi_mask_pooling_param {{ pooled_h: 2 pooled_w: 3 {settings} }}")
    expected = masked_by_loops(features, regions, (2, 3), scale, shift, half, grown, mask)
    assert np.array_equal(run(it, [features, regions]), expected)


def test_regions_with_too_few_numbers_are_refused() -> None:
    it = layer("RegionPooling", "ab", "region_pooling_param { pooled_h: 1 pooled_w: 1 }")
    with pytest.raises(DefinitionError, match="a region has 9 numbers, an image and corners: not 5"):
        run(it, [values(1, 1, 4, 4), RINGS[:, :5]])
    with pytest.raises(DefinitionError, match="pooled_h and pooled_w must be positive"):
        run(layer("ROIMaskPooling", "ab"), [values(1, 1, 4, 4), RINGS[:, :5]])
