"""The memory that nets need, and that is left."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fcnkit.net import CaffeNet
from fcnkit.segment.memory import budget, sizes

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 10 kernel_size: 3 } }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "r" type: "ReLU" bottom: "p" top: "p" }
layer { name: "all" type: "Convolution" bottom: "p" top: "all" convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "side" type: "Convolution" bottom: "c" top: "side" convolution_param { num_output: 1 kernel_size: 1 } }
"""


@pytest.mark.parametrize(("fast", "values"), [(True, 9_000), (False, 14_112)])
def test_the_sum_of_the_blobs_at_one_layer(fast: bool, values: int) -> None:
    """By hand, for 22 x 32 pixels: c has 10 x 20 x 30 values, p 10 x 10 x 15; c stays until the side reads it.

    The most are at r, which reads and makes p beside c: 6,000 + 1,500 + 1,500. Without prepared weights one more copy
    of a layer's largest blob counts, and the most are at c: 2,112 + 6,000 + 6,000.
    """
    shapes, needed = sizes(CaffeNet(NET), (22, 32), fast)
    assert shapes == {"all": (1, 2, 10, 15), "side": (1, 1, 20, 30)}
    assert needed == 4 * values


def test_the_budget() -> None:
    cpu = torch.device("cpu")
    assert budget(5, cpu) == (5, "as given")
    found = budget(None, cpu)
    assert found.origin == "half of what is free"
    assert 2**20 < found.bytes < 2**50
    if Path("/proc/meminfo").exists():
        total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        assert found.bytes <= total / 2
