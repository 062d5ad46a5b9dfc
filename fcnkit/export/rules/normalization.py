"""Normalizations."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.broadcasting import with_constant
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def _scale(net: Writer, view: View, weight: Tensor | None, bias: Tensor | None) -> View:
    """A Scale layer along the channels, none without weights."""
    like = bias if weight is None else weight
    if like is None:
        return view
    weights = [torch.ones_like(like) if weight is None else weight, *([] if bias is None else [bias])]
    return net.per_channel(view, "Scale", weights, "scale", scale_param={"bias_term": bias is not None})


@aten("_native_batch_norm_legit_no_training")
class BatchNorm(Rule):
    """Batch normalization with stored statistics."""

    form = "BatchNorm and Scale"

    def write(self, net: Writer, *args: Any) -> Any:
        view, weight, bias, mean, variance, _, eps = args
        return _by_stored(net, view, weight, bias, mean, variance, eps), None, None


@aten("batch_norm")
class AnyBatchNorm(Rule):
    """Batch normalization, with stored statistics or the batch's, as programs have it that are not decomposed."""

    form = "BatchNorm and Scale"

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, mean, variance, training, _, eps, _ = args
        if training:
            return _by_batch(net, view, weight, bias, eps)
        return _by_stored(net, view, weight, bias, mean, variance, eps)


def _by_stored(
    net: Writer, view: View, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, eps: float
) -> View:
    statistics = [mean, variance, mean.new_ones(1)]
    view = net.per_channel(view, "BatchNorm", statistics, batch_norm_param={"eps": eps})
    return _scale(net, view, weight, bias)


def _by_batch(net: Writer, view: View, weight: Tensor | None, bias: Tensor | None, eps: float) -> View:
    """Each channel normalized by its mean and variance in the whole batch."""
    settings = {"use_global_stats": False, "eps": eps}
    view = net.per_channel(view, "BatchNorm", _unused(view.shape[1]), batch_norm_param=settings)
    return _scale(net, view, weight, bias)


def _unused(channels: int) -> list[Tensor]:
    """The stored statistics of a BatchNorm that does not read them."""
    return [torch.zeros(channels), torch.ones(channels), torch.ones(1)]


def _by_own(net: Writer, view: View, groups: int, eps: float) -> View:
    """Each of the groups of neighbouring values normalized by its own mean and variance.

    The groups are the channels of a batch of one for a BatchNorm, which adds eps inside of the root, as PyTorch does;
    MVN adds it behind the root.
    """
    shape = view.shape
    values = math.prod(shape) // groups
    spatial = (shape[2], values // shape[2]) if len(shape) == 4 and values % shape[2] == 0 else (1, values)
    bottom = net.reshaped(view, (1, groups, *spatial))
    settings = {"use_global_stats": False, "eps": eps}
    top = net.add("BatchNorm", bottom, weights=_unused(groups), batch_norm_param=settings)
    return net.reshaped(top, shape)


@aten("instance_norm")
class InstanceNorm(Rule):
    """Each channel of each item normalized."""

    form = "Reshape, BatchNorm with use_global_stats false, Reshape and Scale"

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, mean, variance, own, _, eps, _ = args
        if not own:
            return _by_stored(net, view, weight, bias, mean, variance, eps)
        return _scale(net, _by_own(net, view, view.shape[0] * view.shape[1], eps), weight, bias)


@aten("group_norm")
class GroupNorm(Rule):
    """Groups of channels of each item normalized."""

    form = "Reshape, BatchNorm with use_global_stats false, Reshape and Scale"

    def write(self, net: Writer, *args: Any) -> View:
        view, groups, weight, bias, eps, _ = args
        return _scale(net, _by_own(net, view, view.shape[0] * groups, eps), weight, bias)


@aten("layer_norm")
class LayerNorm(Rule):
    """The last axes of each item normalized."""

    form = "Reshape, BatchNorm with use_global_stats false, Reshape and Scale"

    def write(self, net: Writer, *args: Any) -> View:
        view, shape, weight, bias, eps, _ = args
        return _over_last(net, view, len(shape), weight, bias, eps)


def _over_last(net: Writer, view: View, axes: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> View:
    view = _by_own(net, view, math.prod(view.shape[: len(view.shape) - axes]), eps)
    return view if weight is None and bias is None else with_constant(net, view, weight, bias, "scale")


@aten("native_group_norm")
class NativeGroupNorm(Rule):
    """Groups of channels of each item normalized, as decomposed programs have it."""

    form = "as group_norm"

    def write(self, net: Writer, *args: Any) -> Any:
        view, weight, bias, _, _, _, groups, eps = args
        return _scale(net, _by_own(net, view, view.shape[0] * groups, eps), weight, bias), None, None


@aten("native_layer_norm")
class NativeLayerNorm(Rule):
    """The last axes of each item normalized, as decomposed programs have it."""

    form = "as layer_norm"

    def write(self, net: Writer, *args: Any) -> Any:
        view, shape, weight, bias, eps = args
        return _over_last(net, view, len(shape), weight, bias, eps), None, None


@aten("_native_batch_norm_legit.no_stats")
class BatchNormOfBatch(Rule):
    """Batch normalization with the batch's statistics, as decomposed programs have it."""

    form = "BatchNorm with use_global_stats false, and Scale"

    def write(self, net: Writer, *args: Any) -> Any:
        view, weight, bias, _, _, eps = args
        return _by_batch(net, view, weight, bias, eps), None, None


@aten("native_batch_norm", "_native_batch_norm_legit")
class TrainedBatchNorm(Rule):
    """Batch normalization that changes its stored statistics."""

    form = "none"

    def write(self, net: Writer, *args: Any) -> Any:
        raise Refused("training", "call the module's eval()")
