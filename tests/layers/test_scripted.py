"""Layers that projects define in Python, against values worked out by hand and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net, tops_of, values


def python(kind: str, settings: str = "") -> str:
    module, name = kind.split(".")
    return f'python_param {{ module: "{module}" layer: "{name}" {settings} }}'


def test_weights_of_pixels() -> None:
    bottom, weights = values(1, 2, 2, 3), values(1, 1, 2, 3, seed=1)
    top = apply("Python", python("add_weight.addWeight"), bottom, weights)
    assert np.allclose(top, [[weights[0, 0] * plane for plane in bottom[0]]])
    with pytest.raises(DefinitionError, match="the weights must not be larger than the first bottom"):
        layer_net("Python", python("add_weight.addWeight"), [(1, 1, 2, 3), (1, 2, 2, 3)])


def test_vectors_of_length_one() -> None:
    bottom = np.array([[3, 4], [0, 0]], np.float32)
    top = apply("Python", python("norm2layer.Norm2Layer"), bottom)
    assert np.allclose(top, [[0.6, 0.8], [0, 0]])
    with pytest.raises(DefinitionError, match=r"layer 'l': it reads vectors \(batch, channels\), not \(1, 2, 3\)"):
        layer_net("Python", python("norm2layer.Norm2Layer"), [(1, 2, 3)])


def test_ordinal_decoding() -> None:
    """Pairs (0, 1), (2, 2) and (3, 5): two have a larger second value; a last single channel is not read."""
    bottom = np.array([0, 1, 2, 2, 3, 5, 9], np.float32).reshape(1, 7, 1, 1)
    top = apply("Python", python("ordinal_decode_layer.OrdinalDecodeLayer"), np.concatenate([bottom, -bottom]))
    assert top.shape == (2, 1, 1, 1)
    assert top.ravel().tolist() == [2, 0]


def test_interpolation_to_a_fixed_shape() -> None:
    zoom = pytest.importorskip("scipy.ndimage").zoom
    kind = "custom_interpolation_layer.custom_interpolation_layer"
    bottom = values(1, 2, 3, 4)
    top = apply("Python", python(kind, 'param_str: "1, 2, 7,10"'), bottom)
    expected = zoom(bottom, (1, 1, 7 / 3, 10 / 4), np.float32, mode="nearest", order=1)
    assert top.shape == expected.shape
    assert np.allclose(top, expected, atol=1e-5)
    with pytest.raises(DefinitionError, match="layer 'l': param_str must be four positive numbers"):
        apply("Python", python(kind, 'param_str: "7,10"'), bottom)


def test_repetition_over_pixels() -> None:
    bottom = values(2, 3, 1, 1)
    top = apply("Python", python("caffe_traininglayers.SpatialRepLayer"), bottom, values(2, 5, 2, 4))
    assert np.array_equal(top, np.repeat(np.repeat(bottom, 2, 2), 4, 3))
    with pytest.raises(DefinitionError, match="height and width of the first bottom must be 1"):
        layer_net("Python", python("caffe_traininglayers.SpatialRepLayer"), [(1, 3, 2, 1), (1, 3, 2, 4)])


def test_all_bottoms_at_the_size_of_the_first() -> None:
    """Each pixel 2 x 3 times; a third bottom of 3 rows for 4 is repeated once, and a row of 0 remains."""
    bottoms = [values(2, 1, 4, 6), values(2, 2, 2, 2, seed=1), values(2, 1, 3, 6, seed=2)]
    top = apply("Python", python("resize.resize_to_same_size"), *bottoms)
    assert top.shape == (2, 4, 4, 6)
    assert np.array_equal(top[:, :1], bottoms[0])
    for n, c, y, x in np.ndindex(2, 2, 4, 6):
        assert top[n, 1 + c, y, x] == bottoms[1][n, c, y // 2, x // 3]
    assert np.array_equal(top[:, 3, :3], bottoms[2][:, 0])
    assert not top[:, 3, 3].any()
    with pytest.raises(DefinitionError, match="no bottom may be larger than the first"):
        layer_net("Python", python("resize.resize_to_same_size"), [(1, 1, 2, 3), (1, 1, 3, 3)])


def test_what_a_guided_filter_takes_away() -> None:
    """Kaiming He's guided filter with windows cut off at the edges, over windows of 3 x 3 pixels."""
    kind = "filter.guided_filer"
    settings = "param_str: \"{'guided_type': 'gray', 'epsilon': 0.3, 'radius': 1, 'split': 'test'}\""
    bottom = (np.random.default_rng(0).random((1, 2, 4, 5)) * 255).astype(np.float32)

    def mean(plane: np.ndarray) -> np.ndarray:
        made = np.empty_like(plane)
        for y, x in np.ndindex(*plane.shape):
            made[y, x] = plane[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].mean()
        return made

    top = apply("Python", python(kind, settings), bottom)
    for c in range(2):
        image = bottom[0, c].astype(np.float64) / 255
        covariance = mean(image * image) - mean(image) ** 2
        a = covariance / (covariance + 0.3)
        b = mean(image) - a * mean(image)
        assert np.allclose(top[0, c], bottom[0, c] - 255 * (mean(a) * image + mean(b)), atol=1e-3)
    for wrong in ("{'guided_type': 'color', 'epsilon': 0.3, 'radius': 1}", "{'guided_type': 'gray', 'radius': 1}"):
        with pytest.raises(DefinitionError, match="must give radius, epsilon and the guided_type 'gray'"):
            apply("Python", python(kind, f'param_str: "{wrong}"'), bottom)


def test_softmax_with_a_least_probability() -> None:
    """kolesman/SEC: 3 / 4 and 1 / 4, of which 1.0002 are the sum with 0.0001 each added."""
    bottom = np.log(np.array([3, 1], np.float32)).reshape(1, 2, 1, 1)
    top = apply("Python", python("pylayers.SoftmaxLayer"), bottom)
    assert np.allclose(top.ravel(), [0.7501 / 1.0002, 0.2501 / 1.0002], atol=1e-6)


def test_values_spread_over_a_map() -> None:
    kind, bottom = "cmap_layer.CmapLayer", values(2, 3)
    top = apply("Python", python(kind, "param_str: \"{ 'height': 2, 'width': 4}\""), bottom)
    assert top.shape == (2, 3, 2, 4)
    assert (top == bottom[:, :, None, None]).all()
    for settings, shape in (("{'height': 2}", (2, 3)), ("{'height': 2, 'width': 4}", (2, 3, 1))):
        with pytest.raises(
            DefinitionError, match=r"it reads \(batch, channels\) and param_str must give height and width"
        ):
            layer_net("Python", python(kind, f'param_str: "{settings}"'), [shape])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_padding_as_numpy_pads(mode: str) -> None:
    bottom = values(2, 1, 3, 4)
    settings = f"{{'pad_t': 1, 'pad_b': 0, 'pad_l': 2, 'pad_r': 1, 'pad_mode': '{mode}'}}"
    top = apply("Python", python("pad.PadTensor", f'param_str: "{settings}"'), bottom)
    assert np.array_equal(top, np.pad(bottom, ((0, 0), (0, 0), (1, 0), (2, 1)), mode))


@pytest.mark.parametrize("settings", ["{'pad_t': 1}", "{'pad_t': 1, 'pad_b': 1, 'pad_l': 1, 'pad_r': -1}", "{}"])
def test_pads_that_are_refused(settings: str) -> None:
    with pytest.raises(DefinitionError, match="layer 'l': param_str must have pad_t, pad_b, pad_l and pad_r"):
        layer_net("Python", python("pad.PadTensor", f'param_str: "{settings}"'), [(1, 1, 3, 4)])


def test_sizes_of_a_blob() -> None:
    assert apply("Python", python("shape.TensorShape"), values(2, 3, 5)).tolist() == [2, 3, 5]


@pytest.mark.parametrize("human", [False, True])
def test_coordinates_on_a_surface(human: bool) -> None:
    """Four intervals or parts: at each pixel, the offsets of the label; 0 is the background, 5 no label at all."""
    labels = np.array([[[0, 1, 2], [3, 4, 5]], [[4, 0, 1], [2, 2, 0]]], np.float32)[:, None]
    offsets, others = values(2, 5, 2, 3), values(2, 5, 2, 3, seed=1)
    kind = "CombineRegressionsHuman" if human else "CombineRegressions"
    blobs = labels, labels[::-1].copy(), offsets, others
    net = layer_net("Python", python(f"{kind}.CombineRegressionsLayer"), [each.shape for each in blobs], 2)
    for top, label, offset in zip(tops_of(net, *blobs), blobs[:2], blobs[2:], strict=True):
        for i, _, y, x in np.ndindex(label.shape):
            which = int(label[i, 0, y, x])
            value = offset[i, which, y, x] if 0 < which < 5 else 0.0
            expected = min(max(value, 0), 1) if human else (which + value - 1) / 4
            assert top[i, 0, y, x] == pytest.approx(-1 if expected < 0 else expected)


def test_labels_of_another_size() -> None:
    kind = python("CombineRegressions.CombineRegressionsLayer")
    with pytest.raises(DefinitionError, match="one label for each pixel of the offsets"):
        layer_net("Python", kind, [(1, 1, 2, 3), (1, 1, 2, 3), (1, 5, 2, 2), (1, 5, 2, 2)], 2)


_ACTIONS = "caffe.custom_layers.actions_detection_output_layer.ActionsDetectionOutputLayer"


def actions(settings: str) -> str:
    module, name = _ACTIONS.rsplit(".", 1)
    return f'python_param {{ module: "{module}" layer: "{name}" param_str: "{settings}" }}'


def test_actions_of_objects() -> None:
    """Rows of image, class, score, box, number of the place's box, column and row, of two images and two boxes."""
    objects = np.array(
        [[0, 1, 0.9, 0.1, 0.2, 0.3, 0.4, 1, 2, 0], [1, 1, 0.8, 0.5, 0.6, 0.7, 0.8, 0, 0, 1]], np.float32
    ).reshape(1, 1, 2, 10)
    scores = [values(2, 2, 3, 4, seed=seed) for seed in (1, 2)]
    (top,) = tops_of(
        layer_net("Python", actions("{'num_anchors': 2}"), [each.shape for each in (objects, *scores)]),
        objects,
        *scores,
    )
    first, second = scores[1][0, 0, 2], scores[0][1, 1, 0]
    expected = [
        [0, first.argmax(), 0.9, first.max(), 0.1, 0.2, 0.3, 0.4],
        [1, second.argmax(), 0.8, second.max(), 0.5, 0.6, 0.7, 0.8],
    ]
    assert top.shape == (1, 1, 2, 8)
    assert np.allclose(top[0, 0], expected)


@pytest.mark.parametrize(
    ("settings", "columns", "problem"),
    [
        ("{'num_anchors': 2}", 10, "num_anchors must be the number of bottoms behind the first, 1, not 2"),
        ("{'num_anchors': 1, 'use_nms': True}", 10, "use_nms, votes of objects that overlap, is not supported"),
        ("{'num_anchors': 1}", 7, "an object has 10 numbers"),
    ],
)
def test_actions_that_are_refused(settings: str, columns: int, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        layer_net("Python", actions(settings), [(1, 1, 2, columns), (1, 2, 3, 4)])
