"""Pooling beyond plain windows: masks, random choices, whole planes, pyramids."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import apply, layer_net, tops_of, values


def windows(size: int, kernel: int, stride: int, pad: int) -> list[tuple[int, int]]:
    """Start and end of each window along an axis in a layer with padding, as pooling_layer.cpp walks them."""
    count = -(-(size + 2 * pad - kernel) // stride) + 1
    count -= (count - 1) * stride >= size + pad
    return [(max(i * stride - pad, 0), min(i * stride - pad + kernel, size)) for i in range(count)]


@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [((3, 2), (2, 2), (1, 0)), ((4, 3), (1, 3), (3, 2)), ((2, 2), (3, 3), (1, 1))]
)
def test_the_mask_holds_the_places_of_the_maxima(
    kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int]
) -> None:
    # Few different values: of equal ones the first in the window counts.
    x = np.random.default_rng(0).integers(-2, 2, (2, 3, 7, 8)).astype(np.float32)
    settings = f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]}"
    settings = f"pooling_param {{ {settings} pad_h: {pad[0]} pad_w: {pad[1]} }}"
    net = layer_net("Pooling", settings, [x.shape], tops=2)
    top, mask = tops_of(net, x)
    rows, columns = (windows(x.shape[2 + i], kernel[i], stride[i], pad[i]) for i in (0, 1))
    assert net.shapes["t0"] == net.shapes["t1"] == top.shape == mask.shape == (2, 3, len(rows), len(columns))
    assert mask.dtype == np.float32
    for i, (upper, lower) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            window = x[:, :, upper:lower, left:right].reshape(2, 3, -1)
            first = window.argmax(-1)
            assert np.array_equal(top[:, :, i, j], window.max(-1))
            row, column = np.divmod(first, right - left)
            assert np.array_equal(mask[:, :, i, j], (upper + row) * 8 + left + column)
    assert np.array_equal(top, apply("Pooling", settings, x))


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "dilation"), [(2, 1, 0, 2), (3, 2, 1, 2), (2, 1, 0, 4), (3, 3, 1, 1)]
)
def test_dilated_windows(kernel: int, stride: int, pad: int, dilation: int) -> None:
    """The pooling of naibaf7's SK-nets, whose windows skip pixels; the number of windows is rounded up."""
    x = values(2, 3, 9, 10)
    settings = f"kernel_size: {kernel} stride: {stride} pad: {pad} dilation: {dilation}"
    top = apply("Pooling", f"pooling_param {{ {settings} }}", x)
    span = (kernel - 1) * dilation + 1
    lines = [
        [
            [at for at in range(start - pad, start - pad + span, dilation) if 0 <= at < size]
            for start in range(0, size + pad, stride)
            if start - stride + span < size + 2 * pad
        ]
        for size in (9, 10)
    ]
    expected = [[x[:, :, rows][:, :, :, columns].max((2, 3)) for columns in lines[1]] for rows in lines[0]]
    assert np.array_equal(top, np.moveaxis(expected, (0, 1), (2, 3)))
    # The same over one more axis.
    volume = np.stack([x, x - 1, x - 2], 2)
    more = f"kernel_size: [1, {kernel}, {kernel}] stride: [1, {stride}, {stride}] pad: [0, {pad}, {pad}]"
    more += f" dilation: [1, {dilation}, {dilation}]"
    found = apply("Pooling", f"pooling_param {{ {more} }}", volume)
    assert np.array_equal(found, np.stack([top, top - 1, top - 2], 2))


def test_a_mask_of_the_whole_plane() -> None:
    x = values(2, 3, 4, 5)
    top, mask = tops_of(layer_net("Pooling", "pooling_param { global_pooling: true }", [x.shape], tops=2), x)
    assert np.array_equal(top.flatten(), x.max((2, 3)).flatten())
    assert np.array_equal(mask.flatten(), x.reshape(6, -1).argmax(1))


STOCHASTIC = "pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }"


def test_stochastic_pooling_in_eval_mode_is_the_expected_value() -> None:
    x = np.abs(values(2, 3, 6, 7))
    x[0, 0] = 0
    top = apply("Pooling", STOCHASTIC, x)
    assert top.shape == (2, 3, 3, 3)
    for i in range(3):
        for j in range(3):
            window = x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].reshape(2, 3, -1)
            total = window.sum(-1)
            expected = np.divide((window**2).sum(-1), total, out=np.zeros_like(total), where=total > 0)
            assert np.allclose(top[:, :, i, j], expected, rtol=1e-5)


def test_stochastic_pooling_in_train_mode_draws_by_value() -> None:
    x = torch.tensor([[0.0, 1, 2], [0, 5, 0], [1, 3, 4]]).reshape(1, 1, 3, 3)
    net = layer_net("Pooling", STOCHASTIC.replace("3", "2"), [(1, 1, 3, 3)]).train()
    torch.manual_seed(0)
    drawn = net(x.expand(20000, 1, 3, 3))
    assert drawn.shape == (20000, 1, 2, 2)
    for place, shares in {
        (0, 0): {1: 1 / 6, 5: 5 / 6},
        (0, 1): {2: 1},
        (1, 0): {1: 1 / 4, 3: 3 / 4},
        (1, 1): {4: 1},
    }.items():
        column = drawn[:, 0, place[0], place[1]]
        assert sum((column == value).sum().item() for value in shares) == 20000
        for value, share in shares.items():
            assert (column == value).float().mean().item() == pytest.approx(share, abs=0.015)


def test_the_gradient_of_stochastic_pooling_goes_to_what_was_drawn() -> None:
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    with torch.no_grad():
        x[0, 0, 1, 0] = 3
    layer_net("Pooling", STOCHASTIC.replace("3", "2"), [x.shape]).train()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("size", [(13, 9), (8, 4), (7, 12)])
def test_a_pyramid_pools_over_ever_more_windows(size: tuple[int, int], method: str) -> None:
    x = values(2, 3, *size)
    parts = []
    for bins in (1, 2, 4):
        kernel = [-(-n // bins) for n in size]
        pad = [(k * bins - n + 1) // 2 for k, n in zip(kernel, size, strict=True)]
        pair = f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {kernel[0]} stride_w: {kernel[1]}"
        level = apply("Pooling", f"pooling_param {{ pool: {method} {pair} pad_h: {pad[0]} pad_w: {pad[1]} }}", x)
        assert level.shape == (2, 3, bins, bins)
        parts.append(level.reshape(2, -1))
    # Built for one size, run at another.
    net = layer_net("SPP", f"spp_param {{ pyramid_height: 3 pool: {method} }}", [(1, 3, 16, 16)])
    assert np.allclose(tops_of(net, x)[0], np.concatenate(parts, 1), atol=1e-6)


def test_a_pyramid_of_one_level_is_not_flattened() -> None:
    x = values(2, 3, 4, 5)
    assert np.array_equal(apply("SPP", "spp_param { pyramid_height: 1 }", x), x.max((2, 3), keepdims=True))


def test_a_stochastic_pyramid() -> None:
    x = np.abs(values(2, 3, 4, 6))
    whole = (x**2).sum((2, 3)) / x.sum((2, 3))
    quarters = "kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 3"
    top = apply("SPP", "spp_param { pyramid_height: 2 pool: STOCHASTIC }", x)
    assert np.allclose(top[:, :3], whole, rtol=1e-5)
    level = apply("Pooling", f"pooling_param {{ pool: STOCHASTIC {quarters} }}", x)
    assert np.allclose(top[:, 3:], level.reshape(2, -1))
    net = layer_net("SPP", "spp_param { pyramid_height: 2 pool: STOCHASTIC }", [x.shape])
    with pytest.raises(InputError, match="STOCHASTIC pooling needs a size that 2 windows divide"):
        net(torch.zeros(1, 3, 5, 6))


PAIR = "give {0}, or {0}_h and {0}_w"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("pool: AVE kernel_size: 2 } top: 'm' relu_param {", r"layer 'l' \(Pooling\) makes 1 tops, 2 are named"),
        ("pool: STOCHASTIC kernel_size: 2 pad: 1", "only MAX and AVE pooling can have a pad, not STOCHASTIC"),
        ("kernel_size: 2 pad_h: 1", PAIR.format("pad")),
        ("kernel_size: 2 pad: 1 pad_h: 1 pad_w: 1", PAIR.format("pad")),
        ("kernel_size: 2 stride_w: 1", PAIR.format("stride")),
        ("global_pooling: true kernel_size: 2", "global_pooling takes no kernel, no pad and no stride but 1"),
        ("global_pooling: true stride: 2", "global_pooling takes"),
        ("global_pooling: true pad: 1", "global_pooling takes"),
        ("kernel_size: 2 dilation: 2 pool: AVE", "dilation is for MAX, without a mask, with one pad"),
        ("kernel_size: 2 dilation: 2 stride: 3", "with dilation, stride and twice pad are up to the kernel"),
    ],
)
def test_errors(settings: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        layer_net("Pooling", f"pooling_param {{ {settings} }}", [(2, 3, 5, 5)])


def test_errors_of_pyramids() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': pyramid_height 0 must be positive"):
        layer_net("SPP", "", [(2, 3, 5, 5)])
    with pytest.raises(DefinitionError, match=r"layer 'l' \(SPP\), .*: 4 windows along each axis need a larger bottom"):
        layer_net("SPP", "spp_param { pyramid_height: 4 }", [(2, 3, 5, 5)])


def test_bottoms_of_other_than_four_axes() -> None:
    with pytest.raises(DefinitionError, match=r"layer 'l': SPP reads blobs of 4 axes, not of shape \(2, 3\)"):
        layer_net("SPP", "spp_param { pyramid_height: 1 }", [(2, 3)])
    with pytest.raises(DefinitionError, match=r"layer 'l': Pooling reads blobs of 3 to 5 axes, .* of shape \(2, 3\)"):
        layer_net("Pooling", "pooling_param { kernel_size: 1 }", [(2, 3)])
