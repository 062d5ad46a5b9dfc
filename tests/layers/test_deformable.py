"""Deformable convolutions, against loops written after the fork's CUDA and PyTorch's convolution."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fcnkit.caffe import prototxt
from fcnkit.caffe.inputs import input_shapes
from fcnkit.errors import DefinitionError
from fcnkit.net.conversion import prepare
from tests.layers.build import layer, net, run, values


def deformable(settings: str) -> str:
    return layer("DeformableConvolution", "ab", f"deformable_convolution_param {{ num_output: 4 {settings} }}")


def test_without_offsets_it_is_a_convolution() -> None:
    bottom, weight, bias = values(2, 4, 6, 7), values(4, 2, 3, 2, seed=1), values(4, seed=2)
    settings = "kernel_h: 3 kernel_w: 2 stride: 2 pad: 1 dilation: 2 group: 2 deformable_group: 2"
    offsets = np.zeros((2, 2 * 6 * 2, 6, 7), np.float32)
    top = run(deformable(settings), [bottom, offsets], {"it": [weight, bias]})
    expected = F.conv2d(*map(torch.from_numpy, (bottom, weight, bias)), stride=2, padding=1, dilation=2, groups=2)
    assert top.shape == (2, 4, 2, 4)
    assert np.allclose(top, expected, atol=1e-5)


def at(plane: np.ndarray, y: float, x: float) -> float:
    """The value of a plane at a place; 0 outside, and that of the last row or column behind its pixels' centres."""
    height, width = plane.shape
    if y < 0 or x < 0 or y >= height or x >= width:
        return 0
    y, x = min(y, height - 1), min(x, width - 1)
    top, left = math.floor(y), math.floor(x)
    low, right = min(top + 1, height - 1), min(left + 1, width - 1)
    return float(
        plane[top, left] * (top + 1 - y) * (left + 1 - x)
        + plane[top, right] * (top + 1 - y) * (x - left)
        + plane[low, left] * (y - top) * (left + 1 - x)
        + plane[low, right] * (y - top) * (x - left)
    )


@pytest.mark.parametrize("pad", [1, 0])
def test_taps_are_read_where_the_offsets_move_them(pad: int) -> None:
    """Two groups of channels with offsets of their own, of up to some pixels, partly outside of the bottom.

    Without pad the top is smaller, and the offsets of an image are read one after the other as if they had its size.
    """
    bottom, weight = values(2, 4, 5, 6), values(4, 4, 3, 3, seed=1)
    offsets = 2 * values(2, 2 * 9 * 2, 5, 6, seed=2)
    top = run(
        deformable(f"kernel_size: 3 pad: {pad} deformable_group: 2 bias_term: false"),
        [bottom, offsets],
        {"it": [weight]},
    )
    height, width = 3 + 2 * pad, 4 + 2 * pad
    assert top.shape == (2, 4, height, width)
    for n, o, h, w in np.ndindex(top.shape):
        total = 0.0
        for c, i, j in np.ndindex(4, 3, 3):
            first = c // 2 * 18 + 2 * (i * 3 + j)
            down, right = (((first + axis) * height + h) * width + w for axis in (0, 1))
            y = h - pad + i + float(offsets[n].ravel()[down])
            x = w - pad + j + float(offsets[n].ravel()[right])
            total += float(weight[o, c, i, j]) * at(bottom[n, c], y, x)
        assert top[n, o, h, w] == pytest.approx(total, abs=1e-3)


def test_what_does_not_fit_is_an_error() -> None:
    bottom = values(1, 4, 5, 6)
    for settings, offsets, problem in (
        ("kernel_size: 3 pad: 1", values(1, 18, 5, 6), "must be as large as the bottom and have 72 channels"),
        ("kernel_size: 3", values(1, 72, 3, 4), "must be as large as the bottom and have 72 channels"),
        ("kernel_size: 3 pad: 2", values(1, 72, 5, 6), "and the top, 7 x 8, no larger"),
        ("kernel_size: 3 deformable_group: 3", values(1, 54, 3, 4), "and deformable_group 3 the channels"),
    ):
        with pytest.raises(DefinitionError, match=problem):
            net(deformable(settings), [bottom, offsets])


def test_the_channels_of_an_input_follow_from_the_filters() -> None:
    """An Input without a shape has 3 channels for each of 2 groups."""
    definition = (
        'layer { name: "a" type: "Input" top: "a" } layer { name: "b" type: "Input" top: "b" input_param {'
        " shape { dim: [1, 2, 500, 500] } } }"
    ) + deformable("kernel_size: 1 group: 2 deformable_group: 1 bias_term: false")
    blobs = {"it": [np.zeros((4, 3, 1, 1), np.float32)]}
    shapes = prepare(prototxt.parse(definition), blobs).definition
    assert input_shapes(shapes)["a"] == (1, 6, 500, 500)
