"""Maps and windows along one axis, against brute force and Caffe's own blobs."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcnkit.caffe import prototxt
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.geometry.grids import AxisWindow, Grid, Map, exactly
from tests.paths import LAYERS


@given(st.fractions(min_value=Fraction(1, 64), max_value=64), st.fractions(), st.fractions())
def test_a_map_after_its_inverse_moves_nothing(scale, shift, other):
    there = Map(scale, shift)
    assert there.after(there.inverse()) == there.inverse().after(there) == Map()
    step = Map(Fraction(2), other)
    assert step.after(there) == Map(2 * scale, 2 * shift + other)


@pytest.mark.parametrize(
    ("scale", "shift", "text"),
    [
        (1, 0, "x"),
        (1, -3, "x - 3"),
        ("1/32", "5/16", "x/32 + 0.3125"),
        (2, "1/2", "2x + 0.5"),
        ("2/3", "1/3", "2x/3 + 1/3"),
    ],
)
def test_maps_in_words(scale, shift, text):
    assert str(Map(Fraction(scale), Fraction(shift))) == text


def test_numbers_are_never_rounded():
    assert [exactly(Fraction(value)) for value in ("18.5", "-99", "1/3", "1/1024")] == [
        "18.5",
        "-99",
        "1/3",
        "0.0009765625",
    ]
    assert exactly(Fraction(1, 2**40)) == f"1/{2**40}"


@pytest.mark.parametrize(("bottom", "top"), [(2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_last_window_that_begins_in_the_padding_is_dropped(bottom, top):
    """Kernel 2, stride 2, pad 1: windows begin at -1, 1, 3, .. and must begin before pixel bottom + 1 - 1."""
    assert AxisWindow(2, 2, 1, ceil=True, padded=True).size(bottom) == top


downs = st.builds(AxisWindow, st.integers(1, 7), st.integers(1, 4), st.integers(0, 3))


@given(st.lists(downs, min_size=1, max_size=4), st.integers(0, 5))
def test_grids_are_where_the_pixels_that_are_read_lie(windows, pixel):
    """Trace back by hand which pixels of the input a pixel reads: their middle and their number."""
    grid, first, last = Grid(), pixel, pixel
    for window in windows:
        grid = grid.through("layer", window)
    for window in reversed(windows):
        first = first * window.stride - window.pad
        last = last * window.stride - window.pad + window.kernel - 1
    assert grid.start + pixel * grid.stride == Fraction(first + last, 2)
    assert grid.field == last - first + 1


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 3), st.integers(0, 5))
def test_deconvolutions_grids_are_where_the_pixels_that_are_written_lie(kernel, stride, pad, pixel):
    window = AxisWindow(kernel, stride, pad, up=True)
    written = [stride * pixel - pad + tap for tap in range(kernel)]
    assert window.map.scale * pixel + window.map.shift == Fraction(written[0] + written[-1], 2)
    readers = [sum(0 <= top - stride * bottom < kernel for bottom in range(-20, 20)) for top in range(stride)]
    assert window.reach + 1 == max(readers)


@pytest.mark.parametrize(
    "case", sorted(path.name for path in LAYERS.iterdir() if re.match("conv|deconv|pool", path.name))
)
def test_sizes_are_those_of_caffes_blobs(case):
    net = prototxt.read(LAYERS / case / "net.prototxt")
    blobs = np.load(LAYERS / case / "blobs.npz")
    shapes = {key.removeprefix("out/"): blobs[key].shape for key in blobs if key.startswith("out/")}
    compared = 0
    for traced_layer in Coordinates(net).layers:
        if traced_layer.windows is not None:
            bottom, top = shapes[traced_layer.bottoms[0]], shapes[traced_layer.tops[0]]
            assert tuple(window.size(n) for window, n in zip(traced_layer.windows, bottom[2:], strict=True)) == top[2:]
            compared += 1
    spatial = [one for one in net.layer if one.type in ("Convolution", "Deconvolution", "Pooling")]
    flat = [one for one in spatial if len(shapes[one.bottom[0]]) != 4 or one.pooling_param.global_pooling]
    assert compared == len(spatial) - len(flat)
