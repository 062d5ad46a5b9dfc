"""Rectifiers of forks, channels that a guide keeps, and affine channels, by values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from fcnkit.nn.dropout import GuidedDropout
from tests.layers.build import layer, net, run, values

BOTTOM = np.array([[1, -2], [3, -4]], np.float32).reshape(1, 2, 1, 2)


def test_crelu_by_hand() -> None:
    assert run(layer("CReLU", "a"), [BOTTOM]).reshape(4, 2).tolist() == [[1, 0], [3, 0], [0, 2], [0, 4]]
    more = "crelu_param { concat_axis: 3 negative_slope: 0.5 }"
    expected = [[1, -1, -0.5, 2], [3, -2, -1.5, 4]]
    assert run(layer("CReLU", "a", more), [BOTTOM]).reshape(2, 4).tolist() == expected


def test_apl_by_hand() -> None:
    """Two hinges for each of 4 values: 1 * max(0 - x, 0) and 10 * max(2 - x, 0) for the first, nothing for others."""
    slopes, offsets = np.zeros((2, 1, 1, 2, 4), np.float32)
    slopes.reshape(-1)[:2], offsets.reshape(-1)[:2] = [1, 10], [0, 2]
    it = layer("APL", "a", "apl_param { sums: 2 }")
    assert run(it, [BOTTOM], {"it": [slopes, offsets]}).ravel().tolist() == [1 + 10, 0, 3, 0]
    negative = run(it, [-BOTTOM], {"it": [slopes, offsets]}).ravel().tolist()
    assert negative == [1 + 30, 2, 0, 4]


def test_apl_is_filled_as_the_fork_fills_it() -> None:
    slopes, offsets = net(layer("APL", "a", "apl_param { sums: 5 }"), [values(1, 8, 10, 10)]).blobs()["it"]
    assert slopes.shape == offsets.shape == (1, 1, 5, 800)
    assert -0.1 <= slopes.min() < -0.09
    assert 0.09 < slopes.max() <= 0.1
    assert offsets.std() == pytest.approx(0.5, rel=0.05)
    with pytest.raises(DefinitionError, match="sums must be positive"):
        net(layer("APL", "a", "apl_param { sums: 0 }"), [BOTTOM])


def test_eltwise_affine_by_hand() -> None:
    weight, bias = np.array([2, 3], np.float32), np.array([10, 20], np.float32)
    it = layer("EltwiseAffine", "a")
    assert run(it, [BOTTOM], {"it": [weight, bias]}).ravel().tolist() == [12, 6, 29, 8]
    shared = layer("EltwiseAffine", "a", "eltwise_affine_param { channel_shared: true }")
    one = [np.array(2, np.float32), np.array(1, np.float32)]
    assert run(shared, [BOTTOM], {"it": one}).ravel().tolist() == [3, -3, 7, -7]
    assert [blob.tolist() for blob in net(it, [BOTTOM]).blobs()["it"]] == [
        pytest.approx([1.0001] * 2),
        pytest.approx([0.0001] * 2),
    ]


GUIDE = np.array([[0.5, -1]], np.float32)


def test_guided_dropout_by_hand() -> None:
    """One channel of two is kept, and doubled; where none is, nothing is left."""
    more = 'guided_dropout_param { type: "deterministic" guidance_threshold: %s }'
    assert run(layer("GuidedDropout", "ab", more % 0), [BOTTOM, GUIDE]).ravel().tolist() == [2, -4, 0, 0]
    assert run(layer("GuidedDropout", "ab", more % 1), [BOTTOM, GUIDE]).ravel().tolist() == [0, 0, 0, 0]
    assert run(layer("GuidedDropout", "ab", more % -2), [BOTTOM, GUIDE]).tolist() == BOTTOM.tolist()
    stochastic = layer("GuidedDropout", "ab", 'guided_dropout_param { type: "stochastic" }')
    assert run(stochastic, [BOTTOM, GUIDE]).tolist() == BOTTOM.tolist()
    with pytest.raises(DefinitionError, match="type is deterministic or stochastic, not 'x'"):
        net(layer("GuidedDropout", "ab", 'guided_dropout_param { type: "x" }'), [BOTTOM, GUIDE])
    with pytest.raises(DefinitionError, match="the second bottom must have a number for each channel of each item"):
        net(layer("GuidedDropout", "ab"), [BOTTOM, values(1, 3)])


def test_guided_dropout_samples_in_training() -> None:
    """Channels are kept with the probabilities 0.9 and 0.5, and scaled by 2 / 1.4."""
    torch.manual_seed(0)
    it = GuidedDropout(sampled=True, steepness=2).train()
    guide = torch.tensor([[np.log(9) / 2, 0.0]]).float().expand(4000, 2)
    top = it(torch.ones(4000, 2, 1, 1), guide)
    assert torch.allclose(top.mean((0, 2, 3)), torch.tensor([1.8, 1.0]) / 1.4, atol=0.03)
    assert sorted(top.unique().tolist()) == pytest.approx([0, 2 / 1.4])
