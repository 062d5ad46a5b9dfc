"""Default boxes of forks beside SSD's, by values worked out by hand and loops written out."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, values

# A map of 1 x 2 places for an image of 20 x 40 pixels: steps of 20 x 20, with centres at (10, 10) and (30, 10).
MAP, IMAGE = values(1, 2, 1, 2), values(1, 3, 20, 40)
SCALE = np.array([40, 20, 40, 20], np.float32)


def in_pixels(top: np.ndarray, places: int = 2) -> np.ndarray:
    """Boxes by place, as (xmin, ymin, xmax, ymax) in pixels of the image."""
    boxes: np.ndarray = top[0, 0].reshape(places, -1, 4) * SCALE
    return boxes


def test_clustered_boxes_by_hand() -> None:
    """Boxes of 4 x 8 and of 9.5 x 3 pixels: sizes are not cut to whole pixels."""
    settings = "width: 4 width: 9.5 height: 8 height: 3 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.3"
    top = run(layer("PriorBoxClustered", "ab", f"prior_box_param {{ {settings} }}"), [MAP, IMAGE])
    first = np.array([[8, 6, 12, 14], [5.25, 8.5, 14.75, 11.5]])
    assert np.allclose(in_pixels(top), [first, first + np.array([20, 0, 20, 0])], atol=1e-5)
    assert np.allclose(top[0, 1].reshape(4, 4), [0.1, 0.1, 0.2, 0.3])


def test_clustered_boxes_have_an_image_steps_and_limits() -> None:
    """An image of 16 x 16 pixels, steps of 8, centres in the corners of the steps."""
    settings = "width: 4 height: 2 img_size: 16 step: 8 offset: 0 clip: true"
    top = run(layer("PriorBoxClustered", "ab", f"prior_box_param {{ {settings} }}"), [MAP, IMAGE])
    assert np.allclose(top[0, 0].reshape(2, 4) * 16, [[0, 0, 2, 1], [6, 0, 10, 1]])


@pytest.mark.parametrize(
    ("kind", "settings", "problem"),
    [
        ("PriorBoxClustered", "", "width and height must be given equally often"),
        ("PriorBoxClustered", "width: 3 width: 4 height: 3", "width and height must be given equally often"),
        ("PriorBoxClustered", "width: 3 height: -3", "width and height must be given equally often, and positive"),
        ("PriorBox", "box_width: 3", "box_width and box_height must be given equally often"),
    ],
)
def test_refused_boxes(kind: str, settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        net(layer(kind, "ab", f"prior_box_param {{ {settings} }}"), [MAP, IMAGE])


def test_stated_boxes_are_in_place_of_sizes() -> None:
    both = [
        run(layer(kind, "ab", f"prior_box_param {{ {settings} }}"), [MAP, IMAGE])
        for kind, settings in (
            ("PriorBox", "box_width: 4 box_height: 8 box_width: 2.5 box_height: 3 min_size: 9"),
            ("PriorBoxClustered", "width: 4 height: 8 width: 2.5 height: 3"),
        )
    ]
    assert np.array_equal(*both)


def test_tensorflows_boxes_by_hand() -> None:
    """The square of the mean size comes last; a square of 60 pixels loses a twentieth of the image at each side."""
    image = values(1, 3, 100, 200)
    settings = "min_size: 60 max_size: 135 aspect_ratio: 4 flip: false tf: true"
    top = run(layer("PriorBox", "ab", f"prior_box_param {{ {settings} }}"), [values(1, 2, 1, 1), image])
    boxes = top[0, 0].reshape(3, 4) * [200, 100, 200, 100]
    assert np.allclose(boxes, [[80, 25, 120, 75], [40, 35, 160, 65], [55, 5, 145, 95]], atol=1e-4)
    swapped = run(
        layer("PriorBox", "ab", f"prior_box_param {{ {settings} yx_order: true }}"), [values(1, 2, 1, 1), image]
    )
    assert np.array_equal(swapped[0, 0].reshape(3, 4), top[0, 0].reshape(3, 4)[:, [1, 0, 3, 2]])


def test_boxes_in_the_order_of_keras() -> None:
    """The square of the mean size, that of the size, the ratios 2 and 3, then their inverses; tf changes nothing."""
    settings = "min_size: 60 max_size: 240 aspect_ratio: 2 aspect_ratio: 3 aspect_ratio: 0.5 keras: true"
    bottoms = values(1, 2, 1, 1), values(1, 3, 100, 200)
    top = run(layer("PriorBox", "ab", f"prior_box_param {{ {settings} }}"), bottoms)[0, 0].reshape(6, 2, 2)
    sizes = (top[:, 1] - top[:, 0]) * [200, 100]
    ratios = np.sqrt([2, 3, 1 / 2, 1 / 3])
    assert np.allclose(sizes, [(120, 120), (60, 60), *((60 * each, 60 / each) for each in ratios)], atol=1e-4)
    both = run(layer("PriorBox", "ab", f"prior_box_param {{ {settings} tf: true }}"), bottoms)
    assert np.array_equal(both[0, 0].reshape(6, 2, 2), top)


def test_faceboxes_finds_as_many_boxes_as_its_loops() -> None:
    """Squares of 31 pixels at 16 places of a step, of 63 at 4, and of 127 at one, as the C++ enumerates them."""
    top = run(
        layer("PriorBox", "ab", "prior_box_param { min_size: 32 min_size: 64 min_size: 128 step: 32 faceboxes: true }"),
        [values(1, 2, 2, 3), values(1, 3, 64, 96)],
    )
    expected = []
    for row in range(2):
        for column in range(3):
            x, y = (column + 0.5) * 32, (row + 0.5) * 32
            for size, shift, reach in ((32, 8, 2), (64, 16, 1), (128, 0, 0)):
                steps = range(-reach, reach) if reach else [0]
                for i in steps:
                    for j in steps:
                        cx, cy, half = x + j * shift, y + i * shift, (size - 1) / 2
                        expected.append([(cx - half) / 96, (cy - half) / 64, (cx + half) / 96, (cy + half) / 64])
    assert top.shape == (1, 2, 6 * 21 * 4)
    assert np.allclose(top[0, 0].reshape(-1, 4), expected, atol=1e-6)
