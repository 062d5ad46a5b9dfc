"""DetectionOutput in the forms of other forks, against SSD's form, loops written out and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, values

SSD = "num_classes: 3 code_type: CENTER_SIZE confidence_threshold: 0.4 keep_top_k: 20 nms_param { nms_threshold: 0.4 }"
LEVELS = [(2, 3, 4), (4, 1, 2)]  # boxes, height and width of two maps


def maps(located: int, images: int = 2) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Scores (images, height, width, boxes, classes) and locations of each map, and all default boxes."""
    scores = [np.abs(values(images, h, w, k, 3, seed=k)) for k, h, w in LEVELS]
    offsets = [values(images, h, w, k, located * 4, seed=10 + k) for k, h, w in LEVELS]
    count = sum(math.prod(level) for level in LEVELS)
    corners = np.sort(np.random.default_rng(0).uniform(size=(count, 2, 2)), 1).reshape(1, 1, -1)
    priors = np.concatenate([corners, np.tile([0.1, 0.1, 0.2, 0.2], count).reshape(1, 1, -1)], 1).astype(np.float32)
    return scores, offsets, priors


def joined(blobs: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([blob.reshape(len(blob), -1) for blob in blobs], 1)


@pytest.mark.parametrize("share", [True, False])
def test_maps_as_convolutions_made_them(share: bool) -> None:
    """Scores (images, classes, boxes, places), locations (images, boxes * numbers, height, width)."""
    scores, offsets, priors = maps(1 if share else 3)
    settings = f"{SSD} share_location: {str(share).lower()}"
    expected = run(
        layer("DetectionOutput", "abc", f"detection_output_param {{ {settings} }}"),
        [joined(offsets), joined(scores), priors],
    )
    assert expected.shape[2] > 10
    planes = [blob.transpose(0, 4, 3, 1, 2).reshape(2, 3, blob.shape[3], -1).copy() for blob in scores]
    located = [blob.reshape(*blob.shape[:3], -1).transpose(0, 3, 1, 2).copy() for blob in offsets]
    more = "no_permute: true nbottom: 2"
    found = run(
        layer("DetectionOutput", "abcde", f"detection_output_param {{ {settings} {more} }}"),
        [*planes, *located, priors],
    )
    assert np.allclose(found, expected, atol=1e-6)


def test_maps_that_are_flat() -> None:
    scores, offsets, priors = maps(1)
    plain = layer("DetectionOutput", "abc", f"detection_output_param {{ {SSD} }}")
    flat = [blob.reshape(2, -1) for blob in (*scores, *offsets)]
    it = layer("DetectionOutput", "abcde", f"detection_output_param {{ {SSD} nbottom: 2 }}")
    assert np.array_equal(run(it, [*flat, priors]), run(plain, [joined(offsets), joined(scores), priors]))


@pytest.mark.parametrize(
    ("bottoms", "settings", "problem"),
    [
        ("ab", "num_classes: 2", "DetectionOutput needs 3 to 5 bottoms, it has 2"),
        ("abcdef", "num_classes: 2", "6 maps have 13 bottoms, scores, locations and the default boxes, not 6"),
        ("abcd", "num_classes: 2 nbottom: 2", "2 maps have 5 bottoms, scores, locations and the default boxes, not 4"),
        ("abc", "num_classes: 2 ratio_permute: true", "tflite_detection, ratio_permute and .* are not supported"),
        ("a", "", "num_classes must be given"),
        ("a", "num_classes: 2 coords: 5", "a box has 4 coords, not 5"),
        ("a", "num_classes: 2 biases: 1", "each of its boxes needs two biases"),
    ],
)
def test_refused_forms(bottoms: str, settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        net(
            layer("DetectionOutput", bottoms, f"detection_output_param {{ {settings} }}"), [values(1, 4)] * len(bottoms)
        )


def test_planes_that_do_not_fit() -> None:
    it = layer("DetectionOutput", "abc", f"detection_output_param {{ {SSD} no_permute: true nbottom: 1 }}")
    with pytest.raises(DefinitionError, match="3 classes need as many planes of scores, and a location for each"):
        net(it, [values(1, 3, 2, 12), values(1, 12, 3, 4), values(1, 2, 96)])


def test_regions_in_pixels_by_hand() -> None:
    """In an image of 100 x 200 pixels a region from (40, 20) to (80, 40) is 0.2 wide and high.

    The location of class 1 moves it right by half of its width and doubles its height; class 0 is the background.
    """
    regions = np.array([[0, 40, 20, 80, 40], [0, 0, 0, 20, 10]], np.float32)
    offsets = np.zeros((1, 16), np.float32)
    offsets[0, 4:8] = [0.5, 0, 0, math.log(2)]
    scores = np.array([[0.2, 0.8, 0.9, 0.1]], np.float32)
    settings = (
        "num_classes: 2 share_location: false code_type: CENTER_SIZE variance_encoded_in_target: true"
        " confidence_threshold: 0.3 normalized: false input_width: 200 input_height: 100"
    )
    it = layer("DetectionOutput", "abc", f"detection_output_param {{ {settings} }}")
    expected = [[0, 1, 0.8, 0.3, 0.1, 0.5, 0.5]]
    assert np.allclose(run(it, [offsets, scores, regions.reshape(1, 1, -1)])[0, 0], expected, atol=1e-6)
    assert np.allclose(run(it, [offsets, scores, regions])[0, 0], expected, atol=1e-6)
    with pytest.raises(DefinitionError, match="a region has 5 numbers"):
        net(it, [offsets, scores, values(1, 1, 11)])


def test_objects_with_their_places() -> None:
    """The same objects as in SSD's form, each with its box, column and row."""
    height, width, boxes = 3, 4, 2
    offsets, scores = values(2, height, width, boxes * 4), np.abs(values(2, height * width * boxes * 2, seed=1))
    corners = np.sort(np.random.default_rng(0).uniform(size=(height * width * boxes, 2, 2)), 1).reshape(1, 1, -1)
    priors = np.concatenate([corners, np.full_like(corners, 0.1)], 1).astype(np.float32)
    settings = (
        "num_classes: 2 code_type: CENTER_SIZE confidence_threshold: 0.4 nms_param { nms_threshold: 0.4 top_k: 30 }"
    )
    found = run(
        layer("DetectionOutputExtended", "abc", f"detection_output_param {{ {settings} }}"), [offsets, scores, priors]
    )
    plain = layer("DetectionOutput", "abc", f"detection_output_param {{ {settings} }}")
    expected = run(plain, [offsets.reshape(2, -1), scores, priors])
    assert np.array_equal(found[..., :7], expected)
    assert found.shape[2] > 10
    for image, _, score, *_, box, column, row in found[0, 0].tolist():
        number = (int(row) * width + int(column)) * boxes + int(box)
        assert scores[int(image), 2 * number + 1] == pytest.approx(score)
    it = net(
        layer("DetectionOutputExtended", "abc", f"detection_output_param {{ {settings} }}"), [offsets, scores, priors]
    )
    assert it.shapes["top"] == (1, 1, 1, 10)
    with pytest.raises(DefinitionError, match="layer 'it': num_classes must be 2, and locations of shape"):
        net(
            layer("DetectionOutputExtended", "abc", "detection_output_param { num_classes: 3 }"),
            [offsets, scores, priors],
        )


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_yolov2_of_one_bottom_finds_what_its_loops_find() -> None:
    """In the order of places: a box goes if it overlaps an earlier one that stays, whatever their scores."""
    anchors, side, classes = [(1.0, 1.5), (3.0, 2.0)], 4, 3
    bottom = values(1, 16, side, side, seed=1)
    found = []
    for j in range(side):
        for i in range(side):
            for n, (wide, high) in enumerate(anchors):
                x, y, w, h, score, *names = bottom[0, n * 8 : (n + 1) * 8, j, i].tolist()
                likely = math.exp(max(names)) / sum(map(math.exp, names)) * sigmoid(score)
                if likely >= 0.25:
                    box = [(i + sigmoid(x)) / side, (j + sigmoid(y)) / side, math.exp(w) * wide, math.exp(h) * high]
                    found.append([0, names.index(max(names)), likely, *box[:2], box[2] / side, box[3] / side])
    kept: list[list[float]] = []
    for row in found:
        if all(shared(row[3:], other[3:]) < 0.3 for other in kept):
            kept.append(row)
    scores = [row[2] for row in kept]
    assert len(found) > len(kept) > 4
    assert scores != sorted(scores, reverse=True)
    biases = " ".join(f"biases: {value}" for anchor in anchors for value in anchor)
    settings = f"num_classes: {classes} num_box: 2 confidence_threshold: 0.25 nms_threshold: 0.3 {biases}"
    it = layer("DetectionOutput", "a", f"detection_output_param {{ {settings} }}")
    assert np.allclose(run(it, [bottom])[0, 0], kept, atol=1e-5)
    assert net(it, [bottom]).shapes["top"] == (1, 1, 1, 7)


def shared(a: list[float], b: list[float]) -> float:
    """The intersection of two boxes (x, y, width, height) over their union."""
    sides = [
        min(a[k] + a[k + 2] / 2, b[k] + b[k + 2] / 2) - max(a[k] - a[k + 2] / 2, b[k] - b[k + 2] / 2) for k in (0, 1)
    ]
    both = sides[0] * sides[1] if min(sides) > 0 else 0
    return both / (a[2] * a[3] + b[2] * b[3] - both)
