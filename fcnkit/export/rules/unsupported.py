"""Operations that Caffe has no layers for; those without a rule are refused too, in terms of simpler operations."""

from __future__ import annotations

from typing import Any

from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.writer import Writer


@aten("grid_sampler", "grid_sampler_2d", "gather", "sort", "topk", "round", "floor", "ceil", "erf",
      "nonzero", "scatter.src", "sin", "cos")  # fmt: skip
class Unsupported(Rule):
    """An operation that no layers compute."""

    form = "none"

    def write(self, net: Writer, *args: Any) -> Any:
        raise Refused()
