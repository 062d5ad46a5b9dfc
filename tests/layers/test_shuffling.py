"""Values that move from channels to pixels, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import apply, layer_net, values


def test_channels_become_squares_of_pixels() -> None:
    """Ding-Liu/caffe-videoSR: 12 channels to 3, each of 2 x 2 pixels row by row."""
    bottom = values(2, 12, 3, 4)
    top = apply("Rearrange", "rearrange_param { depth: 3 }", bottom)
    assert top.shape == (2, 3, 6, 8)
    for n, d, h, w, i, j in np.ndindex(2, 3, 3, 4, 2, 2):
        assert top[n, d, 2 * h + i, 2 * w + j] == bottom[n, (d * 2 + i) * 2 + j, h, w]
    assert apply("Rearrange", "", bottom[:, :9]).shape == (2, 1, 9, 12)
    for settings, shape in (("", (1, 8, 3, 4)), ("rearrange_param { depth: 0 }", (1, 4, 3, 4)), ("", (1, 4))):
        with pytest.raises(DefinitionError, match="times a square number of channels"):
            layer_net("Rearrange", settings, [shape])


def test_channels_of_several_bottoms_alternate() -> None:
    """zlthinker/caffe: channel c of bottom b is c * 3 + b."""
    bottoms = [values(2, 2, 3, 4, seed=seed) for seed in range(3)]
    top = apply("Rearrange", "", *bottoms)
    assert top.shape == (2, 6, 3, 4)
    for b, c in np.ndindex(3, 2):
        assert np.array_equal(top[:, c * 3 + b], bottoms[b][:, c])
    with pytest.raises(DefinitionError, match="Rearrange interleaves bottoms of one shape"):
        layer_net("Rearrange", "", [(1, 2, 3, 4), (1, 3, 3, 4)])
