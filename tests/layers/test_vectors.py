"""Layers of nets for faces, retrieval and fine-grained classes, with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.deploy import deploy
from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer, layer_net, run, tops_of

# Lengths 5 and 13 at the two positions.
VECTORS = np.array([[[[3, -5]], [[4, 12]]]], np.float32)


def test_normalize_without_norm_param_is_happynears() -> None:
    vectors, norms = tops_of(layer_net("Normalize", "", [VECTORS.shape], 2), VECTORS)
    assert np.allclose(vectors, [[[[0.6, -5 / 13]], [[0.8, 12 / 13]]]], atol=1e-6)
    assert np.allclose(norms, [[[[5, 13]]]], atol=1e-6)
    absolute = apply("Normalize", 'normalize_param { normalize_type: "L1" }', VECTORS)
    assert np.allclose(absolute, [[[[3 / 7, -5 / 17]], [[4 / 7, 12 / 17]]]], atol=1e-6)
    assert apply("Normalize", "", np.array([[3, 4]], np.float32)).shape == (1, 2, 1, 1)
    with pytest.raises(DefinitionError, match="layer 'l': normalize_type is L2 or L1, not L3"):
        layer_net("Normalize", 'normalize_param { normalize_type: "L3" }', [(1, 2)])


def test_inner_products_with_unit_rows() -> None:
    settings = "inner_product_param { num_output: 2 bias_term: false normalize: true }"
    weight = np.array([[3, 4], [0, -2]], np.float32)
    found = run(layer("InnerProduct", "a", settings), [np.array([[10, 5]], np.float32)], {"it": [weight]})
    assert np.allclose(found, [[10, -5]], atol=1e-5)
    with pytest.raises(DefinitionError, match="layer 'l': normalize needs weights that are not transposed"):
        layer_net("InnerProduct", settings.replace("}", "transpose: true }"), [(1, 2)])


@pytest.mark.parametrize(("kind", "distances"), [("L2", [[25, 5], [4, 20]]), ("L1", [[7, 3], [2, 6]])])
def test_distances_to_rows(kind: str, distances: list[list[float]]) -> None:
    rows = np.array([[3, 4], [1, 2]], np.float32)
    points = np.array([[0, 0], [3, 6]], np.float32)
    own = layer("InnerDistance", "a", f'inner_distance_param {{ num_output: 2 distance_type: "{kind}" }}')
    assert np.allclose(run(own, [points], {"it": [rows]}), distances)
    other = layer("InnerDistance", "ab", f'inner_distance_param {{ distance_type: "{kind}" }}')
    assert np.allclose(run(other, [points, rows]), distances)
    units = layer("InnerDistance", "a", "inner_distance_param { num_output: 1 normalize: true }")
    assert np.allclose(run(units, [points[:1]], {"it": [rows[:1]]}), 1, atol=1e-5)


def test_errors_of_distances() -> None:
    with pytest.raises(DefinitionError, match="layer 'l': distance_type is L2 or L1"):
        layer_net("InnerDistance", 'inner_distance_param { num_output: 2 distance_type: "cos" }', [(1, 2)])
    with pytest.raises(DefinitionError, match="layer 'l': 2 inputs and num_output 0 must be positive"):
        layer_net("InnerDistance", "", [(1, 2)])


def test_signed_square_root() -> None:
    assert np.allclose(apply("SignedSqrt", "", np.array([[-9, 0, 4]], np.float32)), [[-3, 0, 2]])


def test_tanh_of_the_first_scale() -> None:
    """tanh(log(2)) = (2 - 1/2) / (2 + 1/2)."""
    settings = "scale_tanh_param { init_scale: 2 step_size: 200 gamma: 0.005 power: 0.5 }"
    assert np.allclose(apply("ScaleTanH", settings, np.log([[1, 2**0.5]]).astype(np.float32)), [[0, 0.6]])


def test_softmax_over_pixels() -> None:
    image = np.log(np.array([[[[1, 2], [3, 4]], [[4, 4], [4, 4]]]], np.float32))
    found = apply("SpatialSoftmax", "spatial_softmax_param { engine: CAFFE }", image)
    assert np.allclose(found, [[[[0.1, 0.2], [0.3, 0.4]], [[0.25, 0.25], [0.25, 0.25]]]])
    sharper = apply("SpatialSoftmax", "spatial_softmax_param { temperature: 0.5 }", image)
    assert np.allclose(sharper[0, 0] * 30, [[1, 4], [9, 16]])
    with pytest.raises(DefinitionError, match="layer 'l': SpatialSoftmax reads blobs of 3 axes or more"):
        layer_net("SpatialSoftmax", "", [(1, 2)])


def test_channels_of_a_class() -> None:
    channels = np.arange(12, dtype=np.float32).reshape(2, 6, 1, 1)
    groups = np.array([[2], [0]], np.float32)
    found = apply("MaskOutputs", "mask_outputs_param { kernel_size: 2 }", channels, groups)
    assert found.tolist() == [[[[4]], [[5]]], [[[6]], [[7]]]]
    with pytest.raises(DefinitionError, match="layer 'l': kernel_size 0 must be from 1 to 6, the channels"):
        layer_net("MaskOutputs", "", [(2, 6, 1, 1), (2, 1)])


def test_marks_of_sequences() -> None:
    settings = "continuation_indicator_param { time_step: 3 axis: 1 }"
    found = run(layer("ContinuationIndicator", "a", settings), [np.zeros((4, 2, 5), np.float32)])
    assert found.tolist() == [[0, 0], [1, 1], [1, 1]]
    stated = layer("ContinuationIndicator", "", "continuation_indicator_param { time_step: 2 batch_size: 3 }")
    both = stated + layer("Eltwise", ["top", "a"], tops="sum", name="sum")
    assert run(both, [np.ones((2, 3), np.float32)]).tolist() == [[1, 1, 1], [2, 2, 2]]
    with pytest.raises(DefinitionError, match="layer 'l': time_step must be given, and batch_size or a bottom"):
        layer_net("ContinuationIndicator", "", [(1, 2)])


def test_margins_of_labels_are_for_training() -> None:
    """The wiring of happynear/AMSoftmax prototxt/face_train_test.prototxt."""
    text = """
        layer { name: "d" type: "Data" top: "data" top: "label" }
        layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 } }
        layer { name: "m" type: "LabelSpecificAdd" bottom: "fc" bottom: "label" top: "margin"
          label_specific_add_param { bias: -0.35 } }
        layer { name: "s" type: "Power" bottom: "margin" top: "s" power_param { scale: 30 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "label" top: "loss" }
        """
    made = deploy(prototxt.parse(text))
    assert [layer.name for layer in made.layer] == ["data", "fc", "s"]
    assert list(made.layer[2].bottom) == ["fc"]


def test_batch_normalization_of_vectors() -> None:
    """The BN of wy1iu/LargeMargin_Softmax_Loss, with 4 blobs, behind an InnerProduct."""
    bn = layer("BN", "a", "bn_param { slope_filler { value: 1 } bias_filler { value: 0 } eps: 0 }")
    blobs = [np.array(values, np.float32).reshape(1, 2, 1, 1) for values in ([2, 1], [1, 0], [5, 0], [4, 9])]
    bottom = np.array([[7, 3]], np.float32)
    assert np.allclose(run(bn, [bottom], {"it": blobs}), [[3, 1]])


def test_slopes_of_randomized_relu() -> None:
    """Between 1 and e the logarithmic mean is e - 1."""
    settings = "rrelu_param { lb: 1 ub: 2.718281828 }"
    found = apply("RReLU", settings, np.array([[-1.718281828, 0, 2]], np.float32))
    assert np.allclose(found, [[-1, 0, 2]])
    with pytest.raises(DefinitionError, match="layer 'l': lb 3 must be positive and below ub 3"):
        layer_net("RReLU", "rrelu_param { lb: 3 ub: 3 }", [(1, 2)])


@pytest.mark.parametrize("transpose", ["false", "true"])
def test_a_product_with_weights_that_are_a_bottom(transpose: str) -> None:
    """openvinotoolkit/training_toolbox_caffe: two rows for two numbers, and a bias; transposed, two columns."""
    rows, weight = np.array([[[10, 5], [1, 2]]], np.float32), np.array([[[1], [2]], [[3], [4]]], np.float32)
    settings = f"inner_product_param {{ axis: 2 num_output: 7 transpose: {transpose} bias_term: %s }}"
    expected = np.array([[[20, 50], [5, 11]]] if transpose == "false" else [[[25, 40], [7, 10]]], np.float32)
    assert np.array_equal(run(layer("InnerProduct", "ab", settings % "false"), [rows, weight]), expected)
    bias = np.array([100, 200], np.float32)
    top = run(layer("InnerProduct", "abc", settings % "true"), [rows, weight, bias])
    assert np.array_equal(top, expected + bias)


@pytest.mark.parametrize("settings", ["bias_term: true", "bias_term: false normalize: true"])
def test_weights_that_are_a_bottom_are_refused(settings: str) -> None:
    with pytest.raises(DefinitionError, match="layer 'l': with weights as its second bottom, a bias is its third"):
        layer_net("InnerProduct", f"inner_product_param {{ num_output: 2 {settings} }}", [(1, 2), (2, 2)])
