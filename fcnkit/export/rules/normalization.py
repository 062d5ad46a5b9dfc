"""Normalizations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def batch_norm(
    net: Writer, view: View, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, eps: float
) -> View:
    """BatchNorm with stored statistics, and Scale behind it if there are weights."""
    statistics = [mean, variance, mean.new_ones(1)]
    view = net.per_channel(view, "BatchNorm", statistics, batch_norm_param={"eps": eps})
    return scale(net, view, weight, bias)


def scale(net: Writer, view: View, weight: Tensor | None, bias: Tensor | None) -> View:
    """A Scale layer along the channels, none without weights."""
    if weight is None and bias is None:
        return view
    weights = [torch.ones_like(bias) if weight is None else weight, *([] if bias is None else [bias])]  # type: ignore[arg-type]
    return net.per_channel(view, "Scale", weights, "scale", scale_param={"bias_term": bias is not None})


@aten("_native_batch_norm_legit_no_training")
class BatchNorm(Rule):
    """Batch normalization with stored statistics."""

    form = "BatchNorm and Scale"

    def write(self, net: Writer, *args: Any) -> Any:
        view, weight, bias, mean, variance, _, eps = args
        return batch_norm(net, view, weight, bias, mean, variance, eps), None, None
