"""BN with moving averages, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, values

IT = layer("BN", "a", "bn_param { scale_filler { value: 1 } decay: 0.75 var_eps: 0.5 }")
BLOBS = [np.array(row, np.float32).reshape(1, 2, 1, 1) for row in ([2, 3], [1, -1], [0.5, 4], [4, 0.25])]


def test_stored_statistics_without_an_epsilon() -> None:
    """sciencefans/coco_loss: (x - 0.5) / 2 * 2 + 1 and (x - 4) / 0.5 * 3 - 1."""
    bottom = values(2, 2, 3, 4)
    found = run(IT, [bottom], {"it": BLOBS})
    assert np.allclose(found[:, 0], bottom[:, 0] + 0.5, atol=1e-5)
    assert np.allclose(found[:, 1], bottom[:, 1] * 6 - 25, atol=1e-4)


def test_training_keeps_a_quarter_of_each_batch() -> None:
    """A batch of 1 and 3: mean 2, variance 1, to which 0.5 is added."""
    it = net(IT, [values(2, 2, 1, 1)], {"it": BLOBS}).train()
    bottom = torch.tensor([1.0, 3]).reshape(2, 1, 1, 1).expand(2, 2, 1, 1)
    top = it(bottom)
    assert isinstance(top, torch.Tensor)
    assert top[:, 0, 0, 0].tolist() == pytest.approx([1 - 2 / math.sqrt(1.5), 1 + 2 / math.sqrt(1.5)])
    state = it.state_dict()
    assert state["it.running_mean"].tolist() == [0.75 * 0.5 + 0.25 * 2, 0.75 * 4 + 0.25 * 2]
    assert state["it.running_var"].tolist() == [0.75 * 4 + 0.25, 0.75 * 0.25 + 0.25]


def test_moving_averages_are_needed() -> None:
    with pytest.raises(DefinitionError, match="moving_average must be true"):
        run(layer("BN", "a", "bn_param { moving_average: false }"), [values(1, 2, 3, 3)])
