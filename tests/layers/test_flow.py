"""Layers of FlowNet and DispNet, against loops written from their definition and values worked out by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, definition, layer, layer_net, net

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def correlated(
    first: np.ndarray, second: np.ndarray, kernel: int, most: int, pad: int, steps: tuple[int, int], subtract: bool
) -> np.ndarray:
    """Channel by channel and pixel by pixel: the mean over a square of products or differences."""
    batch, channels, height, width = first.shape
    one, two = (np.zeros((batch, channels, height + 2 * pad, width + 2 * pad)) for _ in range(2))
    one[:, :, pad : pad + height, pad : pad + width] = first
    two[:, :, pad : pad + height, pad : pad + width] = second
    radius, reach = (kernel - 1) // 2, most // steps[1]
    border = most + radius
    sizes = [math.ceil((length - 2 * border) / steps[0]) for length in one.shape[2:]]
    moves = [(steps[1] * y, steps[1] * x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    top = np.zeros((batch, len(moves), *sizes))
    for (n, y, x), (index, (dy, dx)) in product(np.ndindex(batch, *sizes), enumerate(moves)):
        total = 0.0
        for j, i, channel in np.ndindex(kernel, kernel, channels):
            row, column = y * steps[0] + most + j, x * steps[0] + most + i
            a, b = one[n, channel, row, column], two[n, channel, row + dy, column + dx]
            total += abs(a - b) if subtract else a * b
        top[n, index, y, x] = total / (kernel**2 * channels)
    return top


CORRELATION = "correlation_param { kernel_size: %d max_displacement: %d pad: %d stride_1: %d stride_2: %d %s }"


@pytest.mark.parametrize("subtract", [False, True])
@pytest.mark.parametrize(("kernel", "most", "pad", "steps"), [(1, 2, 2, (1, 2)), (3, 4, 4, (2, 2)), (3, 1, 0, (2, 1))])
def test_correlation(kernel: int, most: int, pad: int, steps: tuple[int, int], subtract: bool) -> None:
    first, second = normal(2, 3, 8, 7), normal(2, 3, 8, 7)
    more = "correlation_type: SUBTRACT" if subtract else ""
    top = apply("Correlation", CORRELATION % (kernel, most, pad, *steps, more), first, second)
    expected = correlated(first, second, kernel, most, pad, steps, subtract)
    assert top.shape == expected.shape
    assert np.allclose(top, expected, atol=1e-5)


def test_correlation_by_hand() -> None:
    """One channel, three pixels: each times the pixel on its left, itself, and the pixel on its right."""
    first, second = np.array([[[[1, 2, 3]]]], np.float32), np.array([[[[4, 5, 6]]]], np.float32)
    top = apply("Correlation1D", CORRELATION % (1, 1, 1, 1, 1, ""), first, second)
    assert top[0, :, 0].tolist() == [[0, 8, 15], [4, 10, 18], [5, 12, 0]]
    right = apply("Correlation1D", CORRELATION % (1, 1, 1, 1, 1, "single_direction: 1"), first, second)
    assert right[0, :, 0].tolist() == [[4, 10, 18], [5, 12, 0]]
    left = apply("Correlation1D", CORRELATION % (1, 1, 1, 1, 1, "single_direction: -1"), first, second)
    assert left[0, :, 0].tolist() == [[0, 0, 12], [0, 8, 15]]


@pytest.mark.parametrize("kind", ["Correlation", "Correlation1D"])
@pytest.mark.parametrize("more", ["", "correlation_type: SUBTRACT"])
def test_correlation_has_gradients(kind: str, more: str) -> None:
    it = layer_net(kind, CORRELATION % (3, 2, 2, 2, 1, more), [(1, 2, 6, 7)] * 2).double()
    bottoms = [torch.from_numpy(normal(1, 2, 6, 7)).double().requires_grad_() for _ in range(2)]
    assert torch.autograd.gradcheck(it, bottoms)


def test_correlation_refuses() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': an odd kernel_size, max_displacement and positive strides"):
        apply("Correlation", "correlation_param { kernel_size: 2 max_displacement: 1 }", *[normal(1, 1, 5, 5)] * 2)
    with pytest.raises(DefinitionError, match="the displacements and the kernel do not fit into the padded bottoms"):
        apply("Correlation", CORRELATION % (1, 3, 0, 1, 1, ""), *[normal(1, 1, 5, 5)] * 2)
    with pytest.raises(DefinitionError, match="both bottoms must have equal shapes"):
        apply("Correlation", CORRELATION % (1, 1, 0, 1, 1, ""), normal(1, 1, 5, 5), normal(1, 2, 5, 5))


def test_flow_warp() -> None:
    """Each pixel from a loop over the four pixels around the place that its flow leads to."""
    image, flow = normal(2, 3, 5, 6), 2 * normal(2, 2, 5, 6)
    top = apply("FlowWarp", "", image, flow)
    for n, y, x in np.ndindex(2, 5, 6):
        column, row = x + flow[n, 0, y, x], y + flow[n, 1, y, x]
        expected = np.zeros(3)
        if 0 <= column < 6 and 0 <= row < 5:
            left, upper = int(column), int(row)
            for j, i in np.ndindex(2, 2):
                weight = abs(1 - i - (column - left)) * abs(1 - j - (row - upper))
                expected += weight * image[n, :, min(upper + j, 4), min(left + i, 5)]
        assert np.allclose(top[n, :, y, x], expected, atol=1e-5)


def test_flow_warp_fills_and_has_gradients() -> None:
    away = np.full((1, 2, 2, 2), 9, np.float32)
    assert (apply("FlowWarp", "", normal(1, 1, 2, 2), away) == 0).all()
    assert np.isnan(apply("FlowWarp", "flow_warp_param { fill_value: NOT_A_NUMBER }", normal(1, 1, 2, 2), away)).all()
    it = layer_net("FlowWarp", "", [(1, 2, 4, 5), (1, 2, 4, 5)]).double()
    bottoms = [torch.from_numpy(normal(1, 2, 4, 5)).double().requires_grad_() for _ in range(2)]
    assert torch.autograd.gradcheck(it, bottoms)


def resampled(bottom: np.ndarray, size: tuple[int, int], kind: str, antialias: bool) -> np.ndarray:
    """A weighted mean over all pixels for each pixel of the top, as the fork's kernel takes it over those nearby."""

    def weight(distance: float) -> float:
        x = abs(distance)
        if kind == "LINEAR":
            return max(0.0, 1 - x)
        return (1.5 * x - 2.5) * x * x + 1 if x <= 1 else ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0

    factor = bottom.shape[2] / size[0], bottom.shape[3] / size[1]
    wide = antialias and max(factor) > 1
    top = np.zeros((*bottom.shape[:2], *size))
    for y, x in np.ndindex(*size):
        row, column = y * factor[0] + factor[1] / 2 - 0.5, x * factor[1] + factor[0] / 2 - 0.5
        total, sums = 0.0, np.zeros(bottom.shape[:2])
        for j, i in np.ndindex(*bottom.shape[2:]):
            w = weight((row - j) / (factor[0] if wide else 1)) * weight((column - i) / (factor[1] if wide else 1))
            total, sums = total + w, sums + w * bottom[:, :, j, i]
        top[:, :, y, x] = sums / total if total else 0
    return top


@pytest.mark.parametrize("kind", ["LINEAR", "CUBIC"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(3, 4), (11, 16), (4, 16)])
def test_resample(kind: str, antialias: bool, size: tuple[int, int]) -> None:
    bottom = normal(2, 3, 6, 8)
    settings = f"type: {kind} antialias: {str(antialias).lower()}"
    top = apply("Resample", f"resample_param {{ {settings} height: {size[0]} width: {size[1]} }}", bottom)
    assert np.allclose(top, resampled(bottom, size, kind, antialias), atol=1e-5)
    like = apply("Resample", f"resample_param {{ {settings} }}", bottom, normal(2, 1, *size))
    assert np.array_equal(like, top)


def test_resample_nearest() -> None:
    """Positions 0.5 i - 0.25 of columns and rows: the second of each pair is nearer to its own pixel."""
    bottom = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
    top = apply("Resample", "resample_param { type: NEAREST height: 4 width: 6 }", bottom)
    assert np.array_equal(top[0, 0], np.repeat(np.repeat(bottom[0, 0], 2, 0), 2, 1))
    with pytest.raises(DefinitionError, match="layer 'l': type is NEAREST, LINEAR or CUBIC, not AREA"):
        apply("Resample", "resample_param { type: AREA height: 4 width: 6 }", bottom)
    with pytest.raises(DefinitionError, match="layer 'l': height and width must be given, or a second bottom"):
        apply("Resample", "resample_param { height: 4 }", bottom)


def test_downsample() -> None:
    """5 to 3 pixels: the pixels of the top are at 0, 2, 4 with weights 1/2, 1, 1/2 around."""
    bottom = np.array([[[[1, 2, 3, 4, 5]] * 2]], np.float32)
    top = apply("Downsample", "downsample_param { top_height: 1 top_width: 3 }", bottom)
    assert np.allclose(top, [[[[(1 + 1) / 1.5, 3, (5 + 2) / 1.5]]]])
    assert apply("Downsample", "", bottom, normal(1, 7, 1, 3)).tolist() == top.tolist()
    assert apply("Downsample", "", bottom, normal(1, 7, 2, 5)).tolist() == bottom.tolist()


def test_downsample_leaves_out_what_has_no_value() -> None:
    nan = math.nan
    bottom = np.array([[[[nan, 2, 3, nan, nan]] * 2]], np.float32)
    top = apply("Downsample", "downsample_param { top_height: 2 top_width: 3 }", bottom)
    # Of the first, 1 of 1.5 has none, of the second 0.5 of 2, of the third all.
    assert np.array_equal(np.isnan(top[0, 0, 0]), [True, False, True])
    assert top[0, 0, 0, 1] == pytest.approx((3 + 0.5 * 2) / 1.5)


def test_accum() -> None:
    small, large = np.array([[[[0, 1], [2, 3]]]], np.float32), normal(1, 2, 3, 3)
    top = apply("Accum", "", small, large)
    assert top[0, 0].tolist() == [[0, 0.5, 1], [1, 1.5, 2], [2, 2.5, 3]]
    assert np.allclose(top[:, 1:], large)
    assert apply("Accum", "accum_param { size_divisible_by: 4 }", small, large).shape == (1, 3, 4, 4)
    assert apply("Accum", "accum_param { top_height: 5 top_width: 6 }", small, large).shape == (1, 3, 5, 6)
    assert apply("Accum", "accum_param { have_reference: true }", small, normal(1, 9, 3, 5)).shape == (1, 1, 3, 5)


def test_channel_norm_and_neg_relu() -> None:
    bottom = np.array([3, -4], np.float32).reshape(1, 2, 1, 1)
    assert apply("ChannelNorm", "", bottom).tolist() == [[[[5]]]]
    assert apply("NegReLU", "relu_param { negative_slope: 0.5 }", bottom).ravel().tolist() == [1.5, -4]
    zero = torch.zeros(1, 2, 1, 1, requires_grad=True)
    top = layer_net("ChannelNorm", "", [(1, 2, 1, 1)])(zero)
    assert isinstance(top, torch.Tensor)
    top.sum().backward()  # type: ignore[no-untyped-call]
    assert zero.grad is not None
    assert zero.grad.flatten().tolist() == [0, 0]


def test_mean() -> None:
    bottom = np.array([10, 20, 30, 40], np.float32).reshape(1, 4, 1, 1)
    settings = "mean_param { operation: SUBTRACT value: 1 value: 2 mean_scale: 3 input_scale: 0.5 output_scale: 2 }"
    assert apply("Mean", settings, bottom).ravel().tolist() == [4, 8, 24, 28]
    assert apply("Mean", "mean_param { operation: ADD value: 1 }", bottom).ravel().tolist() == [11, 21, 31, 41]
    with pytest.raises(DefinitionError, match="3 values do not fit 4 channels"):
        apply("Mean", "mean_param { value: [1, 2, 3] }", bottom)
    with pytest.raises(DefinitionError, match="layer 'l': its values must be given; a file of means is not read"):
        apply("Mean", 'mean_param { file: "mean.binaryproto" }', bottom)


def test_data_augmentation_subtracts_the_mean_of_the_channels() -> None:
    """The mean of each pixel is of the images in training, of another size, and is not used."""
    bottom = normal(1, 3, 4, 6)
    blobs = [np.full((1, 1, 1, 1), 1000, np.float32), normal(1, 3, 8, 8), normal(1, 3, 1, 1)]
    it = layer("DataAugmentation", "a", "augmentation_param { recompute_mean: 1000 mean_per_pixel: false }")
    built = net(it, [bottom], {"it": blobs})
    assert np.allclose(built(torch.from_numpy(bottom)), bottom - blobs[2], atol=1e-6)
    assert [blob.shape for blob in built.blobs()["it"]] == [(1, 1, 1, 1), (1, 3, 1, 1), (1, 3, 1, 1)]


def test_data_augmentation_subtracts_a_mean_of_pixels_or_a_stated_one_from_the_middle() -> None:
    bottom = normal(1, 3, 4, 6)
    crop = "crop_height: 2 crop_width: 4"
    blobs = [np.ones((1, 1, 1, 1), np.float32), normal(1, 3, 2, 4), normal(1, 3, 1, 1)]
    it = net(
        layer("DataAugmentation", "a", f"augmentation_param {{ recompute_mean: 9 {crop} }}"), [bottom], {"it": blobs}
    )
    assert np.allclose(it(torch.from_numpy(bottom)), bottom[:, :, 1:3, 1:5] - blobs[1], atol=1e-6)
    stated = apply("DataAugmentation", f"augmentation_param {{ mean: [1, 2, 3] mean_per_pixel: false {crop} }}", bottom)
    assert np.allclose(stated[0, 1], bottom[0, 1, 1:3, 1:5] - 2, atol=1e-6)
    assert np.array_equal(apply("DataAugmentation", "augmentation_param { max_multiplier: 1 }", bottom), bottom)
    with pytest.raises(DefinitionError, match="must be smaller than the image by even numbers"):
        apply("DataAugmentation", "augmentation_param { crop_height: 3 crop_width: 4 }", bottom)


def test_augmentation_is_cut_from_the_net_for_inference() -> None:
    text = (
        definition(
            layer("DataAugmentation", ["img0"], "augmentation_param { crop_width: 448 }", "aug0 params0", "aug_0")
            + layer("GenerateAugmentationParameters", ["params0", "img0", "aug0"], "", "params1", "params")
            + layer("DataAugmentation", ["img1", "params1"], "", "aug1", "aug_1")
            + layer("FlowAugmentation", ["gt", "params0", "params1"], "", "gt_aug", "gt_aug")
            + layer("Concat", ["aug0", "aug1"], "", "both", "both")
            + layer("Convolution", ["both"], "convolution_param { num_output: 2 kernel_size: 1 }", "flow", "conv")
            + layer("Downsample", ["gt_aug", "flow"], "", "small_gt", "small_gt")
            + layer("L1Loss", ["flow", "small_gt"], "l1_loss_param { l2_per_location: true }", "loss", "loss")
            + layer("FLOWriter", ["flow"], 'writer_param { folder: "out" }', "", "writer"),
            {name: (1, 3, 8, 8) for name in ("img0", "img1")},
        )
        + 'layer { name: "data" type: "CustomData" top: "gt" }'
    )
    from fcnkit.caffe import prototxt
    from fcnkit.caffe.deploy import deploy

    definition_, _ = prototxt.parse_leniently(text)
    net_ = deploy(definition_)
    assert [layer.name for layer in net_.layer] == ["img0", "img1", "aug_0", "aug_1", "both", "conv"]
    it = fcnkit.CaffeNet(net_)
    assert it.outputs == ("flow",)
