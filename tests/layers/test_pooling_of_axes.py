"""Pooling over other numbers of axes than two, as forks for video have it, against loops over the windows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.deploy import deploy
from fcnkit.caffe.inputs import input_shapes
from fcnkit.errors import DefinitionError, PrototxtError
from tests.layers.build import apply, definition, layer, layer_net, values


def pooled(bottom: np.ndarray, kernel: list[int], stride: list[int], pad: list[int], method: str) -> np.ndarray:
    """As the fork's Reshape and Forward_cpu, window by window; the windows' ends lie on the padding at the most."""
    sizes = bottom.shape[2:]
    counts = [-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in zip(sizes, kernel, stride, pad, strict=True)]
    counts = [c - 1 if p and (c - 1) * s >= n + p else c for c, n, s, p in zip(counts, sizes, stride, pad, strict=True)]
    top = np.zeros((*bottom.shape[:2], *counts), np.float32)
    for place in product(*map(range, counts)):
        starts = [i * s - p for i, s, p in zip(place, stride, pad, strict=True)]
        ends = [min(a + k, n + p) for a, k, n, p in zip(starts, kernel, sizes, pad, strict=True)]
        inside = tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(starts, ends, sizes, strict=True))
        window = bottom[(slice(None), slice(None), *inside)].reshape(*bottom.shape[:2], -1)
        whole = np.prod([b - a for a, b in zip(starts, ends, strict=True)])
        top[(slice(None), slice(None), *place)] = window.max(2) if method == "MAX" else window.sum(2) / whole
    return top


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(
    ("settings", "kernel", "stride", "pad"),
    [
        ("kernel_size: [1, 2, 2] stride: [1, 2, 2]", [1, 2, 2], [1, 2, 2], [0, 0, 0]),
        ("kernel_size: 2 kernel_size: 3 kernel_size: 3 stride: 2 pad: [1, 0, 1]", [2, 3, 3], [2, 2, 2], [1, 0, 1]),
        ("kernel_size: 2 stride: 2", [2, 2, 2], [2, 2, 2], [0, 0, 0]),
    ],
)
def test_three_axes(method: str, settings: str, kernel: list[int], stride: list[int], pad: list[int]) -> None:
    bottom = values(2, 3, 5, 6, 7)
    top = apply("Pooling", f"pooling_param {{ pool: {method} {settings} }}", bottom)
    expected = pooled(bottom, kernel, stride, pad, method)
    assert top.shape == expected.shape
    assert np.allclose(top, expected, atol=1e-6)


def test_one_axis_and_two_by_a_list() -> None:
    line, plane = values(2, 3, 9), values(2, 3, 9, 8)
    top = apply("Pooling", "pooling_param { kernel_size: 4 stride: 3 pad: 1 }", line)
    assert np.array_equal(top, pooled(line, [4], [3], [1], "MAX"))
    top = apply("Pooling", "pooling_param { pool: AVE kernel_size: [3, 2] stride: [2, 1] }", plane)
    assert np.allclose(top, pooled(plane, [3, 2], [2, 1], [0, 0], "AVE"), atol=1e-6)
    top = apply("Pooling", "pooling_param { kernel_size: [3] stride: 2 }", plane)
    assert np.array_equal(top, pooled(plane, [3, 3], [2, 2], [0, 0], "MAX"))


@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_global_pooling(method: str) -> None:
    bottom = values(2, 3, 2, 4, 3)
    top = apply("Pooling", f"pooling_param {{ pool: {method} global_pooling: true }}", bottom)
    whole = bottom.reshape(2, 3, -1)
    expected = whole.max(2) if method == "MAX" else whole.mean(2)
    assert np.allclose(top.reshape(2, 3), expected, atol=1e-6)
    assert top.shape == (2, 3, 1, 1, 1)


@pytest.mark.parametrize("method", ["MAX", "AVE"])
def test_pooling_nd(method: str) -> None:
    """3D-Caffe's layer of its own."""
    bottom, plane = values(1, 2, 4, 5, 6), values(1, 2, 5, 6)
    top = apply("PoolingND", f"pooling_nd_param {{ pool: {method} kernel_size: 2 stride: 2 }}", bottom)
    assert np.allclose(top, pooled(bottom, [2, 2, 2], [2, 2, 2], [0, 0, 0], method), atol=1e-6)
    settings = "kernel_size: [3, 2] stride: 2 pad: [1, 0]"
    top = apply("PoolingND", f"pooling_nd_param {{ pool: {method} {settings} }}", plane)
    assert np.allclose(top, pooled(plane, [3, 2], [2, 2], [1, 0], method), atol=1e-6)
    top = apply("PoolingND", f"pooling_nd_param {{ pool: {method} global_pooling: true }}", bottom)
    assert top.shape == (1, 2, 1, 1, 1)
    with pytest.raises(DefinitionError, match=r"PoolingND reads blobs of 3 to 5 axes .* \(1, 2\), axis 1"):
        layer_net("PoolingND", "pooling_nd_param { kernel_size: 2 }", [(1, 2)])


TEXT = """name: "each_stride: 2"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 2, 4, 6, 6] } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
  pooling_param { kernel_size: [1, 2, 2] stride: 1 stride: 2 stride: 2 } }
layer { name: "plain" type: "Pooling" bottom: "pool" top: "plain" pooling_param { kernel_size: 2 stride: 2 } }
"""


def test_definitions_are_written_with_the_forks_names() -> None:
    net = prototxt.parse(TEXT)
    assert list(net.layer[1].pooling_param.each_kernel_size) == [1, 2, 2]
    assert net.layer[2].pooling_param.kernel_size == 2
    text = prototxt.to_text(net)
    assert text.count("each_") == 1  # in the name
    assert text.count("    kernel_size: ") == 4
    assert prototxt.parse(text) == net
    whole = fcnkit.CaffeNet(text)
    assert whole.shapes["plain"] == (1, 2, 2, 2, 2)


def test_data_layers_make_clips() -> None:
    """A net whose pooling has three axes reads clips, also where its convolutions do not state it."""
    net = prototxt.parse(TEXT)
    net.layer[0].type = "VideoData"
    net.layer[0].transform_param.crop_size, net.layer[0].video_data_param.new_length = 6, 4
    assert input_shapes(deploy(net)) == {"data": (1, 3, 4, 6, 6)}


def test_refusals() -> None:
    for settings, problem in [
        ("kernel_size: [2, 2, 2] pad: [0, 2, 0]", r"pad \(0, 2, 0\) must be smaller than the kernel \(2, 2, 2\)"),
        ("kernel_size: [1, 3, 3] stride: [2, 1, 1]", r"stride \(2, 1, 1\) must not exceed the kernel \(1, 3, 3\)"),
        ("kernel_h: 2 kernel_w: 2", "fields for height and width are for 2 spatial axes, not 3"),
        ("kernel_size: [2, 2, 2, 2]", "kernel_size is given 4 times for 3 spatial axes"),
        ("global_pooling: true kernel_size: 2", "global_pooling takes no kernel, no pad and no stride but 1"),
        ("pool: STOCHASTIC kernel_size: 2", "pooling over 3 axes is MAX or AVE, without a mask"),
    ]:
        with pytest.raises(DefinitionError, match=f"layer 'l': {problem}"):
            layer_net("Pooling", f"pooling_param {{ {settings} }}", [(1, 2, 4, 6, 6)])
    with pytest.raises(DefinitionError, match="Pooling reads blobs of 3 to 5 axes"):
        layer_net("Pooling", "pooling_param { kernel_size: 2 }", [(1, 2)])
    with pytest.raises(PrototxtError, match="kernel_size"):
        prototxt.parse(definition(layer("Pooling", "a", 'pooling_param { kernel_size: [1, "two"] }'), {"a": [1, 1, 1]}))
