"""Padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


@dataclass(frozen=True)
class Padded:
    """A view with a pad that the operation behind it takes over.

    Attributes:
        view: without the pad.
        pads: (before, behind) for each axis.
        value: of the pad.
    """

    view: View
    pads: tuple[tuple[int, int], ...]
    value: float

    def pads_of(self, axes: int) -> tuple[tuple[int, int], ...]:
        """The pads of the last axes."""
        return self.pads[-axes:]


@aten("constant_pad_nd")
class Pad(Rule):
    """A pad of one value."""

    form, exact = "in the Convolution or Pooling behind it; else a one-hot Convolution per channel", True

    def write(self, net: Writer, *args: Any) -> Any:
        view, sizes, value = args
        raise Refused()
