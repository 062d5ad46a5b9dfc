"""Bilinear pooling by values worked out by hand, and against a circular convolution written out."""

from __future__ import annotations

import ctypes
import sys
from itertools import islice

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from fcnkit.nn.bilinear import random_numbers
from tests.layers.build import layer, net, run, values


def test_bilinear_by_hand() -> None:
    """Two pixels: the products of the channels are 1 * 5 + 2 * 6 and 3 * 5 + 4 * 6."""
    first = np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 1, 2)
    second = np.array([5, 6], np.float32).reshape(1, 1, 1, 2)
    top = run(layer("Bilinear", "ab"), [first, second])
    assert top.shape == (1, 2, 1, 1)
    assert top.ravel().tolist() == [17, 39]


def test_the_generators_first_numbers() -> None:
    """Those that programs in C print after srand(1) on Linux."""
    assert list(islice(random_numbers(), 4)) == [1804289383, 846930886, 1681692777, 1714636915]


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux")
def test_the_generator_of_the_c_library() -> None:
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("no glibc")
    for seed in (1, 42):
        library.srand(seed)
        assert [library.rand() for _ in range(1000)] == list(islice(random_numbers(seed), 1000))


def sketched(first: np.ndarray, second: np.ndarray, outputs: int) -> np.ndarray:
    """All products at their places, pixel by pixel: a circular convolution, without any transform."""
    numbers = random_numbers()
    draws = []
    for bottom in (first, second):
        places = [next(numbers) % outputs for _ in bottom[0]]
        draws.append((places, [2 * (next(numbers) % 2) - 1 for _ in bottom[0]]))
    top = np.zeros((len(first), outputs, *first.shape[2:]))
    for i, (place, sign) in enumerate(zip(*draws[0], strict=True)):
        for j, (other, second_sign) in enumerate(zip(*draws[1], strict=True)):
            top[:, (place + other) % outputs] += outputs * sign * second_sign * first[:, i] * second[:, j]
    return top


@pytest.mark.parametrize("outputs", [8, 7])
def test_compact_bilinear_is_a_circular_convolution(outputs: int) -> None:
    first, second = values(2, 5, 2, 3, seed=1), values(2, 4, 2, 3, seed=2)
    expected = sketched(first, second, outputs)
    it = layer("CompactBilinear", "ab", f"compact_bilinear_param {{ num_output: {outputs} sum_pool: false }}")
    assert np.allclose(run(it, [first, second]), expected, atol=1e-4)
    it = layer("CompactBilinear", "ab", f"compact_bilinear_param {{ num_output: {outputs} }}")
    assert np.allclose(run(it, [first, second]), expected.sum((2, 3), keepdims=True), atol=1e-4)
    assert net(it, [first, second]).shapes["top"] == (2, outputs, 1, 1)


def test_both_bottoms_may_be_one_blob() -> None:
    bottom = values(1, 6, 2, 2)
    it = 'layer { name: "it" type: "CompactBilinear" bottom: "a" bottom: "a" top: "top"'
    it += " compact_bilinear_param { num_output: 16 } }"
    expected = sketched(bottom, bottom, 16).sum((2, 3), keepdims=True)
    assert np.allclose(run(it, [bottom]), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "shapes", "problem"),
    [
        ("Bilinear", [(1, 2, 3, 4), (1, 2, 4, 3)], "both bottoms must have as many images, rows and columns"),
        ("CompactBilinear", [(1, 2, 3, 4), (1, 2, 4, 3)], "num_output must be given, and bottoms of 4 axes"),
    ],
)
def test_refused(kind: str, shapes: list[tuple[int, ...]], problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        net(layer(kind, "ab"), [values(*shape) for shape in shapes])
