"""Random windows: the sizes that Caffe's formulas give, and for pooling the values window by window."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fcnkit
from fcnkit.errors import FcnkitError, InputError

SIZES = st.integers(1, 24)


def net(height: int, width: int, layer: str) -> fcnkit.CaffeNet:
    shape = f"dim: 1 dim: 2 dim: {height} dim: {width}"
    text = f'layer {{ name: "i" type: "Input" top: "x" input_param {{ shape {{ {shape} }} }} }}'
    return fcnkit.CaffeNet(f'{text} layer {{ name: "l" bottom: "x" top: "y" {layer} }}').eval()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_convolution_and_deconvolution(data: st.DataObject) -> None:
    """BVLC/caffe conv_layer.cpp and deconv_layer.cpp, compute_output_shape."""
    draw = data.draw
    kernel, stride, dilation = (tuple(draw(st.integers(1, 4)) for _ in range(2)) for _ in range(3))
    pad = tuple(draw(st.integers(0, 4)) for _ in range(2))
    size = tuple(draw(SIZES) for _ in range(2))
    extent = tuple(dilation[i] * (kernel[i] - 1) + 1 for i in range(2))
    window = {"kernel_size": kernel, "stride": stride, "pad": pad, "dilation": dilation}
    fields = " ".join(f"{name}: {value}" for name, values in window.items() for value in values)
    settings = f"convolution_param {{ num_output: 4 group: 2 {fields} }}"
    if all(size[i] + 2 * pad[i] >= extent[i] for i in range(2)):
        expected = tuple((size[i] + 2 * pad[i] - extent[i]) // stride[i] + 1 for i in range(2))
        model = net(*size, f'type: "Convolution" {settings}')
        assert model.shapes["y"] == (1, 4, *expected)
        assert model(torch.zeros(3, 2, *size)).shape == (3, 4, *expected)
    expected = tuple(stride[i] * (size[i] - 1) + extent[i] - 2 * pad[i] for i in range(2))
    if min(expected) > 0:
        assert net(*size, f'type: "Deconvolution" {settings}').shapes["y"] == (1, 4, *expected)


def caffes_windows(
    size: int, kernel: int, stride: int, pad: int, floor: bool, padded: bool
) -> list[tuple[int, int, int]]:
    """Start, end and divisor's length of each window along an axis, as pooling_layer.cpp walks them.

    padded says whether there is a pad along any axis.
    """
    number = (size + 2 * pad - kernel) / stride
    count = (math.floor(number) if floor else math.ceil(number)) + 1
    if padded and (count - 1) * stride >= size + pad:
        count -= 1
    windows = []
    for index in range(count):
        start = index * stride - pad
        end = min(start + kernel, size + pad)
        windows.append((max(start, 0), min(end, size), end - start))
    return windows


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_pooling(data: st.DataObject) -> None:
    draw = data.draw
    kernel, stride = (tuple(draw(st.integers(1, 5)) for _ in range(2)) for _ in range(2))
    pad = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    size = tuple(draw(SIZES) for _ in range(2))
    method, floor = draw(st.sampled_from(["MAX", "AVE"])), draw(st.booleans())
    assume(all(size[i] + 2 * pad[i] >= kernel[i] for i in range(2)))
    rows, columns = (caffes_windows(size[i], kernel[i], stride[i], pad[i], floor, any(pad)) for i in range(2))
    layer = (
        f'type: "Pooling" pooling_param {{ pool: {method} kernel_h: {kernel[0]} kernel_w: {kernel[1]}'
        f" stride_h: {stride[0]} stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]}"
        f" round_mode: {'FLOOR' if floor else 'CEIL'} }}"
    )
    if any(start >= end for start, end, _ in rows + columns):
        with pytest.raises(FcnkitError, match=r"layer 'l'.*its last window lies outside of the bottom"):
            net(*size, layer)
        return
    x = np.random.default_rng(0).standard_normal((1, 2, *size)).astype(np.float32)
    expected = np.empty((1, 2, len(rows), len(columns)), np.float32)
    for i, (top, bottom, high) in enumerate(rows):
        for j, (left, right, wide) in enumerate(columns):
            window = x[:, :, top:bottom, left:right]
            expected[:, :, i, j] = window.max((2, 3)) if method == "MAX" else window.sum((2, 3)) / (high * wide)
    model = net(*size, layer)
    assert model.shapes["y"] == expected.shape
    assert np.allclose(model(torch.from_numpy(x)).numpy(), expected, atol=1e-5)


def test_a_gap_between_windows_is_an_error_only_where_one_lies_outside() -> None:
    model = net(7, 7, 'type: "Pooling" pooling_param { pool: MAX kernel_size: 1 stride: 3 }')
    assert model(torch.zeros(1, 2, 7, 10)).shape == (1, 2, 3, 4)
    with pytest.raises(InputError, match=r"layer 'l' \(Pooling\) cannot work with 'x' \(1, 2, 8, 7\): its last window"):
        model(torch.zeros(1, 2, 8, 7))
