"""DetectNet's clustering against OpenCV's groupRectangles, and values worked out by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from fcnkit.nn.clustering import grouped
from tests.layers.build import layer, net, tops_of, values

CLUSTER = 'python_param {{ module: "caffe.layers.detectnet.clustering" layer: "ClusterDetections" param_str: "{}" }}'


@pytest.mark.parametrize("least", [0, 1, 2, 3])
@pytest.mark.parametrize("distance", [0.02, 0.2, 0.6])
def test_rectangles_are_grouped_as_opencv_groups_them(least: int, distance: float) -> None:
    """Around places of their own, within each other, and scattered."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        rectangles = []
        for _ in range(6):
            x, y, w, h = random.integers(0, 60, 2).tolist() + random.integers(8, 40, 2).tolist()
            for _ in range(int(random.integers(1, 7))):
                shift = random.integers(-3, 4, 4).tolist()
                rectangles.append((x + shift[0], y + shift[1], w + shift[2], h + shift[3]))
        means, counts = cv2.groupRectangles([list(each) for each in rectangles], least, distance)
        expected = [
            (tuple(mean), count) for mean, count in zip(np.array(means).tolist(), np.ravel(counts), strict=True)
        ]
        assert grouped(rectangles, least, distance) == expected


def maps() -> tuple[np.ndarray, np.ndarray]:
    """Coverage of two classes and offsets for two images of 32 x 48 pixels, at strides of 8: nothing anywhere."""
    return np.zeros((2, 2, 4, 6), np.float32), np.zeros((2, 4, 4, 6), np.float32)


def test_clusters_by_hand() -> None:
    """Three neighbours propose boxes from 9, 10 and 12 to 40: their mean is from 10 to 40, and 8 to 30 high."""
    coverage, offsets = maps()
    for column, left in ((1, 9), (2, 10), (3, 12)):
        coverage[1, 0, 2, column] = 0.7
        offsets[1, :, 2, column] = [left - 8 * column, 8 - 16, 40 - 8 * column, 30 - 16]
    coverage[1, 1, 0, 0] = 0.7  # one box of the other class: too few
    offsets[1, 2:, 0, 0] = 30
    it = net(layer("Python", "ab", CLUSTER.format("48, 32, 8, 0.6, 2, 0.2, 22, 2"), "one two"), [coverage, offsets])
    assert it.shapes["one"] == it.shapes["two"] == (2, 50, 5)
    one, two = tops_of(it, coverage, offsets)
    assert one[1, 0].tolist() == [10, 8, 40, 30, np.float16(math.log(3))]
    assert not one[1, 1:].any()
    assert not one[0].any()
    assert not two.any()
    high = net(layer("Python", "ab", CLUSTER.format("48, 32, 8, 0.6, 2, 0.2, 23, 2"), "one two"), [coverage, offsets])
    assert not tops_of(high, coverage, offsets)[0].any()
    rare = net(layer("Python", "ab", CLUSTER.format("48,32,8,0.71,2,0.2,22,2"), "one two"), [coverage, offsets])
    assert not tops_of(rare, coverage, offsets)[0].any()


def test_no_more_than_50_boxes() -> None:
    coverage, offsets = np.ones((1, 1, 8, 8), np.float32), np.zeros((1, 4, 8, 8), np.float32)
    offsets[0, 2:] = 8
    (top,) = tops_of(
        net(layer("Python", "ab", CLUSTER.format("64,64,8,0.5,0,0.2,1")), [coverage, offsets]), coverage, offsets
    )
    assert top.shape == (1, 50, 5)
    assert top[0, -1].tolist() == [8, 48, 16, 56, 0]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("48, 32, 8, 0.6, 2, 0.2", "param_str '48, 32, 8, 0.6, 2, 0.2' must have 7 or 8 numbers"),
        ("48, 32, x, 0.6, 2, 0.2, 22", "param_str '48, 32, x, 0.6, 2, 0.2, 22' must have 7 or 8 numbers"),
        ("48, 32, 0, 0.6, 2, 0.2, 22", "width, height and stride must be positive, and stride no more"),
        ("48, 32, 40, 0.6, 2, 0.2, 22", "width, height and stride must be positive, and stride no more"),
        ("48, 32, 8, 0.6, 2, 0.2, 22, 2", "it has 1 tops for 2 classes"),
        ("48, 32, 8, 0.6, 2, 0.2, 22", "it needs the coverage of 1 classes, and 4 offsets"),
    ],
)
def test_what_is_refused(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it'.*: {problem}"):
        net(layer("Python", "ab", CLUSTER.format(settings)), list(maps()))


def test_maps_that_are_too_small() -> None:
    with pytest.raises(DefinitionError, match="images of 32 x 48 pixels have maps of at least 4 x 6"):
        net(layer("Python", "ab", CLUSTER.format("48,32,8,0.6,2,0.2,22")), [values(1, 1, 4, 5), values(1, 4, 4, 5)])
