"""Layers of detectors, landmarks and poses that single forks have, against loops and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, run, values

PYTHON = 'python_param {{ module: "{}" layer: "{}" param_str: "{}" }}'


def test_tiling_by_loops() -> None:
    """SeokjuLee/VPGNet: the channels of a pixel are a square of pixels, row by row."""
    bottom = values(2, 18, 4, 5)
    expected = np.zeros((2, 2, 12, 15), np.float32)
    for n, c, y, x, v, u in np.ndindex(2, 2, 4, 5, 3, 3):
        expected[n, c, 3 * y + v, 3 * x + u] = bottom[n, c * 9 + 3 * v + u, y, x]
    assert np.array_equal(run(layer("Tiling", "a", "tiling_param { tile_dim: 3 }"), [bottom]), expected)


@pytest.mark.parametrize("settings", ["", "tiling_param { tile_dim: 4 }"])
def test_tiling_refuses(settings: str) -> None:
    with pytest.raises(DefinitionError, match=r"the square of tile_dim \d must divide 18 channels"):
        run(layer("Tiling", "a", settings), [values(1, 18, 2, 2)])


def test_orientations() -> None:
    """MhLiao/RRD: of 2 channels with 3 orientations each."""
    bottom = np.array([1, -2], np.float32).reshape(1, 2, 1, 1)
    top = run(layer("Extend", "a", "orn_param { orientations: 3 }"), [bottom])
    assert top.ravel().tolist() == [1, 1, 1, -2, -2, -2]
    bottom = np.array([3, 5, 4, -7, -8, -6], np.float32).reshape(1, 6, 1, 1)
    assert run(layer("ORPooling", "a", "orn_param { orientations: 3 }"), [bottom]).ravel().tolist() == [5, -6]
    with pytest.raises(DefinitionError, match="4 orientations must divide 6 channels"):
        run(layer("ORPooling", "a", "orn_param { orientations: 4 }"), [bottom])
    with pytest.raises(DefinitionError, match="orientations must be 2 or more, not 1"):
        run(layer("Extend", "a"), [bottom])


@pytest.mark.parametrize(("kernel", "stride", "pad", "bias"), [(3, 1, 0, True), (2, 2, 1, False), (3, 2, 1, True)])
def test_local_filters_by_loops(kernel: int, stride: int, pad: int, bias: bool) -> None:
    """happynear/caffe-windows: windows in the order channel, row, column, and places row by row."""
    bottom = values(2, 3, 5, 6)
    rows, columns = ((side + 2 * pad - kernel) // stride + 1 for side in (5, 6))
    weight, offset = values(4, 1, 3 * kernel**2, rows * columns, seed=1), values(1, 1, 4, rows * columns, seed=2)
    padded = np.pad(bottom, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    expected = np.zeros((2, 4, rows, columns), np.float32)
    for n, o, y, x in np.ndindex(*expected.shape):
        window = padded[n, :, y * stride : y * stride + kernel, x * stride : x * stride + kernel].ravel()
        expected[n, o, y, x] = window @ weight[o, 0, :, y * columns + x] + bias * offset[0, 0, o, y * columns + x]
    settings = f"num_output: 4 kernel_size: {kernel} stride: {stride} pad: {pad} bias_term: {str(bias).lower()}"
    it = layer("Local", "a", f"local_param {{ {settings} }}")
    found = run(it, [bottom], {"it": [weight, offset][: 1 + bias]})
    assert np.allclose(found, expected, atol=1e-5)


def test_local_filters_refuse() -> None:
    with pytest.raises(DefinitionError, match="kernel_size 7 and stride 1 must be positive, and the kernel not larger"):
        run(layer("Local", "a", "local_param { num_output: 4 kernel_size: 7 }"), [values(1, 1, 5, 9)])


def test_regions_of_poses() -> None:
    """xinghaochen/Pose-REN: regions of 4 x 6 pixels around the second joint, moved into an image of 20 x 30 pixels."""
    text = "{'joint_idx': 1, 'roi_h': 2, 'roi_w': 3, 'img_h': 20, 'img_w': 30, 'spatial_mul': 2}"
    it = layer("Python", "a", PYTHON.format("python_layers.py_generate_roi_layer", "PyGenerateROILayer", text))
    poses = np.zeros((3, 6), np.float32)
    poses[1, 3:5] = -1, 1
    poses[2, 3:5] = 0.99, -0.5
    expected = [[0, 12, 8, 18, 12], [1, 0, 15, 6, 19], [2, 23, 3, 29, 7]]
    assert np.allclose(run(it, [poses]), expected, atol=1e-5)
    with pytest.raises(DefinitionError, match="joint_idx 1 is outside the pose's 1 joints"):
        run(it, [poses[:, :3]])
    with pytest.raises(DefinitionError, match=r"param_str .*'spatial_mul'"):
        run(it.replace(", 'spatial_mul': 2", ""), [poses])


def test_the_largest_of_several_scales() -> None:
    """beacandler/R2CNN: two regions at three scales of the image; the largest of negative values is 0."""
    regions = np.array([1, -5, 4, -2, 3, -9], np.float32).reshape(6, 1, 1, 1)
    it = layer("Python", "ab", PYTHON.format("maxout_layer.layer", "MaxoutLayer", ""))
    info = np.array([[600, 800, 1, 2, 4]], np.float32)
    assert run(it, [regions, info]).ravel().tolist() == [4, 0]
    with pytest.raises(DefinitionError, match="6 regions cannot be of 4 scales each"):
        run(it, [regions, values(1, 6)])


def test_a_concat_that_clips() -> None:
    """demonzyj56/py-faster-rcnn: the first bottom can be a row and a column larger."""
    first, second = values(1, 2, 4, 5), values(1, 3, 3, 5, seed=1)
    it = layer("Python", "ab", PYTHON.format("concat_layer.layer", "PythonConcatLayer", ""))
    top = run(it, [first, second])
    assert np.array_equal(top[:, :2], first[:, :, :3])
    assert np.array_equal(top[:, 2:], second)
    with pytest.raises(DefinitionError, match="as high and wide as the second, or a pixel more"):
        run(it, [second, first])


def test_values_by_anchor() -> None:
    """demonzyj56/py-faster-rcnn: rows ordered by place, then by anchor."""
    bottom = values(1, 6, 2, 4)
    it = layer("Python", "a", PYTHON.format("misc.transpose_layer", "TransposeLayer", "'num_anchors': 3"))
    expected = [bottom[0, 2 * k : 2 * k + 2, y, x] for y in range(2) for x in range(4) for k in range(3)]
    assert np.array_equal(run(it, [bottom]), np.stack(expected))
    with pytest.raises(DefinitionError, match="num_anchors 4 must divide 6 channels"):
        run(it.replace(": 3", ": 4"), [bottom])
