"""Rotated boxes: their overlaps as OpenCV computes them, proposals and pooling against the source's loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from fcnkit.nn.rotated import rotated_anchors, rotated_overlaps
from tests.layers.build import layer, net, run, tops_of, values

PROPOSAL = 'python_param { module: "rotation.rproposal_layer" layer: "ProposalLayer" param_str: "%s" }'


def opencv_overlap(first: np.ndarray, second: np.ndarray) -> float:
    import cv2

    # OpenCV's angle turns the other way, and its size is width and height.
    boxes = [((b[0], b[1]), (b[3], b[2]), -b[4]) for b in (first.tolist(), second.tolist())]
    _, corners = cv2.rotatedRectangleIntersection(*boxes)
    shared = 0.0 if corners is None else cv2.contourArea(cv2.convexHull(corners))
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)


def test_overlaps_are_opencvs() -> None:
    rng = np.random.default_rng(0)
    boxes = np.concatenate(
        [rng.uniform(20, 60, (80, 2)), rng.uniform(5, 50, (80, 2)), rng.uniform(-45, 135, (80, 1))], 1
    ).astype(np.float32)
    found = rotated_overlaps(torch.from_numpy(boxes[0]), torch.from_numpy(boxes))
    expected = [opencv_overlap(boxes[0], box) for box in boxes]
    assert np.allclose(found, expected, atol=1e-3)
    assert sum(value > 0.05 for value in expected) > 20


@pytest.mark.parametrize("angle", [0, 30, 90, -17.5])
def test_overlaps_of_boxes_with_common_edges(angle: float) -> None:
    """The same box, half of it, and the box beside it along its own width."""
    c, s = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    box = torch.tensor([30, 20, 8, 12, angle])
    half = torch.tensor([30 + 3 * c, 20 + 3 * s, 8, 6, angle])
    beside = torch.tensor([30 + 12 * c, 20 + 12 * s, 8, 12, angle])
    found = rotated_overlaps(box, torch.stack([box, half, beside]))
    assert np.allclose(found, [1, 0.5, 0], atol=1e-4)


def test_anchors() -> None:
    """36 x 7, 23 x 12 and 16 x 16 around pixel 7, three sizes of each, and six angles of each of these."""
    boxes = rotated_anchors(16, (0.2, 0.5, 1), (8, 16, 32), (-30, 0, 30, 60, 90, 120))
    assert len(boxes) == 54
    assert boxes[0] == (7, 7, 56, 288, -30)
    assert boxes[7] == (7, 7, 112, 576, 0)
    assert boxes[18][:4] == (7, 7, 96, 184)
    assert boxes[53] == (7, 7, 512, 512, 120)


def rotated_proposals(scores: np.ndarray, offsets: np.ndarray, scale: float, most: int) -> np.ndarray:
    """The source's steps, box by box."""
    anchors = rotated_anchors(16, (0.2, 0.5, 1), (8, 16, 32), (-30, 0, 30, 60, 90, 120))
    height, width = scores.shape[2:]
    found = []
    for y in range(height):
        for x in range(width):
            for k, (cx, cy, h, w, angle) in enumerate(anchors):
                dx, dy, dw, dh, da = offsets[0, 5 * k : 5 * k + 5, y, x].tolist()
                turned = math.degrees(da) + angle
                turned = turned + 180 if turned < -45 else turned
                turned = turned - 180 if turned > 135 else turned
                box = (dx * w + cx + 16 * x, dy * h + cy + 16 * y, h * math.exp(dh), w * math.exp(dw), turned)
                if min(box[2:4]) >= 16 * scale:
                    found.append((float(scores[0, 54 + k, y, x]), box))
    found.sort(key=lambda each: -each[0])
    kept: list[tuple[float, ...]] = []
    for _, box in found:
        if all(opencv_overlap(np.array(other), np.array(box)) <= 0.7 for other in kept):
            kept.append(box)
    return np.array([(0, *box) for box in kept[:most]])


def test_proposals() -> None:
    scores, offsets = values(1, 108, 2, 3), values(1, 270, 2, 3, seed=1) * 0.3
    info = np.array([[600, 800, 2]], np.float32)
    it = layer("Python", "abc", PROPOSAL % "'feat_stride': 16", "rois scores")
    rois, best = tops_of(net(it, [scores, offsets, info]), scores, offsets, info)
    expected = rotated_proposals(scores, offsets, 2, 300)
    assert len(expected) > 30
    assert np.allclose(rois[: len(expected)], expected, atol=1e-2)
    assert best.shape == (len(rois), 1)
    assert (np.diff(best[:, 0]) <= 0).all()


@pytest.mark.parametrize(
    ("text", "shape", "problem"),
    [
        ("'scales': [8]", (1, 108, 2, 2), "feat_stride must be given"),
        ("'feat_stride': 16", (1, 18, 2, 2), "54 anchors need 108 channels of scores and 270 of offsets, of one image"),
    ],
)
def test_proposals_refuse(text: str, shape: tuple[int, ...], problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        run(layer("Python", "abc", PROPOSAL % text), [values(*shape), values(1, 270, 2, 2), values(1, 3)])


def pooled(
    features: np.ndarray, region: np.ndarray, size: tuple[int, int], scale: float, info: np.ndarray
) -> np.ndarray:
    """RotateROIPoolForward, part by part and pixel by pixel."""
    channels = features.shape[1]
    high, wide = int(info[0] * scale), int(info[1] * scale)
    image, cx, cy, h, w, angle = region.tolist()
    alpha, beta = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    sx, sy, dx, dy = w * scale / size[1], h * scale / size[0], -size[1] / 2, -size[0] / 2
    first = (alpha * sx, beta * sy, alpha * sx * dx + beta * sy * dy + cx * scale)
    second = (-beta * sx, alpha * sy, -beta * sx * dx + alpha * sy * dy + cy * scale)
    top = np.zeros((channels, *size), np.float32)
    for ph, pw in np.ndindex(*size):
        at = [
            (
                first[0] * (pw + i) + first[1] * (ph + j) + first[2],
                second[0] * (pw + i) + second[1] * (ph + j) + second[2],
            )
            for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))
        ]
        ab, ac = [np.subtract(at[k], at[0]) for k in (1, 2)]
        rows = range(max(round(min(y for _, y in at)), 0), int(min(round(max(y for _, y in at)), high - 1)) + 1)
        columns = range(max(round(min(x for x, _ in at)), 0), int(min(round(max(x for x, _ in at)), wide - 1)) + 1)
        for y in rows:
            for x in columns:
                ap = np.subtract((x, y), at[0])
                if 0 <= ab @ ap < ab @ ab and 0 <= ac @ ap < ac @ ac:
                    top[:, ph, pw] = np.maximum(top[:, ph, pw], features[int(image), :, y, x])
    return top


def test_pooling_of_rotated_regions() -> None:
    features = values(2, 3, 15, 20)
    info = np.array([[118, 155, 1]], np.float32)  # 14 rows and 19 columns of the map
    regions = np.array(
        [
            [0, 60.3, 50.1, 40.7, 70.9, 33],
            [1, 100.2, 30.6, 60.1, 30.3, -42],
            [1, 30.4, 90.7, 25.2, 90.1, 134],
            [0, 500, 500, 9, 9, 0],
        ],
        np.float32,
    )
    it = layer("RotateROIPooling", "abc", "rotate_pooling_param { pooled_h: 3 pooled_w: 4 spatial_scale: 0.125 }")
    found = run(it, [features, regions, info])
    expected = [pooled(features, region, (3, 4), 0.125, info[0]) for region in regions]
    assert np.array_equal(found, np.stack(expected))
    assert found[:3].any((1, 2, 3)).all()
    assert not found[3].any()


def test_pooling_of_rotated_regions_refuses() -> None:
    it = layer("RotateROIPooling", "abc", "rotate_pooling_param { pooled_h: 3 pooled_w: 4 }")
    with pytest.raises(DefinitionError, match="a rotated region has 6 numbers"):
        run(it, [values(1, 1, 4, 4), values(1, 5), values(1, 3)])
