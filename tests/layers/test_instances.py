"""Layers of MNC, against loops written after the fork's CUDA and Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net, tops_of, values


def at(plane: np.ndarray, y: float, x: float) -> float:
    """The value of a plane between its pixels; 0 more than half a pixel outside."""
    height, width = plane.shape
    if y < -0.5 or y > height - 0.5 or x < -0.5 or x > width - 0.5:
        return 0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    low, right = min(top + 1, height - 1), min(left + 1, width - 1)
    above = plane[top, left] * (1 - (x - left)) + plane[top, right] * (x - left)
    below = plane[low, left] * (1 - (x - left)) + plane[low, right] * (x - left)
    return float(above * (1 - (y - top)) + below * (y - top))


def test_regions_are_warped() -> None:
    """The second region is off the map in part, the third has no width: all its columns are the same."""
    features = values(2, 3, 5, 7)
    regions = np.array([[0, 3, 2, 11, 8], [1, 6, 1, 30, 9], [1, 4, 0, 4, 10], [0, 5, 9, 1, 1]], np.float32)
    top = apply("ROIWarping", "roi_warping_param { pooled_h: 4 pooled_w: 3 spatial_scale: 0.5 }", features, regions)
    assert top.shape == (4, 3, 4, 3)
    for n, (image, *corners) in enumerate(regions):
        left, upper, right, lower = (math.floor(corner * 0.5 + 0.5) for corner in corners)
        for c, ph, pw in np.ndindex(3, 4, 3):
            y = upper + ph * max(lower - upper, 0) / 4
            x = left + pw * max(right - left, 0) / 3
            assert top[n, c, ph, pw] == pytest.approx(at(features[int(image), c], y, x), abs=1e-5)
    with pytest.raises(DefinitionError, match="pooled_h and pooled_w must be positive"):
        layer_net("ROIWarping", "", [(1, 3, 5, 7), (1, 5)])


def test_masks_are_resized() -> None:
    """To more than twice the size the last row lies more than half a pixel beyond the mask's."""
    bottom = values(2, 1, 4, 5)
    for height, width in ((3, 3), (9, 5), (12, 15)):
        top = apply("MaskResize", f"mask_resize_param {{ output_height: {height} output_width: {width} }}", bottom)
        assert top.shape == (2, 1, height, width)
        for n, h, w in np.ndindex(2, height, width):
            assert top[n, 0, h, w] == pytest.approx(at(bottom[n, 0], h * 4 / height, w * 5 / width), abs=1e-5)
    assert not top[:, :, -1].any()
    with pytest.raises(DefinitionError, match="output_height and output_width must be positive"):
        layer_net("MaskResize", "mask_resize_param { output_width: 3 }", [(1, 1, 4, 4)])


def test_features_are_masked() -> None:
    features, mask = values(2, 3, 2, 4), values(2, 1, 2, 4, seed=1)
    top = apply("MaskPooling", "", features, mask)
    for n, c, h, w in np.ndindex(2, 3, 2, 4):
        assert top[n, c, h, w] == pytest.approx(features[n, c, h, w] * mask[n, 0, h, w])


def python(kind: str) -> str:
    module, name = kind.rsplit(".", 1)
    return f'python_param {{ module: "{module}" layer: "{name}" }}'


def test_rows_become_masks() -> None:
    bottom = values(2, 9)
    top = apply("Python", python("pylayer.mask_layer.MaskLayer"), bottom)
    assert top.shape == (2, 1, 3, 3)
    assert top[1, 0, 1, 2] == bottom[1, 5]
    with pytest.raises(DefinitionError, match="8 values are no square mask"):
        layer_net("Python", python("pylayer.mask_layer.MaskLayer"), [(1, 8)])


def test_regions_of_the_next_stage() -> None:
    """Region 0 is 10 x 20 pixels with its centre at (5, 10), and moves by its class 1: a half right, double height.

    Region 1 keeps its place by class 0, and is clipped to the image of 30 x 40 pixels.
    """
    regions = np.array([[0, 0, 0, 9, 19], [0, 20, 20, 59, 39]], np.float32)
    offsets = np.full((2, 8), 9, np.float32)
    offsets[0, 4:] = 0.5, 0, 0, np.log(2)
    offsets[1, :4] = 0
    scores = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
    kind = python("pylayer.stage_bridge_layer.StageBridgeLayer")
    info = np.array([[30, 40, 1]], np.float32)
    top = apply("Python", kind, regions, offsets, scores, info)
    assert np.allclose(top, [[0, 5, 0, 15, 29], [0, 20, 20, 39, 29]])
    with pytest.raises(DefinitionError, match="3 classes need 12 offsets for each region"):
        layer_net("Python", kind, [(2, 5), (2, 8), (2, 3), (1, 3)])


def test_regions_are_proposed_as_by_faster_rcnn() -> None:
    settings = 'python_param {{ module: "{}" layer: "ProposalLayer" param_str: "{{\'feat_stride\': 16}}" }}'
    bottoms = [np.abs(values(1, 18, 4, 6)), values(1, 36, 4, 6, seed=1) / 9, np.array([[64, 96, 1]], np.float32)]
    shapes = [bottom.shape for bottom in bottoms]
    one, other = (
        tops_of(layer_net("Python", settings.format(module), shapes), *bottoms)[0]
        for module in ("pylayer.proposal_layer", "rpn.proposal_layer")
    )
    assert len(one) > 1
    assert np.array_equal(one, other)
