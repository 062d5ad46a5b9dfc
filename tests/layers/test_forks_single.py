"""Single layers of forks against OpenCV, and against values worked out by hand where it lacks them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from single import layer, net, opencv, run

from fcnkit.errors import BlobShapeError, DefinitionError, InputError

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
    with pytest.raises(DefinitionError, match="a region has 5 numbers: image, xmin, ymin, xmax, ymax"):
        run(it, [normal(1, 4, 9, 7), normal(3, 4)])
    with pytest.raises(InputError, match="there are 2 images, the regions are of -1 to 2"):
        run(it, [normal(2, 4, 9, 7), np.array([[2, 0, 0, 3, 3], [-1, 0, 0, 3, 3]], np.float32)])
