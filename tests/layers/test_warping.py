"""Layers that read blobs at stated positions, against loops over pixels and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, definition, layer, layer_net, run, values


def at(image: np.ndarray, n: int, x: float, y: float) -> np.ndarray:
    """The weighted sum of the four pixels around a place; those outside of the image are 0."""
    total = np.zeros(image.shape[1])
    for column in (math.floor(x), math.floor(x) + 1):
        for row in (math.floor(y), math.floor(y) + 1):
            if 0 <= column < image.shape[3] and 0 <= row < image.shape[2]:
                total += (1 - abs(x - column)) * (1 - abs(y - row)) * image[n, :, row, column]
    return total


def warped(image: np.ndarray, flow: np.ndarray, inside) -> np.ndarray:
    """Each pixel at its own place plus the flow, 0 where `inside` is false."""
    top = np.zeros_like(image)
    for n, y, x in np.ndindex(image.shape[0], *image.shape[2:]):
        column, row = x + flow[n, 0, y, x], y + flow[n, 1, y, x]
        if inside(column, row):
            top[n, :, y, x] = at(image, n, column, row)
    return top


IMAGE, FLOW = values(2, 3, 5, 6), 2 * values(2, 2, 5, 6, seed=1)
FLOW[0, :, 2, 2] = (3, 2)  # exactly onto the last pixel
FLOW[1, :, 0, 0] = 0  # and the first


def test_pwc_nets_warp() -> None:
    """Nothing is read from outside of the pixels' centres; the last pixel is inside."""
    expected = warped(IMAGE, FLOW, lambda x, y: 0 <= x <= 5 and 0 <= y <= 4)
    assert expected[0, :, 2, 2] == pytest.approx(IMAGE[0, :, 4, 5])
    assert np.allclose(apply("Warp", "", IMAGE, FLOW), expected, atol=1e-5)


def test_flow_transformer() -> None:
    """Pixels outside of the image are 0, so that its border fades."""
    expected = warped(IMAGE, FLOW, lambda x, y: True)
    assert np.allclose(apply("FlowTransformer", "", IMAGE, FLOW), expected, atol=1e-5)


def test_warping_by_two_flows() -> None:
    """The last row and column are not read: the fork wants the pixel behind each place."""
    expected = warped(IMAGE, FLOW, lambda x, y: 0 <= x < 5 and 0 <= y < 4)
    top = apply("Warping", "", IMAGE, FLOW[:, :1], FLOW[:, 1:])
    assert not expected[0, :, 2, 2].any()
    assert np.allclose(top, expected, atol=1e-5)


LITE = (
    layer("Grid", "b", tops="grid", name="grid")
    + layer("Eltwise", ["grid", "b"], tops="where", name="add")
    + layer("Warp", ["a", "where"], name="warp")
)


def test_liteflownets_warp_reads_positions() -> None:
    """A net with a Grid is LiteFlowNet's; its Warp reads positions, and pixels outside of the image are 0."""
    expected = warped(IMAGE, FLOW, lambda x, y: True)
    assert np.allclose(run(LITE, [IMAGE, FLOW]), expected, atol=1e-5)
    grid = apply("Grid", "", values(2, 4, 2, 3))
    assert grid.tolist() == [[[[0, 1, 2], [0, 1, 2]], [[0, 0, 0], [1, 1, 1]]]] * 2
    # Stored and read again it is the same net.
    it = fcnkit.CaffeNet(definition(LITE, {"a": IMAGE.shape, "b": FLOW.shape})).eval()
    again = fcnkit.CaffeNet(it.prototxt).eval()
    with torch.no_grad():
        assert torch.equal(it(torch.tensor(IMAGE), torch.tensor(FLOW)), again(torch.tensor(IMAGE), torch.tensor(FLOW)))


@pytest.mark.parametrize(("kind", "flows"), [("Warp", [2]), ("FlowTransformer", [2]), ("Warping", [1, 1])])
def test_gradients_and_refusals(kind: str, flows: list[int]) -> None:
    it = layer_net(kind, "", [(1, 2, 4, 5), *((1, channels, 4, 5) for channels in flows)]).double()
    bottoms = [values(1, 2, 4, 5), *(values(1, channels, 4, 5, seed=3) for channels in flows)]
    tensors = [torch.from_numpy(bottom).double().requires_grad_() for bottom in bottoms]
    assert torch.autograd.gradcheck(it, tensors)
    with pytest.raises(DefinitionError, match="the field must have 2 channels, and the size of the image"):
        layer_net(kind, "", [(1, 2, 4, 5), *((1, 3, 4, 5) for _ in flows)])


def test_rand_bi() -> None:
    """Two maps, one of half the size: values at places between pixels, before the first its own."""
    one, two = values(2, 2, 4, 6), values(2, 3, 2, 3, seed=1)
    pixels = np.array([[0, 0, 0], [1, 2, 4], [0, 2, 3], [1, 1, 2]], np.float32)  # item, row, column
    padded = "rand_comp_param { compression_rate: 1 compression_rate: 2 pad: true }"
    top = apply("RandBI", padded, one, two, pixels)
    for index, (item, row, column) in enumerate(pixels.astype(int)):
        assert np.allclose(top[index, :2], one[item, :, row, column])
        expected = at(two, item, max((column - 0.5) / 2, 0), max((row - 0.5) / 2, 0))
        assert np.allclose(top[index, 2:], expected, atol=1e-6)
    plain = apply("RandBI", padded.replace("pad: true", ""), one, two, pixels)
    assert np.allclose(plain[2, 2:], at(two, 0, 1.5, 1), atol=1e-6)
    with pytest.raises(DefinitionError, match="a positive compression_rate for each bottom but the last"):
        layer_net("RandBI", "rand_comp_param { compression_rate: 1 }", [(1, 2, 4, 4), (1, 2, 2, 2), (5, 3)])
    with pytest.raises(DefinitionError, match=r"a last bottom of shape \(pixels, 3\)"):
        layer_net("RandBI", "rand_comp_param { compression_rate: 1 }", [(1, 2, 4, 4), (5, 2)])


def test_liteflownets_regularization() -> None:
    """-x * x; and 2 to the power of 3 times the distance to a pixel's largest channel, times 2 ** 1."""
    bottom = np.array([1, 3, 2, -1], np.float32).reshape(1, 2, 1, 2)
    assert apply("NegSquare", "", bottom).ravel().tolist() == [-1, -9, -4, -1]
    top = apply("ExpMax", "expmax_param { base: 2 scale: 3 shift: 1 }", bottom)
    assert np.allclose(top.ravel(), [2 / 8, 2, 2, 2 / 2**12])
    natural = apply("ExpMax", "", bottom)
    assert np.allclose(natural.ravel(), [math.exp(-1), 1, 1, math.exp(-4)])
    with pytest.raises(DefinitionError, match="layer 'l': base 0 must be positive, or -1 for e"):
        layer_net("ExpMax", "expmax_param { base: 0 }", [(1, 2)])


def test_one_bottom_of_eltwise() -> None:
    """FlowNet 2 scales a flow so."""
    bottom = values(1, 2, 3)
    assert np.allclose(apply("Eltwise", "eltwise_param { coeff: 20 }", bottom), 20 * bottom)
    with pytest.raises(DefinitionError, match="layer 'l': PROD needs at least 2 bottoms, it has 1"):
        layer_net("Eltwise", "eltwise_param { operation: PROD }", [(1, 2)])


def test_sum() -> None:
    one, two, three = (values(2, 3, seed=seed) for seed in range(3))
    assert np.allclose(apply("Sum", "", one, two, three), one + two + three)
    assert np.array_equal(apply("Sum", "", one), one)
    with pytest.raises(DefinitionError, match="the bottoms must have equal shapes"):
        layer_net("Sum", "", [(2, 3), (2, 1)])


def test_factors_from_a_bottom_of_eltwise() -> None:
    """LRCN's LSTM of 2015: a factor for each item of both bottoms, and one for each bottom."""
    one, two = values(2, 3), values(2, 3, seed=1)
    factors = np.array([[1, 0], [2, 5]], np.float32)  # of one, of two; for items 0 and 1
    expected = np.stack([one[0] + 2 * two[0], 0 * one[1] + 5 * two[1]])
    assert np.allclose(apply("Eltwise", "eltwise_param { coeff_blob: true }", one, two, factors), expected)
    settings = "eltwise_param { coeff_blob: true coeff: 1 coeff: -1 }"
    expected = np.stack([one[0] - 2 * two[0], -5 * two[1]])
    assert np.allclose(apply("Eltwise", settings, one, two, factors), expected)
    with pytest.raises(DefinitionError, match="layer 'l': coeff_blob is for SUM, with a last bottom of factors"):
        layer_net("Eltwise", "eltwise_param { coeff_blob: true coeff: 1 }", [(2, 3), (2, 3), (2, 2)])
    with pytest.raises(DefinitionError, match="the factors must have the shape of the first axes behind 2"):
        layer_net("Eltwise", "eltwise_param { coeff_blob: true }", [(2, 3), (2, 3), (2, 3)])


def test_periodic_shuffle() -> None:
    """Channels are groups of num_output; a group goes to one place of each square of 2 x 2 pixels."""
    bottom = np.arange(16, dtype=np.float32).reshape(1, 8, 1, 2)
    top = apply("PeriodicShuffle", "periodic_shuffle_param { num_output: 2 group_size: 2 }", bottom)
    # Channel c of the bottom: 2c and 2c + 1. Output channel 0 takes channels 0, 2 (above) and 4, 6 (below).
    assert top[0, 0].tolist() == [[0, 4, 1, 5], [8, 12, 9, 13]]
    assert top[0, 1].tolist() == [[2, 6, 3, 7], [10, 14, 11, 15]]
    with pytest.raises(DefinitionError, match=r"num_output 3 \* group_size 2 squared channels, not \(1, 8, 1, 2\)"):
        apply("PeriodicShuffle", "periodic_shuffle_param { num_output: 3 group_size: 2 }", bottom)


def test_multiple_instances() -> None:
    """Pixels 0.5 and 0.2: one is positive with 1 - 0.5 * 0.8; 0 and 0 never; the largest value as it is."""
    bottom = np.array([0.5, 0.2, 0, 0], np.float32).reshape(1, 2, 1, 2)
    nor = apply("MIL", "mil_param { type: NOR }", bottom)
    assert nor.shape == (1, 2, 1, 1)
    assert np.allclose(nor.ravel(), [0.6, 0])
    assert np.allclose(apply("MIL", "", bottom).ravel(), [0.5, 0])
    with pytest.raises(DefinitionError, match="layer 'l': MIL reads blobs of 4 axes"):
        layer_net("MIL", "", [(1, 2)])


def test_output_decay() -> None:
    """Identity; in training the gradient has decay times the values, or their signs, added."""
    bottom = np.array([[-2, 0, 0.25]], np.float32)
    for norm, added in (("L1", [-3, 0, 3]), ("L2", [-6, 0, 0.75])):
        settings = f'output_decay_param {{ regularization_type: "{norm}" output_decay: 3 }}'
        assert apply("OutputDecay", settings, bottom).tolist() == bottom.tolist()
        x = torch.from_numpy(bottom).requires_grad_()
        layer_net("OutputDecay", settings, [(1, 3)]).train()(x).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [[1 + each for each in added]]
    with pytest.raises(DefinitionError, match="regularization_type is L1 or L2, not ''"):
        layer_net("OutputDecay", "", [(1, 3)])


def test_sparsify() -> None:
    """Values move by 0.5 towards 0; in training the gradient has coef times the sign of what is left added."""
    bottom = np.array([[-2, -0.5, 0.25, 1]], np.float32)
    assert apply("Sparsify", "sparsify_param { thre: 0.5 coef: 3 }", bottom).tolist() == [[-1.5, 0, 0, 0.5]]
    assert apply("Sparsify", "", bottom).tolist() == bottom.tolist()
    x = torch.from_numpy(bottom).requires_grad_()
    layer_net("Sparsify", "sparsify_param { thre: 0.5 coef: 3 }", [(1, 4)]).train()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1 - 3, 0, 0, 1 + 3]]
    with pytest.raises(DefinitionError, match="thre -1 and coef 0 must not be negative"):
        layer_net("Sparsify", "sparsify_param { thre: -1 }", [(1, 4)])
