"""Layers of forks that move values, by hand or by loops over the formulas of their source."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net, tops_of

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def test_squeeze_and_expand() -> None:
    bottom = normal(1, 3, 1, 2)
    assert apply("Squeeze", "", bottom).shape == (3, 2)
    assert apply("Squeeze", "squeeze_param { axis: -2 }", bottom).shape == (1, 3, 2)
    assert apply("ExpandDimsND", "expand_dims_nd_param { axis: 1 axis: 2 }", normal(2, 3)).shape == (2, 1, 3, 1)
    assert apply("ExpandDimsND", "expand_dims_nd_param { axis: -1 }", normal(2, 3)).shape == (2, 3, 1)
    with pytest.raises(DefinitionError, match="only axes of length 1 can be removed"):
        apply("Squeeze", "squeeze_param { axis: 1 }", bottom)


def test_pads() -> None:
    bottom = np.ones((1, 1, 1, 2), np.float32)
    top = apply("Pad", "pad_param { paddings: [0, 0, 0, 0, 1, 0, 0, 2] constant_values: 7 }", bottom)
    assert top[0, 0].tolist() == [[7, 7, 7, 7], [1, 1, 7, 7]]
    assert apply("Padding", "padding_param { pad_beg: 1 pad_end: 2 }", bottom).shape == (1, 1, 4, 5)
    plane = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    assert apply("Padding", "padding_param { pad_beg: -1 pad_end: -1 }", plane).ravel().tolist() == [5, 6]
    with pytest.raises(DefinitionError, match="layer 'l': paddings are given 2 times for 4 axes"):
        apply("Pad", "pad_param { paddings: [0, 0] }", bottom)
    with pytest.raises(DefinitionError, match="layer 'l': pad_beg and pad_end must have one sign"):
        apply("Padding", "padding_param { pad_beg: -1 pad_end: 1 }", bottom)


def test_flips() -> None:
    plane = np.array([[[[1, 2], [3, 4]]]], np.float32)
    assert apply("Flip", "", plane).ravel().tolist() == [2, 1, 4, 3]
    assert apply("Flip", "flip_param { flip_height: true }", plane).ravel().tolist() == [4, 3, 2, 1]
    steps = np.array([[1, 2], [3, 4]], np.float32)
    assert apply("Reverse", "", steps).tolist() == [[3, 4], [1, 2]]
    assert apply("Reverse", "reverse_param { axis: 1 }", steps).tolist() == [[2, 1], [4, 3]]


def test_transpose() -> None:
    bottom = normal(2, 3, 4)
    top = apply("Transpose", "transpose_param { dim: 2 dim: 0 dim: 1 }", bottom)
    assert top.shape == (4, 2, 3)
    assert top[3, 1, 2] == bottom[1, 2, 3]
    with pytest.raises(DefinitionError, match=r"layer 'l': dim \[0, 1\] must name axes 0 to 2, each once"):
        apply("Transpose", "transpose_param { dim: 0 dim: 1 }", bottom)


@pytest.mark.parametrize("form", ["NHWC", "NCHW", "CRD"])
def test_depth_to_space_and_back(form: str) -> None:
    bottom = normal(2, 12, 3, 4)
    settings = f'block_size: 2 data_format: "{form}"'
    moved = np.moveaxis(bottom, 1, 3) if form == "NHWC" else bottom
    top = apply("DepthToSpace", f"depth_to_space_param {{ {settings} }}", np.ascontiguousarray(moved))
    found = np.moveaxis(top, 3, 1) if form == "NHWC" else top
    for n, d, h, w in np.ndindex(2, 3, 6, 8):
        channel = (d * 2 + h % 2) * 2 + w % 2 if form == "CRD" else d + (h % 2 * 2 + w % 2) * 3
        assert found[n, d, h, w] == bottom[n, channel, h // 2, w // 2]
    assert np.array_equal(apply("SpaceToDepth", f"space_to_depth_param {{ {settings} }}", top), moved)


def test_space_to_batch_and_back() -> None:
    """Pixel (y, x) of the padded plane is in item (y % 2) * 3 + x % 3 of the new batch."""
    bottom = normal(2, 3, 5, 4)
    settings = "block_shape: [2, 3] %s: [0, 1, 0, 1]"
    top = apply("SpaceToBatchND", f"space_to_batch_nd_param {{ {settings % 'paddings'} }}", bottom)
    assert top.shape == (12, 2, 2, 4)
    padded = np.pad(bottom, [(0, 0), (0, 1), (0, 1), (0, 0)])
    for n, y, x in np.ndindex(2, 4, 6):
        assert np.array_equal(top[(y % 2 * 3 + x % 3) * 2 + n, y // 2, x // 3], padded[n, y, x])
    back = apply("BatchToSpaceND", f"batch_to_space_nd_param {{ {settings % 'crops'} }}", top)
    assert np.array_equal(back, bottom)


def test_pixelshuffler() -> None:
    """As in reshape_layer.cpp: channel c goes to channel c / 4, row h * 2 + c / 2 % 2, column w * 2 + c % 2."""
    bottom = normal(1, 8, 2, 3)
    top = apply("Reshape", "reshape_param { pixelshuffler: 2 }", bottom)
    for c, h, w in np.ndindex(8, 2, 3):
        assert top[0, c // 4, h * 2 + c // 2 % 2, w * 2 + c % 4 % 2] == bottom[0, c, h, w]


@pytest.mark.parametrize("positions", ["", "align_corners: true", "half_pixel_centers: true"])
@pytest.mark.parametrize("size", [(5, 9), (2, 3)])
def test_resize_bilinear(positions: str, size: tuple[int, int]) -> None:
    bottom = normal(1, 4, 6, 2)

    def place(index: int, made: int, length: int) -> tuple[int, int, float]:
        corners = "align" in positions
        scale = (length - 1) / (made - 1) if corners else length / made
        at = (index + 0.5) * scale - 0.5 if "half" in positions else index * scale
        low = int(np.floor(at))
        return max(low, 0), min(int(np.ceil(at)), length - 1), at - low

    settings = f"resize_bilinear_param {{ output_height: {size[0]} output_width: {size[1]} {positions} }}"
    top = apply("ResizeBilinear", settings, bottom)
    for y, x in np.ndindex(*size):
        (a, b, v), (c, d, u) = place(y, size[0], 4), place(x, size[1], 6)
        upper = bottom[0, a, c] * (1 - u) + bottom[0, a, d] * u
        lower = bottom[0, b, c] * (1 - u) + bottom[0, b, d] * u
        assert np.allclose(top[0, y, x], upper * (1 - v) + lower * v, atol=1e-5)


def test_resize_nearest() -> None:
    row = np.array([[[[10, 20, 30]]]], np.float32)
    form = 'resize_nearest_neighbor_param { data_format: "NCHW" %s }'
    assert apply("ResizeNearestNeighbor", form % "scale_width: 2", row).ravel().tolist() == [10, 10, 20, 20, 30, 30]
    assert apply("ResizeNearestNeighbor", form % "output_width: 2", row).ravel().tolist() == [10, 20]
    half = apply("ResizeNearestNeighbor", form % "output_width: 2 half_pixel_centers: true", row)
    assert half.ravel().tolist() == [10, 30]
    corners = apply("ResizeNearestNeighbor", form % "output_width: 2 align_corners: true", row)
    assert corners.ravel().tolist() == [10, 30]
    with pytest.raises(DefinitionError, match="layer 'l': align_corners excludes half pixels, data_format is NHWC or"):
        apply("ResizeNearestNeighbor", form % "align_corners: true half_pixel_centers: true", row)


def test_unpooling() -> None:
    bottom = np.array([[[[5, 6]]]], np.float32)
    mask = np.array([[[[3, 6]]]], np.float32)
    top = apply("Unpooling", "unpooling_param { kernel_size: 2 stride: 2 unpool_h: 2 unpool_w: 4 }", bottom, mask)
    assert top[0, 0].tolist() == [[0, 0, 0, 5], [0, 0, 6, 0]]
    # Without a mask at the windows' beginnings; a size that is not given is kernel + stride * (n - 1).
    top = apply("Unpooling", "unpooling_param { kernel_size: 3 stride: 2 }", bottom)
    assert top[0, 0].tolist() == [[5, 0, 6, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    with pytest.raises(DefinitionError, match="layer 'l': unpooling has no pad"):
        apply("Unpooling", "unpooling_param { kernel_size: 2 pad: 1 }", bottom)


def test_unpooling_spreads_over_windows() -> None:
    """Two windows that overlap by a column; at the border of a smaller top the second has two columns of three."""
    bottom = np.array([[[[6, 12]]]], np.float32)
    form = "unpooling_param { unpool: %s kernel_h: 1 kernel_w: 3 stride: 2 unpool_h: 1 unpool_w: %d }"
    assert apply("Unpooling", form % ("TILE", 5), bottom)[0, 0].tolist() == [[6, 6, 18, 12, 12]]
    assert apply("Unpooling", form % ("AVE", 5), bottom)[0, 0].tolist() == [[2, 2, 6, 4, 4]]
    assert apply("Unpooling", form % ("AVE", 4), bottom)[0, 0].tolist() == [[2, 2, 8, 6]]


def test_merge_crop() -> None:
    first, second = normal(1, 2, 2, 3), normal(1, 4, 4, 6)
    top = apply("MergeCrop", "mergecrop_param { forward: [true, true] }", first, second)
    assert np.array_equal(top, np.concatenate([first, second[:, :, 1:3, 1:4]], 1))
    added = apply("MergeCrop", "mergecrop_param { operation: ADD }", first, second[:, :2])
    assert np.allclose(added, first + second[:, :2, 1:3, 1:4])
    with pytest.raises(DefinitionError, match="the second bottom must be as large as the first"):
        apply("MergeCrop", "", second, first)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Add", [5, 7]), ("Sub", [1, 3]), ("Mul", [6, 10]), ("Div", [1.5, 2.5]), ("Maximum", [3, 5]), ("Minimum", [2, 2])],
)
def test_arithmetic_broadcasts(kind: str, expected: list[float]) -> None:
    first, second = np.array([[[3]], [[5]]], np.float32), np.array([2], np.float32)
    assert apply(kind, "", first, second).ravel().tolist() == expected


def test_matmul() -> None:
    first, second = normal(2, 3, 4), normal(2, 5, 4)
    top = apply("MatMul", "matmul_param { transpose_b: true }", first, second)
    assert top.shape == (2, 3, 5)
    assert np.allclose(top[1, 2, 3], sum(first[1, 2, k] * second[1, 3, k] for k in range(4)), atol=1e-5)
    assert np.allclose(apply("MatMul", "", first, second[0].T.copy()), first @ second[0].T, atol=1e-5)
    with pytest.raises(DefinitionError, match="layer 'l': a second bottom or blob_shape must be given"):
        apply("MatMul", "", first)
    with pytest.raises(DefinitionError, match="both factors need the same axes before the last two"):
        apply("MatMul", "", first, normal(1, 4, 5))


@pytest.mark.parametrize("kind", ["Gather", "Scatter"])
def test_exchange_between_processes_passes_blobs_on(kind: str) -> None:
    first, second = normal(2, 3), normal(2, 4)
    tops = tops_of(layer_net(kind, "", [(2, 3), (2, 4)], 2), first, second)
    assert all(map(np.array_equal, tops, (first, second)))
    with pytest.raises(DefinitionError, match=f"layer 'l': a {kind} between processes has as many tops as bottoms"):
        apply(kind, "", first, second)
