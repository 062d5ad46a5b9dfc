"""Layers that compute what another type computes, against values worked out by hand and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, values


@pytest.mark.parametrize("settings", ["", "bnhk_param { frozen: true eps: 0.5 }"])
def test_bnhk(settings: str) -> None:
    """hli2020/zoom_network: slope, bias, mean and variance of each channel."""
    bottom = values(2, 2, 3, 4)
    slope, bias, mean, variance = ([2.0, -1], [1.0, 0], [0.5, 3], [3.5, 15.5])
    eps = 0.5 if settings else 1e-5
    expected = np.empty_like(bottom)
    for c in range(2):
        expected[:, c] = (bottom[:, c] - mean[c]) / math.sqrt(variance[c] + eps) * slope[c] + bias[c]
    blobs = [np.array([row], np.float32) for row in (slope, bias, mean, variance)]
    blobs = [blob.reshape(1, 2, 1, 1) for blob in blobs]
    assert np.allclose(run(layer("BNHK", "a", settings), [bottom], {"it": blobs}), expected, atol=1e-5)


def test_items_of_length_1() -> None:
    """huangyangyu/NoiseFace: 3 and 4 of length 5, over all channels and pixels of an item."""
    bottom = np.array([3, 0, 0, 4, 0, 0.6, 0.8, 0], np.float32).reshape(2, 2, 1, 2)
    expected = [0.6, 0, 0, 0.8, 0, 0.6, 0.8, 0]
    assert np.allclose(run(layer("NormL2", "a"), [bottom]).ravel(), expected, atol=1e-6)


def test_items_of_length_1_but_for_small_ones() -> None:
    """liu-xb/GGL: 1e-10 is added to the square of the length, which is 1e-10 in the second item."""
    bottom = np.array([[3, 4], [1e-5, 0], [0, 0]], np.float32)
    expected = [[0.6, 0.8], [math.sqrt(0.5), 0], [0, 0]]
    assert np.allclose(run(layer("NormalizationL2", "a"), [bottom]), expected, atol=1e-6)


def test_insanity_in_tests() -> None:
    """happynear/FaceVerification: below 0 divided by the mean slope, (5 - 3) / log(5 / 3) = 3.91523."""
    it = layer("Insanity", "a", "insanity_param { lb: 3 ub: 5 }")
    assert np.allclose(run(it, [np.array([[2, -3.91523]], np.float32)]), [[2, -1]], atol=1e-5)
    with pytest.raises(DefinitionError, match="lb 6 must be positive and below ub 5"):
        run(layer("Insanity", "a", "insanity_param { lb: 6 ub: 5 }"), [values(1, 2)])


def test_brelu() -> None:
    """yanhuama/mycaffe: values are cut to 0..1, or to the range that is stated."""
    bottom = np.array([[-3, 0.25, 7]], np.float32)
    assert run(layer("BReLU", "a"), [bottom]).tolist() == [[0, 0.25, 1]]
    assert run(layer("BReLU", "a", "brelu_param { minval: -2 maxval: 5 }"), [bottom]).tolist() == [[-2, 0.25, 5]]


@pytest.mark.parametrize(("settings", "axis"), [("", 0), ("scalar_param { axis: 2 }", 2)])
def test_a_blob_times_another(settings: str, axis: int) -> None:
    """scott89/STCT: along the first axes, or along those from another on."""
    bottom = values(2, 3, 4, 5)
    factor = values(*bottom.shape[axis : axis + 2], seed=1)
    expected = np.empty_like(bottom)
    for place in np.ndindex(*bottom.shape):
        expected[place] = bottom[place] * factor[place[axis : axis + 2]]
    assert np.allclose(run(layer("Scalar", "ab", settings), [bottom, factor]), expected)
    with pytest.raises(DefinitionError, match="Scalar needs 2 bottoms, it has 1"):
        run(layer("Scalar", "a"), [bottom])


def test_softmax_of_each_pixel() -> None:
    """xiaolonw/caffe-3dnormal_joint_pose."""
    bottom = np.log(np.array([1, 3, 3, 1], np.float32)).reshape(1, 2, 1, 2)
    assert np.allclose(run(layer("MultiSoftmax", "a"), [bottom]).ravel(), [0.25, 0.75, 0.75, 0.25])
    with pytest.raises(DefinitionError, match="MultiSoftmax reads blobs of 4 axes"):
        run(layer("MultiSoftmax", "a"), [values(1, 2)])


@pytest.mark.parametrize("scale", [1, 21.5])
def test_center_projection(scale: float) -> None:
    """sciencefans/coco_loss: products with rows of one length; a single row of the bottom meets them as they are."""
    weight, bias, bottom = values(3, 4), values(3, seed=1), values(2, 4, 1, 1, seed=2)
    settings = f"center_projection_param {{ num_output: 3 scale: {scale} }}"
    found = run(layer("CenterProjection", "a", settings), [bottom], {"it": [weight, bias]})
    for row, item in zip(found, bottom.reshape(2, 4), strict=True):
        for value, line, offset in zip(row, weight, bias, strict=True):
            expected = scale * sum(a * b for a, b in zip(item, line, strict=True)) / math.hypot(*line) + offset
            assert value == pytest.approx(expected, rel=1e-4, abs=1e-4)
    alone = run(layer("CenterProjection", "a", settings), [bottom[:1]], {"it": [weight, bias]})
    assert np.allclose(alone[0], weight @ bottom[0].ravel() + bias, atol=1e-5)


def test_center_projection_refuses() -> None:
    with pytest.raises(DefinitionError, match="4 inputs and num_output 0 must be positive"):
        run(layer("CenterProjection", "a"), [values(2, 4)])


def test_sets_of_images() -> None:
    """sciencefans/Quality-Aware-Network: features are added with weights, or averaged, or the largest taken."""
    items = np.array([[1, -4], [3, 2]], np.float32)
    weights = np.array([[0.25], [0.75]], np.float32)
    assert run(layer("BatchPool", "ab"), [items, weights]).tolist() == [[2.5, 0.5]]
    assert run(layer("BatchPool", "a"), [items]).tolist() == [[2, -1]]
    assert run(layer("GlobalSumPooling", "a"), [items]).tolist() == [[4, -2]]
    assert run(layer("BatchPool", "a", "batch_pool_param { pool: MAX }"), [items]).tolist() == [[3, 2]]
    for it, bottoms, problem in (
        (layer("BatchPool", "a", "batch_pool_param { pool: STOCHASTIC }"), [items], "MAX and AVE, not STOCHASTIC"),
        (layer("BatchPool", "ab"), [items, values(3, 1)], "2 items need a weight each, not 3"),
    ):
        with pytest.raises(DefinitionError, match=problem):
            run(it, bottoms)


def test_normalization() -> None:
    """With L1 the numbers of all items are divided by their sum, with L2 each item by its length."""
    scores = np.array([[1], [3], [-4]], np.float32)
    assert run(layer("Normalization", "a", "normalization_param { norm: L1 }"), [scores]).ravel().tolist() == [
        0.125,
        0.375,
        -0.5,
    ]
    assert np.allclose(run(layer("Normalization", "a"), [np.array([[3, 4], [0, 2]], np.float32)]), [[0.6, 0.8], [0, 1]])
    with pytest.raises(DefinitionError, match="each item has one number with the norm L1"):
        net(layer("Normalization", "a", "normalization_param { norm: L1 }"), [values(2, 3)])


def test_softmax_of_voxels() -> None:
    bottom = values(2, 3, 2, 2, 2)
    top = run(layer("VoxelSoftmax", "a"), [bottom])
    powers = np.exp(bottom)
    assert np.allclose(top[1, 2, 1, 0, 1], powers[1, 2, 1, 0, 1] / powers[1, :, 1, 0, 1].sum())


def test_dropout_of_channels() -> None:
    """In training half of the channels are 0 and the others twice as large; in a test all stay."""
    ones = torch.ones(4, 50, 2, 3)
    dropout = net(layer("ChannelDropout", "a", "dropout_param { dropout_ratio: 0.5 }"), [ones.numpy()])
    assert torch.equal(dropout(ones), ones)
    planes = dropout.train()(ones).flatten(2)
    assert {0, 2} == set(planes[..., 0].unique().tolist())
    assert torch.equal(planes, planes[..., :1].expand_as(planes))
