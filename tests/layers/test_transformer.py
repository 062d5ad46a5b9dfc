"""Maps sampled where a transform places the pixels, against the source's loops and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, run, values


def by_loops(maps: np.ndarray, transforms: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    number, channels, height, width = maps.shape
    top = np.zeros((number, channels, *size))
    for i, j, s, t in np.ndindex(*top.shape):
        place = (s / size[0] * 2 - 1, t / size[1] * 2 - 1, 1)
        x, y = (sum(a * b for a, b in zip(row, place, strict=True)) for row in transforms[i].reshape(2, 3))
        x, y = (x + 1) / 2 * height, (y + 1) / 2 * width
        for m in (math.floor(x), math.floor(x) + 1):
            for n in (math.floor(y), math.floor(y) + 1):
                if 0 <= m < height and 0 <= n < width:
                    top[i, j, s, t] += (1 - abs(x - m)) * (1 - abs(y - n)) * maps[i, j, m, n]
    return top


@pytest.mark.parametrize(("settings", "size"), [("", (6, 5)), ("st_param { output_H: 4 output_W: 7 }", (4, 7))])
def test_maps_are_sampled(settings: str, size: tuple[int, int]) -> None:
    maps = values(2, 3, 6, 5)
    transforms = np.array([[0.8, 0.3, 0.1, -0.2, 1.1, 0], [1.5, 0, 0.4, 0.5, 0.5, -0.3]], np.float32)
    found = run(layer("SpatialTransformer", "ab", settings), [maps, transforms])
    assert np.allclose(found, by_loops(maps, transforms, size), atol=1e-4)


def test_fixed_numbers() -> None:
    """cvjena/caffe_pp2: a scale of a half, and where to is read: here up by a quarter and not to the side."""
    maps = values(2, 1, 8, 6)
    settings = "theta_1_1: 0.5 theta_1_2: 0 theta_2_1: 0 theta_2_2: 0.5"
    shifts = np.array([[-0.25, 0], [0, 0]], np.float32).reshape(2, 2, 1, 1)
    found = run(layer("SpatialTransformer", "ab", f"st_param {{ {settings} }}"), [maps, shifts])
    transforms = np.array([[0.5, 0, -0.25, 0, 0.5, 0], [0.5, 0, 0, 0, 0.5, 0]])
    assert np.allclose(found, by_loops(maps, transforms, (8, 6)), atol=1e-4)
    # Row 0 of the top is the row (-0.5 - 0.25 + 1) / 2 * 8 = 1 of the map, and column 0 is column 1.5.
    assert found[0, 0, 0, 0] == pytest.approx(maps[0, 0, 1, 1:3].mean(), abs=1e-5)


def test_the_transformer_reads_maps() -> None:
    with pytest.raises(DefinitionError, match=r"SpatialTransformer reads blobs of 4 axes, not of \(3, 9\)"):
        run(layer("SpatialTransformer", "ab"), [values(3, 9), values(3, 6)])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("transform_type: 'thin plates'", "the transform is affine and the sampler bilinear, not 'thin plates'"),
        ("output_H: 3", "give output_H and output_W, or none"),
        ("theta_1_1: 1", "each map needs 5 numbers of its transform, not 6"),
    ],
)
def test_the_transformer_refuses(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        run(layer("SpatialTransformer", "ab", f"st_param {{ {settings} }}"), [values(2, 1, 3, 3), values(2, 6)])


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("rotate", ["NOROTATE", "ROTATE90", "ROTATE180", "ROTATE270"])
def test_right_angles_and_back(rotate: str, mirror: bool) -> None:
    """nian-liu/DSCLRCN: clockwise, so that the first row becomes the last column."""
    maps = values(2, 3, 4, 5)
    settings = f"mirror: {str(mirror).lower()} rotate: {rotate} "
    top = run(layer("SpatialTransformer", "a", f"spatialtransformer_param {{ {settings} }}"), [maps])
    for n, c, h, w in np.ndindex(*maps.shape):
        x = 4 - w if mirror else w
        place = {"NOROTATE": (h, x), "ROTATE90": (x, 3 - h), "ROTATE180": (3 - h, 4 - x), "ROTATE270": (4 - x, h)}
        assert top[n, c, *place[rotate]] == maps[n, c, h, w]
    back = f"spatialtransformer_param {{ {settings} operation: UNTRANSFORM }}"
    assert np.array_equal(run(layer("SpatialTransformer", "a", back), [top]), maps)
