"""In-place operations, with and without other views of what they change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.export.functional import made_functional
from fcnkit.export.tracing import trace
from tests.export.proving import proven


class Behind(nn.Module):
    """A function of the result of a convolution."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.conv, self.function = nn.Conv2d(4, 4, 1), function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.conv(x))


def in_turn(x: Tensor) -> Tensor:
    y = F.relu_(x)
    y += x
    return y


def read_by_its_old_name(x: Tensor) -> Tensor:
    x.relu_()
    kept = x * 3
    x.add_(2)
    return x * kept


def constant(x: Tensor) -> Tensor:
    return x * torch.arange(3).add_(1)


def of_a_copy(x: Tensor) -> Tensor:
    y = x.clone()
    y.mul_(2)
    return x + y


def seen_in_a_view(x: Tensor) -> Tensor:
    view = x.view(2, 4, -1)
    x.add_(1)
    return view * 2


def seen_in_a_part(x: Tensor) -> Tensor:
    left, right = x.chunk(2, 1)
    x.relu_()
    return left * right


def of_a_view(x: Tensor) -> Tensor:
    x.flatten(1).relu_()
    return x * 2


def without_a_rule(x: Tensor) -> Tensor:
    return torch.addcmul(x, x, x)


@pytest.mark.parametrize(
    ("function", "functional"),
    [
        (in_turn, True), (read_by_its_old_name, True), (constant, True), (of_a_copy, True),
        (seen_in_a_view, False), (seen_in_a_part, False), (of_a_view, False), (without_a_rule, False),
    ],
)  # fmt: skip
def test_in_place_operations(function: Callable[[Tensor], Tensor], functional: bool, tmp_path: Path) -> None:
    """They are replaced where no other view shows what they change; other programs are decomposed."""
    x = torch.randn(2, 4, 5, 3, generator=torch.Generator().manual_seed(3))
    program = trace(Behind(function).eval(), [x])
    operations = [str(node.target) for node in program.graph.nodes]
    assert made_functional(program) is functional
    if functional:
        assert not any("_." in str(node.target) for node in program.graph.nodes)
    else:
        assert [str(node.target) for node in program.graph.nodes] == operations
    proven(Behind(function), x, tmp_path=tmp_path)
