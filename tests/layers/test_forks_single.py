"""Single layers of forks against OpenCV, and against values worked out by hand where it lacks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fcnkit.errors import BlobShapeError, DefinitionError, InputError
from tests.layers.build import layer, net, opencv, run

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    "window", ["kernel_size: 3 stride: 2 pad: 1", "kernel_h: 3 kernel_w: 2 dilation: 2 pad_w: 1 pad_h: 0"]
)
@pytest.mark.parametrize("kind", ["DepthwiseConvolution", "ConvolutionDepthwise"])
def test_depthwise_convolutions(kind: str, window: str, tmp_path: Path) -> None:
    size = (3, 3) if "kernel_size" in window else (3, 2)
    blobs, bottom = {"it": [normal(6, 1, *size), normal(6)]}, normal(2, 6, 9, 7)
    more = f"convolution_param {{ num_output: 6 {'group: 6' if kind.startswith('Depth') else ''} {window} }}"
    expected = opencv(
        layer("Convolution", "a", f"convolution_param {{ num_output: 6 group: 6 {window} }}"), [bottom], tmp_path, blobs
    )
    found = run(layer(kind, "a", more), [bottom], blobs)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-5)


def test_convolutiondepthwise_has_a_filter_for_each_channel_whatever_it_states() -> None:
    it = layer("ConvolutionDepthwise", "a", "convolution_param { num_output: 4 kernel_size: 1 bias_term: false }")
    assert run(it, [normal(1, 6, 2, 3)], {"it": [normal(6, 1, 1, 1)]}).shape == (1, 6, 2, 3)
    with pytest.raises(BlobShapeError, match=r"layer 'it': blob 0 has shape \(4, 1, 1, 1\), expected \(6, 1, 1, 1\)"):
        run(it, [normal(1, 6, 2, 3)], {"it": [normal(4, 1, 1, 1)]})


@pytest.mark.parametrize("group", [1, 2, 3])
def test_shufflechannel(group: int, tmp_path: Path) -> None:
    it, bottom = layer("ShuffleChannel", "a", f"shuffle_channel_param {{ group: {group} }}"), normal(2, 6, 3, 4)
    assert (run(it, [bottom]) == opencv(it, [bottom], tmp_path)).all()


def test_shufflechannel_by_hand() -> None:
    """Groups 0 1 2 and 3 4 5 give 0 3, 1 4, 2 5."""
    bottom = np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1)
    it = layer("ShuffleChannel", "a", "shuffle_channel_param { group: 2 }")
    assert run(it, [bottom]).ravel().tolist() == [0, 3, 1, 4, 2, 5]
    with pytest.raises(DefinitionError, match="layer 'it': group 4 must divide 6 channels"):
        run(layer("ShuffleChannel", "a", "shuffle_channel_param { group: 4 }"), [bottom])


def test_relu6() -> None:
    bottom = np.array([[-1, 0, 0.5, 6, 7]], np.float32)
    assert run(layer("ReLU6", "a"), [bottom]).tolist() == [[0, 0, 0.5, 6, 6]]


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_axpy(shape: tuple[int, ...]) -> None:
    factors = np.arange(6, dtype=np.float32).reshape(shape)
    x, y = normal(2, 3, 4, 5), normal(2, 3, 4, 5)
    top = run(layer("Axpy", "abc"), [factors, x, y])
    for item in range(2):
        for channel in range(3):
            expected = (3 * item + channel) * x[item, channel] + y[item, channel]
            assert np.allclose(top[item, channel], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [
        (((2, 3), (2, 3, 4, 5), (2, 3, 1, 1)), "the second and the third bottom must have equal shapes"),
        (((2, 1), (2, 3, 4, 5), (2, 3, 4, 5)), "the first bottom must have a number for each channel of each item"),
        (((2, 3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5)), "the first bottom must have a number for each channel"),
    ],
)
def test_axpy_broadcasts_nothing_else(shapes: tuple[tuple[int, ...], ...], problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it' .* {problem}"):
        run(layer("Axpy", "abc"), [normal(*shape) for shape in shapes])


REGION = "roi_pooling_param { pooled_h: %d pooled_w: %d spatial_scale: %g }"


def test_roipooling(tmp_path: Path) -> None:
    """Regions inside of the map, which are what OpenCV pools the same way."""
    it = layer("ROIPooling", "ab", REGION % (3, 2, 0.5))
    regions = np.array([[0, 1, 2, 9, 14], [0, 0, 0, 5, 5], [0, 4, 4, 4, 4], [0, 0, 0, 13, 17]], np.float32)
    bottoms = [normal(1, 4, 9, 7), regions]
    assert np.array_equal(run(it, bottoms), opencv(it, bottoms, tmp_path))


def test_roipooling_by_hand() -> None:
    """On the plane 10 y + x, of 4 x 6 pixels, with a negative one first, each part's largest is its last."""
    plane = (10 * np.arange(4)[:, None] + np.arange(6)).astype(np.float32)
    features = np.stack([plane - 100, plane])[:, None]
    regions = [
        [1, 1, 0, 4, 3],  # columns 1 2 and 3 4, rows 0 1 and 2 3
        [1, 0, 0, 2, 2],  # 3 pixels: parts 0 to 1 and 1 to 2
        [0, 5, 3, 5, 3],  # one pixel, in every part
        [1, 4, 2, 7, 5],  # half of it outside: nothing is there
        [1, -2.5, -2.5, 0.4, 0.4],  # rounds to -3 and 0; the first part is outside
        [0, 8, 8, 9, 9],  # all of it outside
    ]
    expected = [
        [[12, 14], [32, 34]],
        [[11, 12], [21, 22]],
        [[-65, -65], [-65, -65]],
        [[35, 0], [0, 0]],
        [[0, 0], [0, 0]],
        [[0, 0], [0, 0]],
    ]
    top = run(layer("ROIPooling", "ab", REGION % (2, 2, 1)), [features, np.array(regions, np.float32)])
    assert top[:, 0].tolist() == expected


def test_roipooling_rounds_halves_away_from_zero() -> None:
    """2.5 and 3.5 become 3 and 4, where the nearest even numbers are 2 and 4."""
    features = np.arange(8, dtype=np.float32).reshape(1, 1, 1, 8)
    region = np.array([[0, 5, 0, 7, 0]], np.float32)
    assert run(layer("ROIPooling", "ab", REGION % (1, 2, 0.5)), [features, region]).ravel().tolist() == [3, 4]


def test_roipooling_counts_in_single_precision_as_caffe() -> None:
    """57 rows in 7 parts: 7 * (57 / 7) is over 57 in single precision, so that the last part has a 58th row."""
    features = np.arange(60, dtype=np.float32).reshape(1, 1, 60, 1)
    region = np.array([[0, 0, 0, 0, 56]], np.float32)
    top = run(layer("ROIPooling", "ab", REGION % (7, 1, 1)), [features, region])
    assert top.ravel().tolist() == [8, 16, 24, 32, 40, 48, 57]


def test_roipooling_takes_any_number_of_regions() -> None:
    it = net(layer("ROIPooling", "ab", REGION % (7, 5, 0.0625)), [normal(1, 4, 9, 7), normal(3, 5)])
    assert it.shapes["top"] == (3, 4, 7, 5)
    for count in (0, 2):
        top = it(torch.zeros(2, 4, 6, 8), torch.zeros(count, 5, 1, 1))
        assert isinstance(top, torch.Tensor)
        assert top.shape == (count, 4, 7, 5)


def test_roipooling_refuses() -> None:
    with pytest.raises(DefinitionError, match="layer 'it': pooled_h and pooled_w must be positive"):
        run(layer("ROIPooling", "ab", "roi_pooling_param { pooled_h: 2 }"), [normal(1, 4, 9, 7), normal(3, 5)])
    it = layer("ROIPooling", "ab", REGION % (2, 2, 1))
    with pytest.raises(DefinitionError, match="a region has 5 numbers, an image and corners: not"):
        run(it, [normal(1, 4, 9, 7), normal(3, 4)])
    with pytest.raises(InputError, match="there are 2 images, the regions are of -1 to 2"):
        run(it, [normal(2, 4, 9, 7), np.array([[2, 0, 0, 3, 3], [-1, 0, 0, 3, 3]], np.float32)])


MAPS = np.array([[1, 3], [2, 6]], np.float32).reshape(2, 2, 1, 1)  # channel 0: 1 and 2, channel 1: 3 and 6
MEAN, VARIANCE, ONE = np.array([1, 0], np.float32), np.array([3, 8], np.float32), np.ones(1, np.float32)
SCALE, BIAS = np.array([2, 10], np.float32), np.array([0.5, -1], np.float32)


@pytest.mark.parametrize("settings", ["scale_bias: true", "scale_filler { value: 1 } bias_filler { value: 0 }"])
@pytest.mark.parametrize(
    "blobs",
    [
        [MEAN, VARIANCE, 7 * ONE, SCALE, BIAS],
        [blob.reshape(1, -1, 1, 1) for blob in (SCALE, BIAS, MEAN, VARIANCE, 7 * ONE)],
    ],
    ids=["0.17", "0.15"],
)
def test_nvcaffes_batchnorm_scales_and_shifts(settings: str, blobs: list[np.ndarray]) -> None:
    """(x - mean) / sqrt(variance + eps) * scale + bias, with roots 2 and 3; the odd number does nothing."""
    it = layer("BatchNorm", "a", f"batch_norm_param {{ {settings} eps: 1 }}")
    assert run(it, [MAPS], {"it": blobs}).ravel().tolist() == pytest.approx([0.5, 9, 1.5, 19])


def test_nvcaffes_batchnorm_like_opencvs_three_layers(tmp_path: Path) -> None:
    bottom = normal(2, 3, 4, 5)
    statistics, scales = [normal(3), np.abs(normal(3)), ONE], [normal(3), normal(3)]
    both = layer("BatchNorm", "a") + layer("Scale", "b", "scale_param { bias_term: true }").replace('"it"', '"scale"')
    expected = opencv(
        both.replace('top: "top"', 'top: "b"', 1), [bottom], tmp_path, {"it": statistics, "scale": scales}
    )
    found = run(layer("BatchNorm", "a", "batch_norm_param { scale_bias: true }"), [bottom], {"it": statistics + scales})
    assert np.allclose(found, expected, atol=1e-5)


def test_nvcaffes_batchnorm_learns_a_running_average() -> None:
    it = net(
        layer("BatchNorm", "a", "batch_norm_param { scale_bias: true moving_average_fraction: 0.75 }"),
        [MAPS],
        {"it": [MEAN, VARIANCE, ONE, SCALE, BIAS]},
    )
    top = it.train()(torch.from_numpy(MAPS))
    assert isinstance(top, torch.Tensor)
    assert top.flatten().tolist() == pytest.approx([-1.5, -11, 2.5, 9], abs=1e-3)
    # The batch's means are 1.5 and 4.5.
    assert it.blobs()["it"][0].tolist() == pytest.approx([1.125, 1.125])


def test_nvcaffes_batchnorm_is_filled() -> None:
    fillers = "scale_filler { value: 3 } bias_filler { value: 2 }"
    for settings, scale, bias in (("scale_bias: true", 1, 0), (fillers, 3, 2)):
        blobs = net(layer("BatchNorm", "a", f"batch_norm_param {{ {settings} }}"), [MAPS]).blobs()["it"]
        assert [blob.tolist() for blob in blobs] == [[0, 0], [0, 0], [1], [scale] * 2, [bias] * 2]


def test_nvcaffes_batchnorm_reads_maps() -> None:
    with pytest.raises(DefinitionError, match=r"layer 'it': a BatchNorm that scales reads 4 axes, not \(2, 2\)"):
        run(layer("BatchNorm", "a", "batch_norm_param { scale_bias: true }"), [MAPS[:, :, 0, 0]])


def test_segnets_dropout_samples_at_test_time() -> None:
    bottom = torch.ones(1, 1, 100, 100)
    it = net(layer("Dropout", "a", "dropout_param { sample_weights_test: true dropout_ratio: 0.2 }"), [bottom.numpy()])
    torch.manual_seed(0)
    first, second = it(bottom), it(bottom)
    assert isinstance(first, torch.Tensor)
    assert isinstance(second, torch.Tensor)
    assert first.unique().tolist() == [0, 1.25]
    assert (first == 0).float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert not torch.equal(first, second)


def test_fast_rcnns_dropout_scales_at_test_time_in_place_of_in_training() -> None:
    bottom = torch.ones(1, 1, 100, 100)
    it = net(layer("Dropout", "a", "dropout_param { scale_train: false dropout_ratio: 0.25 }"), [bottom.numpy()])
    assert it(bottom).unique().tolist() == [0.75]
    top = it.train()(bottom)
    assert isinstance(top, torch.Tensor)
    assert top.unique().tolist() == [0, 1]
    with pytest.raises(DefinitionError, match="sample_weights_test and scale_train are from different forks"):
        run(layer("Dropout", "a", "dropout_param { scale_train: false sample_weights_test: true }"), [bottom.numpy()])


@pytest.mark.parametrize("field", ["weight_by_label_freqs: true", "label_smoothing: 0.1"])
def test_losses_that_forks_weigh_are_refused(field: str) -> None:
    it = layer("SoftmaxWithLoss", "ab", f"loss_param {{ {field} }}")
    problem = f"layer 'it': {field.split(':')[0]}, of a fork of Caffe, is not supported"
    with pytest.raises(DefinitionError, match=problem):
        run(it, [normal(2, 3), normal(2)])
