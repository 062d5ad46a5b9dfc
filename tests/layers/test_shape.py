"""Layers that give a blob another shape."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import apply, layer_net, tops_of, values

X = values(2, 3, 4, 6)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ("", (2, 72)),
        ("axis: 0", (144,)),
        ("axis: -2", (2, 3, 24)),
        ("axis: 1 end_axis: -2", (2, 12, 6)),
        ("axis: 2 end_axis: 2", (2, 3, 4, 6)),
    ],
)
def test_flatten(settings: str, shape: tuple[int, ...]) -> None:
    assert np.array_equal(apply("Flatten", f"flatten_param {{ {settings} }}", X), X.reshape(shape))


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ("shape { dim: [0, -1] }", (2, 72)),
        ("shape { dim: -1 }", (144,)),
        ("shape { dim: [0, 0, 12, 2] }", (2, 3, 12, 2)),
        ("shape { dim: [0, 0, 0, -1, 1] }", (2, 3, 4, 6, 1)),
        ("shape { dim: [3, 0, -1] }", (3, 3, 16)),
        ("shape { dim: [6, 4] } num_axes: 3", (6, 4, 6)),
        ("shape { dim: [6, 5] } num_axes: 3", None),
        ("shape { dim: 6 } num_axes: 2", (6, 4, 6)),
        ("shape { dim: [0, 4, 3] } num_axes: 3", (2, 4, 3, 6)),
        ("shape { dim: 24 } axis: 2", (2, 3, 24)),
        ("shape { dim: [2, -1] } axis: -2", (2, 3, 4, 2, 3)),
        ("shape { dim: 1 } axis: -1", (2, 3, 4, 6, 1)),
        ("shape { dim: 1 } axis: 1 num_axes: 0", (2, 1, 3, 4, 6)),
        ("shape { dim: [1, -1] } axis: 1 num_axes: 1", (2, 1, 3, 4, 6)),
        ("shape { dim: [-1, 0] } axis: 1 num_axes: 1", None),
        ("shape { }", None),
    ],
)
def test_reshape(settings: str, shape: tuple[int, ...] | None) -> None:
    if shape is None:
        words = r"layer 'l' \(Reshape\), bottoms \[\(2, 3, 4, 6\)\]: the shape \(.*\) does not suit \d+ elements"
        with pytest.raises(DefinitionError, match=words):
            layer_net("Reshape", f"reshape_param {{ {settings} }}", [X.shape])
        return
    net = layer_net("Reshape", f"reshape_param {{ {settings} }}", [X.shape])
    assert net.shapes["t0"] == shape
    assert np.array_equal(tops_of(net, X)[0], X.reshape(shape))


def test_reshape_of_another_size() -> None:
    net = layer_net("Reshape", "reshape_param { shape { dim: [0, -1, 2] } }", [X.shape])
    assert tops_of(net, values(7, 5, 2, 3))[0].shape == (7, 15, 2)
    assert tops_of(net, values(0, 5, 2, 3))[0].shape == (0, 15, 2)
    words = r"layer 'l' \(Reshape\) cannot work with 'b0' \(1, 5, 1, 3\): the shape \(-1, 2\) does not suit 15 elements"
    with pytest.raises(InputError, match=words):
        net(torch.zeros(1, 5, 1, 3))
    dynamic = {"inputs": ({0: torch.export.Dim.DYNAMIC},)}
    exported = torch.export.export(net, (torch.from_numpy(X),), dynamic_shapes=dynamic)
    assert exported.module()(torch.zeros(5, 3, 4, 6)).shape == (5, 36, 2)


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("Flatten", "flatten_param { axis: 4 }", "layer 'l': axis 4 is none of the bottom's 4"),
        ("Flatten", "flatten_param { axis: 2 end_axis: 1 }", "layer 'l': axis 2 comes after end_axis 1"),
        ("Reshape", "shape { dim: [-1, -1] }", r"layer 'l': .* -1 once; .* here are shape \[-1, -1\] and num_axes -1"),
        ("Reshape", "shape { dim: -2 }", "layer 'l': a shape has sizes from 1 up"),
        ("Reshape", "shape { dim: 2 } num_axes: -2", "num_axes is at least -1"),
        ("Reshape", "shape { dim: 2 } axis: 5", "axis 5 and num_axes -1 leave the bottom's 4 axes"),
        ("Reshape", "shape { dim: 2 } axis: -6", "axis -6 and num_axes -1 leave the bottom's 4 axes"),
        ("Reshape", "shape { dim: 2 } axis: 3 num_axes: 2", "axis 3 and num_axes 2 leave the bottom's 4 axes"),
        ("Reshape", "shape { dim: [0, 1, 1, 1, 0] }", "the bottom has no axis 4 that size 0 could copy"),
        ("Tile", "", "layer 'l': tiles 0 must be positive"),
        ("Tile", "tile_param { tiles: 2 axis: -5 }", "layer 'l': axis -5 is none of the bottom's 4"),
        ("Im2col", "axis: 3 kernel_size: 1", "layer 'l': no axis follows axis 3 of the bottom"),
        ("Im2col", "kernel_size: 7", r"layer 'l' \(Im2col\), bottoms .*: "),
        ("Im2col", "kernel_size: 2 stride: 0", r"layer 'l': stride \(0, 0\) must be positive"),
        ("Im2col", "", "layer 'l': kernel_size is given 0 times for 2 spatial axes"),
    ],
)
def test_errors(kind: str, settings: str, words: str) -> None:
    param = {"Reshape": "reshape_param { %s }", "Im2col": "convolution_param { %s }"}.get(kind, "%s")
    with pytest.raises(DefinitionError, match=words):
        layer_net(kind, param % settings, [X.shape])


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_tile(axis: int) -> None:
    repeats = [1] * 4
    repeats[axis] = 3
    assert np.array_equal(apply("Tile", f"tile_param {{ tiles: 3 axis: {axis} }}", X), np.tile(X, repeats))


def columns(x: np.ndarray, kernel: list[int], stride: list[int], pad: list[int], dilation: list[int]) -> np.ndarray:
    """Column by column what a window over all axes but the first two covers, written as loops."""
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    places = [(n - e) // s + 1 for n, e, s in zip(padded.shape[2:], extent, stride, strict=True)]
    top = np.empty((len(x), x.shape[1] * int(np.prod(kernel)), *places), np.float32)
    offsets = list(itertools.product(*map(range, kernel)))
    for place in itertools.product(*map(range, places)):
        for channel in range(x.shape[1]):
            for index, offset in enumerate(offsets):
                at = tuple(p * s + o * d for p, s, o, d in zip(place, stride, offset, dilation, strict=True))
                top[(slice(None), channel * len(offsets) + index, *place)] = padded[(slice(None), channel, *at)]
    return top


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "pad", "dilation"),
    [
        ((2, 3, 7, 5), [3, 2], [1, 1], [0, 0], [1, 1]),
        ((2, 3, 7, 5), [2, 3], [2, 1], [1, 2], [3, 1]),
        ((2, 3, 9), [3], [2], [1], [2]),
        ((1, 2, 4, 5, 3), [2, 1, 3], [1, 2, 1], [0, 1, 1], [2, 1, 1]),
    ],
)
def test_im2col(
    shape: tuple[int, ...], kernel: list[int], stride: list[int], pad: list[int], dilation: list[int]
) -> None:
    x = values(*shape)
    fields = {"kernel_size": kernel, "stride": stride, "pad": pad, "dilation": dilation}
    settings = " ".join(f"{name}: {numbers}" for name, numbers in fields.items())
    expected = columns(x, kernel, stride, pad, dilation)
    assert np.array_equal(apply("Im2col", f"convolution_param {{ {settings} }}", x), expected)
    # With more axes before the channels every leading index is an item.
    before = apply("Im2col", f"convolution_param {{ {settings} axis: {1 - len(shape)} }}", x)
    assert np.array_equal(before, expected)
    deeper = apply("Im2col", f"convolution_param {{ {settings} axis: 2 }}", np.stack([x, x]))
    assert np.array_equal(deeper, np.stack([expected, expected]))


def test_im2col_by_the_old_fields() -> None:
    settings = "kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0"
    expected = columns(X, [3, 2], [2, 1], [1, 0], [1, 1])
    assert np.array_equal(apply("Im2col", f"convolution_param {{ {settings} }}", X), expected)
