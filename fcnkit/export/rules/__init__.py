"""One rule per ATen operation: how Caffe's layers compute it. Each file has one family of operations."""

from __future__ import annotations

from fcnkit.export.rules import (
    activation,
    arithmetic,
    combine,
    condition,
    convolution,
    linear,
    normalization,
    padding,
    pooling,
    recurrent,
    reduction,
    resize,
    shape,
    unsupported,
)
from fcnkit.export.rules.registry import Refused, Rule, aten, rule_for, rules

__all__ = ["FAMILIES", "Refused", "Rule", "aten", "rule_for", "rules"]

FAMILIES = (
    activation,
    arithmetic,
    combine,
    condition,
    convolution,
    linear,
    normalization,
    padding,
    pooling,
    recurrent,
    reduction,
    resize,
    shape,
    unsupported,
)
