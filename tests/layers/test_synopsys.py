"""Settings that Synopsys' Caffe adds to BVLC's layers, and its activations, by hand or by loops over windows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.caffe import prototxt
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer, run

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def test_activations() -> None:
    x = np.array([[-4, -1, 0, 1, 4]], np.float32)
    assert np.allclose(apply("HardSigmoid", "", x), [[0, 0.3, 0.5, 0.7, 1]])
    assert np.allclose(apply("HardSigmoid", "hard_sigmoid_param { alpha: 1 beta: 0.25 }", x), [[0, 0, 0.25, 1, 1]])
    mish = [v * math.tanh(math.log(1 + math.exp(v))) for v in x[0]]
    assert np.allclose(apply("Mish", "", x), [mish], atol=1e-6)
    selu = [1.050700987 * (v if v > 0 else 1.67326324 * (math.exp(v) - 1)) for v in x[0]]
    assert np.allclose(apply("SeLU", "", x), [selu], atol=1e-6)
    assert np.allclose(apply("Softplus", "", x), [[math.log(1 + math.exp(v)) for v in x[0]]], atol=1e-6)
    assert np.allclose(apply("ScaleTanH", "scale_tanh_param { init_scale: 2 }", x), np.tanh(2 * x))
    assert np.allclose(apply("Softsign", "", x), [[-0.8, -0.5, 0, 0.5, 0.8]])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("relu6: true", [0, 0, 2, 6]),
        ("maximum: 3", [0, 0, 2, 3]),
        ("relu6: true maximum: 3 minimum: 1", [1, 1, 2, 3]),
        ("negative_slope: 0.5 relu6: true", [-4, 0, 2, 6]),
        ("negative_slope: 0.5 minimum: -1", [-1, 0, 2, 9]),
    ],
)
def test_relu_has_bounds(settings: str, expected: list[float]) -> None:
    x = np.array([[-8, 0, 2, 9]], np.float32)
    assert apply("ReLU", f"relu_param {{ {settings} }}", x).tolist() == [expected]


def test_batch_norm_adds_eps_to_the_root() -> None:
    it = layer("BatchNorm", "a", "batch_norm_param { eps: 1 add_eps_before_sqrt: false }")
    blobs = [np.array([4], np.float32), np.array([18], np.float32), np.array([2], np.float32)]
    assert run(it, [np.array([[10]], np.float32)], {"it": blobs}).tolist() == [[(10 - 2) / (3 + 1)]]
    with pytest.raises(DefinitionError, match="layer 'it': statistics of the batch need add_eps_before_sqrt"):
        run(it.replace("eps: 1", "use_global_stats: false"), [normal(2, 2)])


def windows(bottom: np.ndarray, kernel: int, stride: int, sides: list[int], count: list[int]) -> list[np.ndarray]:
    """The values of each window, row by row; NaN in the pad, nothing beyond it."""
    above, below, left, right = sides
    plane = np.pad(bottom[0, 0], [(above, below), (left, right)], constant_values=np.nan)
    return [
        plane[y * stride : y * stride + kernel, x * stride : x * stride + kernel].ravel()
        for y in range(count[0])
        for x in range(count[1])
    ]


POOLS = {
    "MAX": np.nanmax,
    "AVE": lambda values: np.nansum(values) / len(values),
    "AVE_EXC_PAD": np.nanmean,
    "AVE_TF": np.nanmean,
}


@pytest.mark.parametrize("method", POOLS)
@pytest.mark.parametrize(
    ("settings", "sides", "count"),
    [
        ("kernel_size: 3 stride: 2 pad_b: 1 pad_r: 1 ceil_mode: false", [0, 1, 0, 1], [3, 4]),
        ("kernel_size: 3 stride: 2 pad_t: 1 pad_l: 2 pad_r: 1", [1, 0, 2, 1], [3, 5]),
        ("kernel_size: 2 stride: 1 pad_type: 1", [0, 1, 0, 1], [6, 8]),
        ("kernel_size: 3 stride: 2 pad_type: 1", [0, 1, 0, 1], [3, 4]),
    ],
)
def test_pooling_with_a_pad_for_each_side(method: str, settings: str, sides: list[int], count: list[int]) -> None:
    bottom = normal(1, 1, 6, 8)
    top = apply("Pooling", f"pooling_param {{ pool: {method} {settings} }}", bottom)
    assert top.shape[2:] == tuple(count)
    expected = [POOLS[method](values) for values in windows(bottom, int(settings[13]), int(settings[23]), sides, count)]
    assert np.allclose(top.ravel(), expected, atol=1e-6)


def test_average_pooling_without_the_pad() -> None:
    top = apply(
        "Pooling",
        "pooling_param { pool: AVE_EXC_PAD kernel_size: 3 stride: 2 pad: 1 }",
        np.ones((1, 1, 5, 5), np.float32),
    )
    assert (top == 1).all()
    whole = apply(
        "Pooling", "pooling_param { pool: AVE_EXC_PAD global_pooling: true }", np.ones((1, 1, 5, 5), np.float32)
    )
    assert whole.tolist() == [[[[1]]]]


@pytest.mark.parametrize(
    ("pads", "sides"),
    [
        ("pad_t: 1 pad_l: 2 pad_b: 0 pad_r: 1", [1, 0, 2, 1]),
        ("pad_t: 1 pad_b: 1 pad_l: 2 pad_r: 2", [1, 1, 2, 2]),
        ("pad_type: 1", [0, 1, 1, 1]),
    ],
)
def test_convolution_with_a_pad_for_each_side(pads: str, sides: list[int]) -> None:
    bottom, weight, bias = normal(1, 4, 6, 7), normal(2, 2, 3, 3), normal(2)
    settings = f"convolution_param {{ num_output: 2 group: 2 kernel_size: 3 stride: 2 {pads} }}"
    top = run(layer("Convolution", "a", settings), [bottom], {"it": [weight, bias]})
    above, below, left, right = sides
    padded = np.pad(bottom, [(0, 0), (0, 0), (above, below), (left, right)])
    assert top.shape == (1, 2, (padded.shape[2] - 3) // 2 + 1, (padded.shape[3] - 3) // 2 + 1)
    for out, y, x in np.ndindex(*top.shape[1:]):
        part = padded[0, 2 * out : 2 * out + 2, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3]
        assert top[0, out, y, x] == pytest.approx((part * weight[out]).sum() + bias[out], abs=1e-4)


def test_equal_pads_are_bvlcs() -> None:
    text = 'layer { name: "c" type: "Convolution" convolution_param { pad_t: 1 pad_b: 1 pad_l: 2 pad_r: 2 } }'
    p = prototxt.parse(text).layer[0].convolution_param
    assert (p.pad_h, p.pad_w, p.HasField("pad_t")) == (1, 2, False)
    text = 'layer { name: "c" type: "Convolution" convolution_param { pad_t: 0 pad_b: 0 pad_l: 0 pad_r: 0 pad: 1 } }'
    p = prototxt.parse(text).layer[0].convolution_param
    assert (list(p.pad), p.HasField("pad_h"), p.HasField("pad_t")) == ([1], False, False)


def test_pads_refuse() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': give pad, or pad_l, pad_r, pad_t and pad_b, or pad_type"):
        apply("Convolution", "convolution_param { num_output: 1 kernel_size: 3 pad: 1 pad_l: 2 }", normal(1, 1, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': a Deconvolution has the same pad on opposite sides"):
        apply("Deconvolution", "convolution_param { num_output: 1 kernel_size: 3 pad_l: 2 }", normal(1, 1, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': a pad for each side is for MAX and AVE, without a mask"):
        apply("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 pad_l: 1 }", normal(1, 1, 5, 5))


def test_normalizations() -> None:
    bottom = np.array([3, 4], np.float32).reshape(1, 2, 1, 1)
    assert np.allclose(apply("GRN", "", bottom).ravel(), [0.6, 0.8])
    assert np.allclose(apply("GRN", "grn_param { bias: 75 }", bottom).ravel(), [0.3, 0.4])
    whole = np.array([[[3], [0]], [[0], [4]]], np.float32).reshape(1, 2, 2, 1)
    assert np.allclose(apply("L2Normalize", "", whole).ravel(), [0.6, 0, 0, 0.8])
    items = normal(2, 3, 4)
    top = apply("LayerNorm", "layer_norm_param { eps: 0.5 }", items)
    for item, found in zip(items, top, strict=True):
        assert np.allclose(found, (item - item.mean()) / np.sqrt(item.var() + 0.5), atol=1e-5)
    assert np.allclose(apply("L2Norm", "", whole).ravel(), [0.6, 0, 0, 0.8])
    assert apply("L2Norm", "", 0 * whole).ravel().tolist() == [0, 0, 0, 0]
    assert np.allclose(apply("Norm", "", bottom).ravel(), [0.6, 0.8])
    assert (apply("Norm", "", np.full((1, 1, 1, 1), 1e-6, np.float32)) == 0.5).all()
    found = apply("Normalize", 'normalize_param { normalize_type: "L2" }', bottom)
    assert np.allclose(found.ravel(), [0.6, 0.8], atol=1e-6)
    with pytest.raises(DefinitionError, match="layer 'l': normalize_type is L2 or L1, not"):
        apply("Normalize", 'normalize_param { normalize_type: "L3" }', bottom)
