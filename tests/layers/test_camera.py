"""Layers that move a camera, against values worked out by hand and loops written after the fork's CUDA."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net, tops_of, values

SE3 = 'python_param { module: "pygeometry" layer: "SE3_Generator_KITTI" }'


def test_motions() -> None:
    """A quarter turn about z takes x to y; the shift is turned as well. No turn, and one too small for its angle."""
    turns = [[0, 0, math.pi / 2, 1, 2, 3], [0, 0, 0, 4, 5, 6], [1e-7, 0, 0, 0, 0, 0]]
    top = apply("Python", SE3, np.array(turns, np.float32).reshape(3, 6, 1, 1))
    assert top.shape == (3, 1, 4, 4)
    assert np.allclose(top[0, 0], [[0, -1, 0, -2], [1, 0, 0, 1], [0, 0, 1, 3], [0, 0, 0, 1]], atol=1e-6)
    assert np.allclose(top[1, 0], [[1, 0, 0, 4], [0, 1, 0, 5], [0, 0, 1, 6], [0, 0, 0, 1]])
    assert top[2, 0, 2, 1] == np.float32(1e-7)
    with pytest.raises(DefinitionError, match="a motion has six numbers, not 5"):
        layer_net("Python", SE3, [(1, 5)])


def test_a_turn_about_any_axis_is_that_of_scipy() -> None:
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation
    turns = values(4, 6, 1, 1)
    top = apply("Python", SE3, turns)
    for found, (*turn, x, y, z) in zip(top[:, 0], turns[:, :, 0, 0], strict=True):
        expected = rotation.from_rotvec(turn).as_matrix()
        assert np.allclose(found[:3, :3], expected, atol=1e-5)
        assert np.allclose(found[:3, 3], expected @ [x, y, z], atol=1e-5)


CAMERA = np.array([[100, 50, 3, 2], [60, 80, 1, 4]], np.float32).reshape(2, 4, 1, 1)


def test_pixels_become_points_that_move() -> None:
    depth = np.abs(values(2, 1, 3, 4)) + 1
    motion = values(2, 1, 4, 4, seed=1)
    top = apply("GeoTransform", "", depth, motion, CAMERA)
    assert top.shape == (2, 3, 3, 4)
    for n, y, x in np.ndindex(2, 3, 4):
        across, down, column, row = CAMERA[n, :, 0, 0]
        d = depth[n, 0, y, x]
        point = [(x - column) / across * d, (y - row) / down * d, d, 1]
        for axis in range(3):
            expected = sum(motion[n, 0, axis, other] * point[other] for other in range(4))
            assert top[n, axis, y, x] == pytest.approx(expected, abs=1e-5)


def test_points_become_pixels() -> None:
    points = values(2, 3, 3, 4)
    points[:, 2] = np.abs(points[:, 2]) + 1
    flows, places = tops_of(layer_net("PinHole", "", [points.shape, CAMERA.shape], tops=2), points, CAMERA)
    for n, y, x in np.ndindex(2, 3, 4):
        across, down, column, row = CAMERA[n, :, 0, 0]
        at_x = across * points[n, 0, y, x] / points[n, 2, y, x] + column
        at_y = down * points[n, 1, y, x] / points[n, 2, y, x] + row
        assert places[n, :, y, x] == pytest.approx([at_x, at_y], abs=1e-3)
        assert flows[n, :, y, x] == pytest.approx([at_x - x, at_y - y], abs=1e-3)


def test_an_image_is_read_at_the_places() -> None:
    """Between four pixels, on one, half outside (the other half counts as 0), and far outside."""
    image = np.array([[1, 2], [3, 5]], np.float32).reshape(1, 1, 2, 2)
    places = np.array([[[0.5, 1], [-0.5, 7]], [[0.5, 0], [1, 7]]], np.float32)[None]
    top = apply("InverseWarping", "", image, places)
    assert np.allclose(top[0, 0], [[2.75, 2], [1.5, 0]])
    with pytest.raises(DefinitionError, match="each pixel needs a place of two numbers"):
        layer_net("InverseWarping", "", [(1, 1, 2, 2), (1, 2, 3, 2)])
