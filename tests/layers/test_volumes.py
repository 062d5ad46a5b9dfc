"""Layers of C3D and video-caffe, against loops over their windows."""

from __future__ import annotations

import numpy as np
import pytest

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.deploy import deploy
from fcnkit.caffe.inputs import input_shapes
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer, net, run

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def convolved(
    bottom: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: list[int], pad: list[int]
) -> np.ndarray:
    padded = np.pad(bottom, [(0, 0), (0, 0), *((side, side) for side in pad)])
    kernel = weight.shape[2:]
    sizes = [(padded.shape[2 + a] - kernel[a]) // stride[a] + 1 for a in range(3)]
    top = np.zeros((bottom.shape[0], weight.shape[0], *sizes))
    for n, out, z, y, x in np.ndindex(*top.shape):
        total = bias[out]
        for c, k, j, i in np.ndindex(*weight.shape[1:]):
            place = padded[n, c, z * stride[0] + k, y * stride[1] + j, x * stride[2] + i]
            total += weight[out, c, k, j, i] * place
        top[n, out, z, y, x] = total
    return top


OLD = """convolution_param { num_output: 2 kernel_size: 3 kernel_depth: 2 pad: 1 temporal_pad: 1 stride: 2
         temporal_stride: 1 filter_group: 2 }"""
SHAPES = """convolution_param { num_output: 2 kernel_shape { dim: [2, 3, 3] } stride_shape { dim: [1, 2, 2] }
         pad_shape { dim: [1, 1, 1] } }"""


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("Convolution3D", OLD), ("Convolution3D", OLD.replace("_param", "3d_param")), ("NdConvolution", SHAPES)],
)
@pytest.mark.parametrize("bias_axes", [1, 5])
def test_convolutions(kind: str, settings: str, bias_axes: int) -> None:
    bottom, weight, bias = normal(2, 3, 4, 5, 7), normal(2, 3, 2, 3, 3), normal(2)
    if kind == "NdConvolution" and bias_axes == 5:
        return
    stored = bias.reshape((1,) * (bias_axes - 1) + (-1,))
    top = run(layer(kind, "a", settings), [bottom], {"it": [weight, stored]})
    assert np.allclose(top, convolved(bottom, weight, bias, [1, 2, 2], [1, 1, 1]), atol=1e-4)


def test_blobs_have_the_shapes_of_the_fork() -> None:
    it = net(layer("Convolution3D", "a", OLD), [normal(1, 3, 4, 5, 7)])
    assert [tuple(blob.shape) for blob in it.blobs()["it"]] == [(2, 3, 2, 3, 3), (1, 1, 1, 1, 2)]
    it = net(layer("Deconvolution3D", "a", OLD), [normal(1, 3, 4, 5, 7)])
    assert [tuple(blob.shape) for blob in it.blobs()["it"]] == [(3, 2, 2, 3, 3), (1, 1, 1, 1, 2)]


def test_deconvolution() -> None:
    """Each value of the bottom is added, times the filter, at its place in the top."""
    bottom, weight, bias = normal(1, 3, 2, 3, 2), normal(3, 2, 2, 3, 3), normal(2)
    top = run(layer("Deconvolution3D", "a", OLD), [bottom], {"it": [weight, bias]})
    whole = np.zeros((1, 2, 3, 7, 5))
    for c, z, y, x in np.ndindex(*bottom.shape[1:]):
        whole[0, :, z : z + 2, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3] += bottom[0, c, z, y, x] * weight[c]
    expected = whole[:, :, 1:-1, 1:-1, 1:-1] + bias[None, :, None, None, None]
    assert np.allclose(top, expected, atol=1e-4)


def test_pooling_in_the_words_of_p3d() -> None:
    """ZhaofanQiu/pseudo-3d-residual-networks: 5 images of 7 x 7 by windows of 2 x 3 x 3, two apart, rounded up."""
    bottom = normal(1, 2, 5, 7, 7)
    top = apply("Pooling3D", "pooling3d_param { kernel_size: 3 stride: 2 kernel_l: 2 stride_l: 2 }", bottom)
    expected = np.zeros((1, 2, 3, 3, 3), np.float32)
    for c, t, y, x in np.ndindex(2, 3, 3, 3):
        expected[0, c, t, y, x] = bottom[0, c, 2 * t : 2 * t + 2, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3].max()
    assert np.array_equal(top, expected)


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize("kind", ["Pooling3D", "NdPooling"])
def test_pooling_rounds_up(pool: str, kind: str) -> None:
    bottom = normal(1, 2, 5, 4, 7)
    settings = {
        "Pooling3D": f"pooling_param {{ pool: {pool} kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 2 }}",
        "NdPooling": f"""pooling_param {{
            pool: {pool} kernel_shape {{ dim: [2, 3, 3] }} stride_shape {{ dim: [2, 2, 2] }} }}""",
    }[kind]
    top = apply(kind, settings, bottom)
    assert top.shape == (1, 2, 3, 2, 3)
    for z, y, x in np.ndindex(3, 2, 3):
        part = bottom[:, :, 2 * z : 2 * z + 2, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3].reshape(1, 2, -1)
        assert np.allclose(top[:, :, z, y, x], part.max(2) if pool == "MAX" else part.mean(2), atol=1e-6)


def test_they_refuse() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': Convolution3D reads blobs of 5 axes, batch, channels, time"):
        apply("Convolution3D", OLD, normal(1, 3, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': kernel_size and kernel_depth must be positive"):
        apply("Pooling3D", "pooling_param { kernel_size: 2 }", normal(1, 3, 5, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': num_output, kernel_size and kernel_depth must be positive"):
        apply("Convolution3D", "convolution3d_param { kernel_size: 2 }", normal(1, 3, 5, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': pool is MAX or AVE, not STOCHASTIC"):
        apply("Pooling3D", "pooling_param { pool: STOCHASTIC kernel_size: 2 kernel_depth: 1 }", normal(1, 3, 5, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': kernel_shape, stride_shape and pad_shape have 3 sizes each"):
        apply("NdPooling", "pooling_param { kernel_shape { dim: [2, 2] } }", normal(1, 3, 5, 5, 5))
    with pytest.raises(DefinitionError, match="layer 'l': group 2 must divide 3 channels and num_output 2"):
        apply("NdConvolution", SHAPES.replace("num_output: 2", "num_output: 2 group: 2"), normal(1, 3, 5, 5, 5))


C3D = """
layers { name: "data" type: VIDEO_DATA top: "data" top: "label" image_data_param {
  source: "list.txt" use_temporal_jitter: false crop_size: 24 new_height: 28 new_width: 32 new_length: 8 } }
layers { name: "conv1a" type: CONVOLUTION3D bottom: "data" top: "conv1a" blobs_lr: 1 blobs_lr: 2 convolution_param {
  num_output: 4 kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1 } }
layers { name: "relu1a" type: RELU bottom: "conv1a" top: "conv1a" }
layers { name: "pool1" type: POOLING3D bottom: "conv1a" top: "pool1" pooling_param {
  pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 } }
layers { name: "fc8" type: INNER_PRODUCT bottom: "pool1" top: "fc8" inner_product_param { num_output: 5 } }
layers { name: "prob" type: SOFTMAX bottom: "fc8" top: "prob" }
layers { name: "accuracy" type: ACCURACY bottom: "prob" bottom: "label" top: "accuracy" }"""


def test_the_wiring_of_c3d() -> None:
    """facebook/C3D C3D-v1.0/examples/c3d_finetuning, thin."""
    definition, _ = prototxt.parse_leniently(C3D)
    cut = deploy(upgrade_net(definition))
    assert input_shapes(cut) == {"data": (1, 3, 8, 24, 24)}
    it = fcnkit.CaffeNet(cut)
    assert it.shapes["pool1"] == (1, 4, 8, 12, 12)
    assert it.shapes["prob"] == (1, 5)
