"""Convolutions by Winograd's minimal filtering, against direct ones in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fcnkit.fast.winograd import Winograd, pays
from tests.fast.nets import apart

PADS = st.tuples(st.integers(0, 5), st.integers(0, 5))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(1, 3),
    st.integers(1, 70),
    st.integers(1, 70),
    st.tuples(st.integers(3, 60), st.integers(3, 60)),
    st.tuples(PADS, PADS),
    st.booleans(),
    st.sampled_from([None, 0.0, 0.1]),
    st.sampled_from([3, 7]),
)
def test_equal_to_a_direct_convolution(
    batch: int,
    channels: int,
    num_output: int,
    size: tuple[int, int],
    pads: tuple[tuple[int, int], tuple[int, int]],
    biased: bool,
    slope: float | None,
    taps: int,
) -> None:
    assume(all(length + sum(pad) >= taps for length, pad in zip(size, pads, strict=True)))
    made = torch.Generator().manual_seed(channels * 100 + num_output)
    bottom = torch.randn(batch, channels, *size, generator=made)
    weight = torch.randn(num_output, channels, taps, taps, generator=made)
    bias = torch.randn(num_output, generator=made) if biased else None
    expected = F.conv2d(
        F.pad(bottom.double(), (*pads[1], *pads[0])), weight.double(), None if bias is None else bias.double()
    )
    if slope is not None:
        expected = F.leaky_relu(expected, slope)
    found = Winograd(weight, bias, slope)(bottom.contiguous(memory_format=torch.channels_last), pads)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert apart(found.double(), expected) <= 5e-6


@pytest.mark.parametrize("taps", [3, 7])
def test_rounding_over_many_channels(taps: int) -> None:
    """Of 512 channels of rectified values, as in an FCN; a direct convolution's error is 3e-7 here."""
    torch.manual_seed(4)
    bottom, weight = torch.randn(1, 512, 30, 30).relu(), torch.randn(64, 512, taps, taps)
    expected = F.conv2d(bottom.double(), weight.double())
    found = Winograd(weight, None, None)(bottom.contiguous(memory_format=torch.channels_last), ((0, 0), (0, 0)))
    assert apart(found.double(), expected) <= 4e-6


@pytest.mark.parametrize(
    ("num_output", "channels", "taps", "top", "expected"),
    [
        (512, 512, 3, (44, 44), True),
        (64, 64, 3, (500, 500), False),
        (512, 512, 3, (14, 14), False),
        (128, 128, 3, (56, 7), False),
        (4096, 512, 7, (16, 16), True),
        (4096, 512, 7, (9, 9), False),
        (512, 512, 5, (44, 44), False),
    ],
)
def test_few_channels_or_pixels_run_directly(
    num_output: int, channels: int, taps: int, top: tuple[int, int], expected: bool
) -> None:
    assert pays(num_output, channels, (taps, taps), top) is expected
