"""MaskYolo's layers, against loops written from its C++ and CUDA."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, tops_of, values

ROIS = (
    "roi_gen_param { num_class: 0 num_object: 2 prop_num: %d anchor_x: 1.5 anchor_x: 4 anchor_y: 2 anchor_y: 1"
    " thresh: 0.6 net_w: 60 net_h: 32 }"
)
ANCHORS = [(1.5, 2.0), (4.0, 1.0)]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def shared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Of two boxes, centres and sizes: the share of both together."""
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2) - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2) for i in (0, 1)
    ]
    both = sides[0] * sides[1] if min(sides) > 0 else 0
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def by_loops(blob: np.ndarray) -> list[list[float]]:
    rows = []
    _, _, height, width = blob.shape
    for image, each in enumerate(blob.reshape(len(blob), 2, 5, height, width).astype(float)):
        boxes, scores = [], []
        for n, (wide, high) in enumerate(ANCHORS):
            for row in range(height):
                for column in range(width):
                    tx, ty, tw, th, score = each[n, :, row, column]
                    place = (column + sigmoid(tx)) / width, (row + sigmoid(ty)) / height
                    boxes.append((*place, math.exp(tw) * wide / width, math.exp(th) * high / height))
                    scores.append(sigmoid(score) if sigmoid(score) > 0.6 else 0.0)
        order = sorted(range(len(boxes)), key=lambda i: -scores[i])
        for at, i in enumerate(order):
            if scores[i]:
                for j in order[at + 1 :]:
                    scores[j] *= shared(boxes[i], boxes[j]) <= 0.4
        for (x, y, w, h), score in zip(boxes, scores, strict=True):
            if score:
                low, high = (max(0, x - w / 2), max(0, y - h / 2)), (min(1, x + w / 2), min(1, y + h / 2))
                rows.append([image, low[0] * 60, low[1] * 32, high[0] * 60, high[1] * 32])
    return rows


def test_regions_of_a_yolo_map() -> None:
    blob = values(2, 10, 4, 6)
    expected = by_loops(blob)
    assert 12 < len(expected) < 60
    assert {row[0] for row in expected} == {0, 1}
    rois, labels = tops_of(net(layer("RoiGen", "a", ROIS % 60, "rois labels"), [blob]), blob)
    assert labels.tolist() == [1.0] * len(expected) + [0.0] * (60 - len(expected))
    assert np.allclose(rois[: len(expected)], expected, atol=1e-4)
    assert not rois[len(expected) :].any()
    few, _ = tops_of(net(layer("RoiGen", "a", ROIS % 5, "rois labels"), [blob]), blob)
    assert np.array_equal(few, rois[:5])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("num_class: 3", "num_class must be 0 and num_coord 4"),
        ("num_class: 0 num_object: 2 anchor_x: 1", "anchor_x and anchor_y must be given num_object times, 2"),
        ("num_class: 0 num_object: 0 net_w: 0", "prop_num, net_w and net_h must be positive"),
        ("num_class: 0 num_object: 1 anchor_x: 1 anchor_y: 1", "1 anchors without classes need 5 channels"),
    ],
)
def test_regions_that_are_refused(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        net(layer("RoiGen", "a", f"roi_gen_param {{ {settings} }}", "rois labels"), [values(1, 10, 4, 6)])


def test_the_middles_of_parts() -> None:
    """Regions inside, across edges, of one pixel and outside of a map at half of the image's size."""
    features = values(2, 3, 7, 9)
    regions = np.array([[0, 1, 2, 9, 11], [1, -4, 3, 5.5, 30], [1, 4, 4, 4, 4], [0, 40, 40, 50, 50]], np.float32)
    it = layer("ROIAlignment", "ab", "roi_alignment_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }")
    top = run(it, [features, regions])
    for (n, c, i, j), found in np.ndenumerate(top):
        image, left, upper, right, lower = regions[n].tolist()
        middle = []
        for low, high, part, parts, length in ((upper, lower, i, 2, 7), (left, right, j, 3, 9)):
            size = max(high * 0.5 - low * 0.5 + 1, 1) / parts
            start, end = (min(max(at * size + low * 0.5, 0), length - 1) for at in (part, part + 1))
            middle.append((start + end) / 2)
        (y, x), plane = middle, features[int(image), c]
        top_row, bottom_row, first, last = math.floor(y), math.ceil(y), math.floor(x), math.ceil(x)
        a, b = y - top_row, x - first
        expected = plane[top_row, first] * (1 - a) * (1 - b) + plane[top_row, last] * (1 - a) * b
        expected += plane[bottom_row, first] * a * (1 - b) + plane[bottom_row, last] * a * b
        assert found == pytest.approx(expected, abs=1e-4)
    with pytest.raises(DefinitionError, match="pooled_h and pooled_w must be positive"):
        run(layer("ROIAlignment", "ab"), [features, regions])
