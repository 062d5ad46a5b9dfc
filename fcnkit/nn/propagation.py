"""Recursive filters along the rows or columns of a blob."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

_ACTIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "LINEAR": lambda values: values,
    "SIGMOID": torch.sigmoid,
    "RELU": torch.relu,
    "TANH": torch.tanh,
}


class GatedFilter(nn.Module):
    """h = active(g (b - W_x x + W_h h') + r W_x x), with h' of the pixel before, 0 before the first one.

    The gate g is the second bottom; where r is below 1, it is multiplied by r.

    Args:
        channels, outputs: of x and of h.
        horizontal: along rows; else along columns.
        reverse: from the last pixel to the first.
        uses: whether W_x, W_h and b are used; without them W_x and W_h are the identity, and b is 0.
        active: "LINEAR", "SIGMOID", "RELU" or "TANH".
        limit: the largest absolute weight in W_h.
        share: r.

    Source: Liusifei/caffe-lowlevel src/caffe/layers/gaterecurrent_layer.cpp, Forward_cpu.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        horizontal: bool = True,
        reverse: bool = False,
        uses: tuple[bool, bool, bool] = (True, True, True),
        active: str = "LINEAR",
        limit: float = math.inf,
        share: float = 1,
    ):
        super().__init__()
        self.channels, self.outputs, self.horizontal, self.reverse = channels, outputs, horizontal, reverse
        self.uses, self.active, self.limit, self.share = tuple(uses), active, limit, share
        self.weight_x = nn.Parameter(torch.zeros(1, 1, channels, outputs))
        self.weight_h = nn.Parameter(torch.zeros(1, 1, outputs, outputs))
        self.bias = nn.Parameter(torch.zeros(1, 1, 1, outputs))

    def forward(self, bottom: Tensor, gate: Tensor) -> Tensor:
        """(images, outputs, height, width) of a bottom (images, channels, height, width) and a gate like the top."""
        if gate.shape != (len(bottom), self.outputs, *bottom.shape[2:]):
            raise RuntimeError(f"the gate must have {self.outputs} channels, and the bottom's height and width")
        if bottom.is_meta:
            return bottom.new_empty(gate.shape)
        uses_x, uses_h, uses_bias = self.uses
        # Steps, images, pixels beside each other, channels.
        order = (3, 0, 2, 1) if self.horizontal else (2, 0, 3, 1)
        x, gates = bottom.permute(order), gate.permute(order)
        if uses_x:
            x = x @ self.weight_x[0, 0]
        if self.share < 1:
            gates = gates * self.share
        weight_h = self.weight_h[0, 0].clamp(-self.limit, self.limit).t()
        base = (self.bias[0, 0, 0] if uses_bias else 0) - x
        steps: list[Tensor] = []
        for step in reversed(range(len(x))) if self.reverse else range(len(x)):
            inner = base[step]
            if steps:
                inner = inner + (steps[-1] @ weight_h if uses_h else steps[-1])
            steps.append(_ACTIVE[self.active](gates[step] * inner + self.share * x[step]))
        top = torch.stack(steps[::-1] if self.reverse else steps)
        return top.permute((1, 3, 2, 0) if self.horizontal else (1, 3, 0, 2))

    def extra_repr(self) -> str:
        shape = f"{self.channels}, {self.outputs}, horizontal={self.horizontal}, reverse={self.reverse}"
        return f"{shape}, uses={self.uses}, active={self.active}, limit={self.limit}, share={self.share}"
