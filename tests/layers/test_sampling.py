"""Remap, Resize and Transformation against the fork's loops written out, and by values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import definition, layer, net, run, values


def remapped(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Pixel by pixel, as the fork's loops do it."""
    images, channels, height, width = image.shape
    top = np.zeros((images, channels, *places.shape[2:]))
    for n, c, h, w in np.ndindex(*top.shape):
        x, y = places[n, 0, h, w], places[n, 1, h, w]
        for column in (math.floor(x), math.floor(x) + 1):
            for row in (math.floor(y), math.floor(y) + 1):
                if 0 <= column < width and 0 <= row < height:
                    top[n, c, h, w] += (1 - abs(x - column)) * (1 - abs(y - row)) * image[n, c, row, column]
    return top


def test_remap_reads_what_the_loops_read() -> None:
    image, places = values(2, 3, 4, 5), values(2, 2, 6, 3, seed=1) * 3 + 2
    assert np.allclose(run(layer("Remap", "ab"), [image, places]), remapped(image, places), atol=1e-5)


def test_remap_by_hand() -> None:
    """At column 0.5 of row 1 the mean of two values; at a corner beyond the image a quarter of the last value."""
    image = np.array([[1, 2], [3, 5]], np.float32).reshape(1, 1, 2, 2)
    places = np.array([[0.5, 1.5, 1, 9], [1, 1.5, 0, 9]], np.float32).reshape(1, 2, 1, 4)
    assert run(layer("Remap", "ab"), [image, places]).ravel().tolist() == [4, 1.25, 2, 0]


def test_remap_passes_gradients() -> None:
    """Those of both bottoms, against differences."""
    it = net(layer("Remap", "ab"), [values(1, 2, 4, 5), values(1, 2, 3, 3)]).double()
    places = torch.from_numpy(values(1, 2, 3, 3, seed=1)).double() * 2 + 1.3
    bottoms = (torch.from_numpy(values(1, 2, 4, 5)).double().requires_grad_(), places.requires_grad_())
    assert torch.autograd.gradcheck(it, bottoms)


def resized(line: np.ndarray, made: int, scale: float, crop: float) -> list[float]:
    """One axis, as the fork blurs it and interpolates."""
    length = len(line)
    if scale < 1:
        radius = 1 / scale
        whole = int(radius)
        blurred = []
        for x in range(length):
            total = radius * line[x]
            r = 1
            while r < radius:
                total += (radius - r) * (line[max(x - r, 0)] + line[min(x + r, length - 1)])
                r += 1
            blurred.append(total / ((2 * whole + 1) * radius - whole * (whole + 1)))
        line = np.array(blurred)
    top = []
    for i in range(made):
        x = min(max(i / scale + crop, 0), length - 1)
        low = int(x)
        high = min(low + 1, length - 1)
        top.append((high - x) * line[low] + (1 - (high - x)) * line[high])
    return top


@pytest.mark.parametrize(
    ("settings", "size", "scale", "crop"),
    [
        ("height: 9 width: 21", (9, 21), (8 / 4, 20 / 7), (0, 0)),
        ("height: 3 width: 4", (3, 4), (2 / 4, 3 / 7), (0, 0)),
        ("scale: 2", (9, 15), (2, 2), (0, 0)),
        ("scale_x: 0.4 height: 0", (5, 4), (1, 0.4), (0, 0)),
        ("scale: 2 crop: 1", (5, 11), (2, 2), (1, 1)),
        ("scale: 1.5 crop_x: 2", (7, 6), (1.5, 1.5), (0, 2)),
    ],
)
def test_resize_makes_what_the_loops_make(
    settings: str, size: tuple[int, int], scale: tuple[float, float], crop: tuple[float, float]
) -> None:
    bottom = values(1, 2, 5, 8)
    top = run(layer("Resize", "a", f"resize_param {{ {settings} }}"), [bottom])
    wide = np.apply_along_axis(resized, 3, bottom.astype(float), size[1], scale[1], crop[1])
    expected = np.apply_along_axis(resized, 2, wide, size[0], scale[0], crop[0])
    assert top.shape == expected.shape
    assert np.allclose(top, expected, atol=1e-5)


def test_resize_to_the_size_of_a_second_bottom() -> None:
    bottom = values(1, 2, 5, 8)
    like = run(layer("Resize", "ab"), [bottom, values(1, 1, 9, 21)])
    assert np.array_equal(like, run(layer("Resize", "a", "resize_param { height: 9 width: 21 }"), [bottom]))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "give height and width, scale, or a second bottom"),
        ("height: 4", "give height and width, scale, or a second bottom"),
        ("scale: 2 height: 4 width: 4", "give a size or a scale for an axis, and positive"),
        ("scale: -1", "give a size or a scale for an axis, and positive"),
    ],
)
def test_resize_refuses(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        net(layer("Resize", "a", f"resize_param {{ {settings} }}"), [values(1, 2, 5, 8)])


def test_an_axis_of_one_pixel_cannot_be_resized() -> None:
    with pytest.raises(DefinitionError, match="an axis of one pixel, or one cut to a pixel, cannot be resized"):
        net(layer("Resize", "a", "resize_param { height: 4 width: 4 }"), [values(1, 2, 1, 8)])


def test_transformation_subtracts_a_mean_of_each_of_its_bottoms() -> None:
    bottoms = [values(1, 3, 2, 2), values(2, 3, 2, 2, seed=1)]
    more = "transform_param { mean_value: 1 mean_value: 2 mean_value: 3 scale: 0.5 }"
    it = fcnkit.CaffeNet(
        definition(layer("Transformation", "ab", more, "c d"), {"a": bottoms[0].shape, "b": bottoms[1].shape})
    )
    blobs = it.forward_blobs(*map(torch.from_numpy, bottoms))
    for name, bottom in zip("cd", bottoms, strict=True):
        expected = (bottom - np.array([1, 2, 3]).reshape(3, 1, 1)) / 2
        assert np.allclose(blobs[name].numpy(), expected, atol=1e-6)
    for settings, problem in (
        ("crop_size: 2", "crop_size, mirror and mean_file are not supported"),
        ("mean_value: 1 mean_value: 2", "2 mean_value for bottoms"),
    ):
        with pytest.raises(DefinitionError, match=problem):
            net(layer("Transformation", "a", f"transform_param {{ {settings} }}"), [bottoms[0]])


def test_interp_to_the_size_of_a_second_bottom() -> None:
    bottom, like = values(1, 2, 3, 4), values(1, 5, 7, 9)
    more = "interp_param { use_blob_size: true }"
    expected = run(layer("Interp", "a", "interp_param { height: 7 width: 9 }"), [bottom])
    assert np.array_equal(run(layer("Interp", "ab", more), [bottom, like]), expected)
    for bottoms, settings in (("a", more), ("ab", "interp_param { height: 7 width: 9 }")):
        with pytest.raises(DefinitionError, match="layer 'it': a second bottom needs use_blob_size"):
            net(layer("Interp", bottoms, settings), [bottom, like][: len(bottoms)])


def python(name: str, settings: str, top: str = "top") -> str:
    kind = f'python_param {{ module: "python_layers" layer: "{name}" param_str: "{settings}" }}'
    return layer("Python", "", kind, top, top)


def test_positions_and_mean_pixels_by_hand() -> None:
    """Constant blobs of the stated size, which are no inputs."""
    size = "{'height': 2, 'width': 3, 'batch': 2}"
    it = fcnkit.CaffeNet(python("Meshgrid", size) + python("MeanVals", size, "mean"))
    blobs = it.forward_blobs()
    grid, mean = blobs["top"], blobs["mean"]
    assert grid.tolist() == [[[[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]]]] * 2
    assert mean[:, :, 1, 2].tolist() == [[104, 117, 123]] * 2
    with pytest.raises(DefinitionError, match="param_str must give batch, height and width, and positive"):
        fcnkit.CaffeNet(python("Meshgrid", "{'height': 2}"))


def test_resize_from_the_corner_by_hand() -> None:
    """Twice the size: every second pixel is between two, and half of the last one; half the size skips pixels."""
    bottom = np.array([[2, 4, 8], [10, 0, 6]], np.float32).reshape(1, 1, 2, 3)
    twice = "is_pyramid_test: true out_height_scale: 1 out_width_scale: 2"
    found = run(layer("Resize", "a", f"resize_param {{ {twice} }}"), [bottom])
    assert found[0, 0].tolist() == [[2, 3, 4, 6, 8, 4], [10, 5, 0, 3, 6, 3]]
    found = run(layer("Resize", "a", "resize_param { is_pyramid_test: false height: 1 width: 2 }"), [bottom])
    assert found[0, 0].tolist() == [[2, 6]]
    for settings in ("true out_height_scale: 2", "false height: 3"):
        with pytest.raises(DefinitionError, match="with is_pyramid_test give one bottom, and out_height_scale and"):
            net(layer("Resize", "a", f"resize_param {{ is_pyramid_test: {settings} }}"), [bottom])
