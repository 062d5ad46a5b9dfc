"""Layers that projects define in Python, against values worked out by hand and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net, values


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
