"""Programs in PyTorch's core operations, as run_decompositions leaves them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from fcnkit.export import from_program
from tests.export.proving import assert_equal, randomized
from tests.export.test_rules import FAMILIES, Cases, image


def core_cases() -> dict[str, Any]:
    """Cases of the rules' tests whose operations Caffe has in PyTorch's core operations too."""
    # Bicubic kernels, indices of several axes and in-place copies are whole operations only before they are decomposed.
    no = {"fold", "unfold", "circular", "circular_pad", "bicubic", "nearest_exact", "logsumexp", "batch_of_its_own"}
    return {
        family: ({name: case for name, case in cases.items() if name not in no}, shape)
        for family, (cases, shape) in FAMILIES.items()
        if family != "lstms"
    }


@pytest.mark.parametrize("family", core_cases())
def test_a_decomposed_program(family: str) -> None:
    cases, shape = core_cases()[family]
    module, x = randomized(Cases(cases)), image(*shape)
    with torch.no_grad(), warnings.catch_warnings():
        # Those of PyTorch about its own code.
        warnings.simplefilter("ignore")
        expected = module(x)
        program = torch.export.export(module, (x,)).run_decompositions()
        net = from_program(program)
        found = net(x)
    assert list(net.outputs) == list(expected)
    for name, values in expected.items():
        assert_equal(found[name], values)
