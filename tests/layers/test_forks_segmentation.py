"""The layers of SegNet, ENet, PSPNet and DeepLab against values worked out by hand, and OpenCV where it has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError, InputError
from tests.layers.build import layer, net, opencv, run

RANDOM = np.random.default_rng(0)
BOTTOM = np.array([[1, 3], [2, 6]], np.float32).reshape(2, 2, 1, 1)  # channel 0: 1 and 2, channel 1: 3 and 6


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def per_channel(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, -1, 1, 1)


def test_segnets_bn_at_inference_scales_and_shifts() -> None:
    it = layer("BN", "a", "bn_param { bn_mode: INFERENCE }")
    blobs = {"it": [per_channel(2, 10), per_channel(0.5, -1)]}
    assert run(it, [BOTTOM], blobs).ravel().tolist() == [2.5, 29, 4.5, 59]


def test_segnets_bn_that_learns_uses_the_batchs_statistics() -> None:
    """Means 1.5 and 4.5, variances 0.25 and 2.25: every value is one deviation off, in both modes."""
    it = net(
        layer("BN", "a", "bn_param { bn_mode: LEARN }", "top mean variance"),
        [BOTTOM],
        {"it": [per_channel(2, 10), per_channel(0.5, -1)]},
    )
    for module in (it.eval(), it.train()):
        tops = module(torch.from_numpy(BOTTOM))
        assert isinstance(tops, dict)
        assert tops["top"].flatten().tolist() == pytest.approx([-1.5, -11, 2.5, 9])
        assert tops["mean"].shape == tops["variance"].shape == (1, 2, 1, 1)
        assert tops["mean"].flatten().tolist() == [1.5, 4.5]
        assert tops["variance"].flatten().tolist() == [0.25, 2.25]


def test_pspnets_bn() -> None:
    """(x - mean) / sqrt(variance + eps) * slope + bias, with roots 2 and 3."""
    it = layer("BN", "a", "bn_param { slope_filler { value: 1 } eps: 1 }")
    blobs = {"it": [per_channel(2, 10), per_channel(0.5, -1), per_channel(1, 0), per_channel(3, 8)]}
    assert run(it, [BOTTOM], blobs).ravel().tolist() == pytest.approx([0.5, 9, 1.5, 19])


def test_segnets_bn_of_vectors() -> None:
    """As the test of four axes, without height and width; the statistics keep theirs."""
    module = net(layer("BN", "a", "bn_param { bn_mode: LEARN }", tops="top mean variance"), [BOTTOM[:, :, 0, 0]])
    module.it.weight.data = torch.tensor([1.0, 2])
    with torch.no_grad():
        tops = module(torch.from_numpy(BOTTOM[:, :, 0, 0]))
    assert isinstance(tops, dict)
    assert np.allclose(tops["top"], [[-1, -2], [1, 2]], atol=1e-5)
    assert tops["mean"].shape == (1, 2, 1, 1)
    blobs = {"it": [per_channel(2, 10), per_channel(0.5, -1)]}
    merged = run(layer("BN", "a", "bn_param { bn_mode: INFERENCE }"), [BOTTOM[:, :, 0, 0]], blobs)
    assert merged.tolist() == [[2.5, 29], [4.5, 59]]


@pytest.mark.parametrize("frozen", ["true", "false"])
def test_bn_of_clips(frozen: str) -> None:
    """ECO's: the same along time, with blobs of two axes in files."""
    bottom = np.arange(16, dtype=np.float32).reshape(1, 2, 2, 2, 2)
    blobs = [np.array([[each, each + 1]], np.float32) for each in (2, 10, 3, 3)]  # slope, bias, mean, variance
    settings = f"bn_param {{ slope_filler {{ value: 1 }} eps: 1 frozen: {frozen} }}"
    top = run(layer("BN", "a", settings), [bottom], {"it": blobs})
    # Channel 0: (x - 3) / sqrt(3 + 1) * 2 + 10; channel 1: (x - 4) / sqrt(4 + 1) * 3 + 11.
    assert np.allclose(top[0, 0], bottom[0, 0] + 7)
    assert np.allclose(top[0, 1], (bottom[0, 1] - 4) * 3 / 5**0.5 + 11, atol=1e-5)
    assert net(layer("BN", "a", settings), [bottom]).train()(torch.from_numpy(bottom)).shape == bottom.shape


def test_pspnets_bn_learns_unless_it_is_frozen() -> None:
    blobs = {"it": [per_channel(1, 1), per_channel(0, 0), per_channel(1, 3), per_channel(1, 1)]}
    for frozen in (True, False):
        it = net(layer("BN", "a", f"bn_param {{ frozen: {str(frozen).lower()} momentum: 0.75 }}"), [BOTTOM], blobs)
        top = it.train()(torch.from_numpy(BOTTOM))
        assert isinstance(top, torch.Tensor)
        expected = [0, 0, 1, 3] if frozen else [-1, -1, 1, 1]
        assert top.flatten().tolist() == pytest.approx(expected, abs=1e-4)
        # The new mean is 0.75 of the old and 0.25 of the batch's.
        assert it.blobs()["it"][2].flatten().tolist() == pytest.approx([1, 3] if frozen else [1.125, 3.375])
        assert all(p.requires_grad != frozen for p in it.parameters())


def test_bns_are_filled_as_their_fillers_say() -> None:
    segnet = net(layer("BN", "a", "bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } }"), [BOTTOM])
    assert [blob.shape for blob in segnet.blobs()["it"]] == [(1, 2, 1, 1)] * 2
    assert [blob.flatten()[0].item() for blob in segnet.blobs()["it"]] == [1, np.float32(0.001)]
    for frozen in (0, 1):
        more = f"bn_param {{ slope_filler {{ value: 1 }} bias_filler {{ value: 2 }} frozen: {frozen} }}"
        pspnet = net(layer("BN", "a", more), [BOTTOM])
        assert [blob.shape for blob in pspnet.blobs()["it"]] == [(1, 2, 1, 1)] * 4
        assert [blob.flatten()[0].item() for blob in pspnet.blobs()["it"]] == [1, 2, 0, frozen]


@pytest.mark.parametrize("settings", ["", "bn_param { bn_mode: INFERENCE frozen: true }"])
def test_a_bn_that_may_be_either(settings: str) -> None:
    problem = (
        "layer 'it': BN is SegNet's, with 2 blobs, or PSPNet's, with 4;"
        " give bn_mode or slope_filler in bn_param to choose one"
    )
    with pytest.raises(DefinitionError, match=problem):
        run(layer("BN", "a", settings), [BOTTOM])


def test_bn_reads_maps() -> None:
    with pytest.raises(DefinitionError, match=r"layer 'it': BN reads blobs of 2 or 4 axes, not of shape \(2, 2, 1\)"):
        run(layer("BN", "a", "bn_param { bn_mode: INFERENCE }"), [BOTTOM[:, :, 0]])


@pytest.mark.parametrize("settings", ["zoom_factor: 3", "height: 7 width: 11", "height: 4 width: 5"])
def test_interp(settings: str, tmp_path: Path) -> None:
    it, bottom = layer("Interp", "a", f"interp_param {{ {settings} }}"), normal(2, 3, 4, 5)
    expected = opencv(it, [bottom], tmp_path)
    found = run(it, [bottom])
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("shrink_factor: 2", [[0, 2, 4], [20, 22, 24]]),
        ("shrink_factor: 3", [[0, 4]]),  # 3 rows become 1, the first; 5 columns 2, the first and the last
        ("shrink_factor: 2 zoom_factor: 2", [[10 * y + x for x in range(5)] for y in range(3)]),
        ("shrink_factor: 4 zoom_factor: 2", [[0, 2, 4]]),
        ("zoom_factor: 2 height: 1 width: 1", [[5 * y + x / 2 for x in range(9)] for y in range(5)]),
        ("shrink_factor: 2 zoom_factor: 2 height: 2 width: 2", [[0, 4], [20, 24]]),
        ("shrink_factor: 1 pad_beg: -1 pad_end: -1", [[11, 12, 13]]),
        ("height: 1 width: 3 pad_end: -2", [[0, 1, 2]]),
    ],
)
def test_interp_by_hand(settings: str, expected: list[list[float]]) -> None:
    """On the plane 10 y + x, of 3 x 5 pixels, interpolation gives the position itself."""
    plane = (10 * np.arange(3)[:, None] + np.arange(5)).astype(np.float32)[None, None]
    found = run(layer("Interp", "a", f"interp_param {{ {settings} }}"), [plane])
    assert found.shape == (1, 1, len(expected), len(expected[0]))
    assert np.allclose(found[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "give zoom_factor, shrink_factor, or height and width"),
        ("height: 3", "give zoom_factor, shrink_factor, or height and width"),
        ("zoom_factor: 2 pad_beg: 1", "pad_beg and pad_end must be 0 or below: they crop"),
        ("zoom_factor: 0", "factors, height and width must be positive"),
        ("height: 3 width: -1", "factors, height and width must be positive"),
    ],
)
def test_interp_refuses(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        run(layer("Interp", "a", f"interp_param {{ {settings} }}"), [normal(1, 1, 3, 3)])


MASK = np.array([[0, 3, 5], [14, 9, 17]], np.float32)[None, None]


@pytest.mark.parametrize(
    ("settings", "height", "width"),
    [
        ("", 4, 6),
        ("scale: 3", 6, 9),
        ("scale_h: 2 scale_w: 4", 4, 12),
        ("pad_out_h: true pad_out_w: true", 3, 5),
        ("scale: 2 upsample_h: 3 upsample_w: 6", 3, 6),
    ],
)
def test_upsample_puts_values_where_the_mask_says(settings: str, height: int, width: int) -> None:
    values = np.arange(1, 13, dtype=np.float32).reshape(2, 1, 2, 3)
    mask = np.concatenate([MASK, MASK[..., ::-1]])
    if (height, width) == (3, 5):
        mask = np.minimum(mask, 14)
    top = run(layer("Upsample", "ab", f"upsample_param {{ {settings} }}"), [values, mask])
    expected = np.zeros((2, height * width), np.float32)
    for item in range(2):
        for value, place in zip(values[item].flat, mask[item].flat, strict=True):
            expected[item, int(place)] = value
    assert top.tolist() == expected.reshape(2, 1, height, width).tolist()


def test_upsample_grows_with_its_bottom() -> None:
    it = net(layer("Upsample", "ab", "upsample_param { pad_out_h: true }"), [normal(1, 2, 3, 4), normal(1, 2, 3, 4)])
    assert it.shapes["top"] == (1, 2, 5, 8)
    top = it(torch.ones(1, 2, 1, 2), torch.zeros(1, 2, 1, 2))
    assert isinstance(top, torch.Tensor)
    assert top.shape == (1, 2, 1, 4)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("scale_h: 2", "give scale, or scale_h and scale_w"),
        ("scale: 2 scale_h: 2 scale_w: 2", "give scale, or scale_h and scale_w"),
        ("scale: 1", r"scale \(1, 1\) must be above 1, and 2 if pad_out is set"),
        ("scale: 3 pad_out_w: true", r"scale \(3, 3\) must be above 1, and 2 if pad_out is set"),
        ("upsample_h: 1 upsample_w: 4", "upsample_h and upsample_w must be above 1"),
    ],
)
def test_upsample_refuses(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        run(layer("Upsample", "ab", f"upsample_param {{ {settings} }}"), [MASK, MASK])


def test_masks_that_do_not_fit() -> None:
    it = net(layer("Upsample", "ab"), [MASK, MASK])
    mask = torch.from_numpy(MASK)
    with pytest.raises(InputError, match=r"layer 'it' .* the bottoms must have equal shapes"):
        it(mask, mask[..., :2])
    with pytest.raises(InputError, match=r"layer 'it' .* index 24 is out of bounds"):
        it(mask, mask + 7)


SPATIAL_DROPOUT = 'python_param { module: "spatial_dropout" layer: "SpatialDropoutLayer" param_str: "%s" }'


def test_enets_dropout_scales_at_test_time_too() -> None:
    bottom = torch.ones(4, 50, 2, 3)
    for phase in ("TRAIN", "TEST"):
        text = f"{{'phase': '{phase}', 'p': '0.2'}}"
        it = net(layer("Python", "a", SPATIAL_DROPOUT % text), [bottom.numpy()])
        assert it(bottom).unique().tolist() == [1.25]
        torch.manual_seed(0)
        channels = it.train()(bottom).flatten(2)
        assert (channels == channels[..., :1]).all()
        assert channels.unique().tolist() == [0, 1.25]
        assert (channels == 0).float().mean().item() == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize("text", ["{'p': '1.5'}", "{'phase': 'TEST'}", "", "__import__('os')"])
def test_enets_dropout_needs_its_share(text: str) -> None:
    with pytest.raises(DefinitionError, match="layer 'it': param_str must give p, above 0 and below 1; it is "):
        run(layer("Python", "a", SPATIAL_DROPOUT % text), [BOTTOM])


def test_interpolation_to_the_size_of_a_second_bottom() -> None:
    """waldol1/caffe: the corners of both stay where they are, so that a pixel lies h * (3 - 1) / (5 - 1) below them."""
    bottom, like = normal(2, 3, 3, 4), normal(1, 1, 5, 7)
    top = run(layer("BilinearInterpolation", "ab"), [bottom, like])
    assert top.shape == (2, 3, 5, 7)
    for n, c, h, w in np.ndindex(*top.shape):
        y, x = h * 2 / 4, w * 3 / 6
        expected = sum(
            (1 - abs(y - row)) * (1 - abs(x - column)) * bottom[n, c, row, column]
            for row in range(3)
            for column in range(4)
            if abs(y - row) < 1 and abs(x - column) < 1
        )
        assert top[n, c, h, w] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(DefinitionError, match="BilinearInterpolation needs 2 bottoms, it has 1"):
        run(layer("BilinearInterpolation", "a"), [bottom])
