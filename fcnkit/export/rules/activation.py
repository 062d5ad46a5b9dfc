"""Operations on each value alone, and softmax."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fcnkit.export.rules.broadcasting import combined
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer

# The limits of Clip where there is none: the largest float32.
_LARGEST = torch.finfo(torch.float32).max

# By the names of approximations, the operation and the values that its rule computes.
APPROXIMATIONS = {"gelu": ("aten.gelu.default", lambda values, **_: F.gelu(values, approximate="tanh"))}


def clipped(net: Writer, view: View, low: float | None, high: float | None, role: str = "") -> View:
    """Values cut to a range; None for no limit. Exact in all forms but that of targets with neither Clip nor Threshold.

    With t = Threshold(x, limit), min(x, limit) is x * (1 - t) + limit * t. Without, it is limit - ReLU(limit - x).
    """
    if (low, high) == (0, 6) and net.target.has("ReLU6") and not net.target.has("Clip"):
        return net.on_each(view, "ReLU6", role)
    low, high = (None if each in (-math.inf, math.inf) else each for each in (low, high))
    if net.target.has("Clip") and (low, high) != (0, None) and (low, high) != (None, None):
        limits = {"min": -_LARGEST if low is None else low, "max": _LARGEST if high is None else high}
        return net.on_each(view, "Clip", role, clip_param=limits)
    if low == 0:
        view = net.on_each(view, "ReLU", role if high is None else "relu")
    elif low is not None:
        view = _limited(net, view, low, False, role if high is None else "low")
    return view if high is None else _limited(net, view, high, True, role)


def _limited(net: Writer, view: View, limit: float, upper: bool, role: str) -> View:
    if not net.target.has("Threshold"):
        sign = -1 if upper else 1
        gap = net.power(view, scale=sign, shift=-sign * limit, role="gap")
        return net.power(net.on_each(gap, "ReLU", "inside"), scale=sign, shift=limit, role=role)
    beyond = net.on_each(view, "Threshold", "beyond", threshold_param={"threshold": limit})
    within = net.power(beyond, scale=-1, shift=1, role="within")
    kept, cut = (within, beyond) if upper else (beyond, within)
    rest = combined(net, "PROD", [view, kept], role="kept")
    return combined(net, "SUM", [rest, cut], [1, limit], role)


@aten("relu")
class Relu(Rule):
    """Zero for negative values."""

    form, exact = "ReLU", True

    def write(self, net: Writer, *args: Any) -> View:
        (view,) = args
        return net.on_each(view, "ReLU")


@aten("relu6")
class Relu6(Rule):
    """Values cut to 0 to 6."""

    form, exact = "Clip; Threshold, PROD and SUM where there is none", True

    def write(self, net: Writer, *args: Any) -> View:
        return clipped(net, args[0], 0, 6)


@aten("hardtanh", "clamp", "clamp_min", "clip")
class Clamp(Rule):
    """Values cut to a range."""

    form, exact = "Clip, ReLU; Threshold, PROD and SUM where there is no Clip", True

    def write(self, net: Writer, *args: Any) -> View:
        view, low, high = (*args, None)[:3]
        return clipped(net, view, low, high)


@aten("clamp_max")
class ClampMax(Rule):
    """Values cut at a maximum."""

    form, exact = "Clip; Threshold, PROD and SUM where there is none", True

    def write(self, net: Writer, *args: Any) -> View:
        return clipped(net, args[0], None, args[1])


@aten("sigmoid")
class Sigmoid(Rule):
    """1 / (1 + exp(-x))."""

    form = "Sigmoid"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Sigmoid")


@aten("tanh")
class Tanh(Rule):
    """The hyperbolic tangent."""

    form = "TanH"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "TanH")


@aten("silu")
class Silu(Rule):
    """x * sigmoid(x)."""

    form = "Swish; Sigmoid and PROD where there is none"

    def write(self, net: Writer, *args: Any) -> View:
        (view,) = args
        if net.target.has("Swish"):
            return net.on_each(view, "Swish")
        return combined(net, "PROD", [view, net.on_each(view, "Sigmoid", "sigmoid")])


def _hardsigmoid(net: Writer, view: View, role: str = "") -> View:
    return clipped(net, net.power(view, scale=1 / 6, shift=0.5, role="shifted"), 0, 1, role)


@aten("hardsigmoid")
class Hardsigmoid(Rule):
    """x / 6 + 1 / 2, cut to 0 to 1."""

    form = "Power and Clip"

    def write(self, net: Writer, *args: Any) -> View:
        return _hardsigmoid(net, args[0])


@aten("hardswish")
class Hardswish(Rule):
    """x * hardsigmoid(x)."""

    form = "Power, Clip and PROD"

    def write(self, net: Writer, *args: Any) -> View:
        (view,) = args
        return combined(net, "PROD", [view, _hardsigmoid(net, view, "gate")])


@aten("mish")
class Mish(Rule):
    """x * tanh(softplus(x))."""

    form = "BNLL, TanH and PROD"

    def write(self, net: Writer, *args: Any) -> View:
        (view,) = args
        gate = net.on_each(net.on_each(view, "BNLL", "softplus"), "TanH", "tanh")
        return combined(net, "PROD", [view, gate])


@aten("softplus")
class Softplus(Rule):
    """log(1 + exp(beta * x)) / beta."""

    form = "BNLL, between two Power for a beta"

    def write(self, net: Writer, *args: Any) -> View:
        view, beta, _ = args
        if beta == 1:
            return net.on_each(view, "BNLL")
        return net.power(net.on_each(net.power(view, scale=beta, role="scaled"), "BNLL", "softplus"), scale=1 / beta)


@aten("log_sigmoid")
class LogSigmoid(Rule):
    """log(sigmoid(x)), which is -softplus(-x)."""

    form = "Power, BNLL and Power"

    def write(self, net: Writer, *args: Any) -> View:
        negative = net.power(args[0], scale=-1, role="negative")
        return net.power(net.on_each(negative, "BNLL", "softplus"), scale=-1)


@aten("leaky_relu")
class LeakyRelu(Rule):
    """A slope for negative values."""

    form, exact = "ReLU with negative_slope", True

    def write(self, net: Writer, *args: Any) -> View:
        view, slope = args
        return net.on_each(view, "ReLU", relu_param={"negative_slope": slope})


@aten("prelu")
class Prelu(Rule):
    """A learned slope for negative values, one for all or one per channel."""

    form, exact = "PReLU", True

    def write(self, net: Writer, *args: Any) -> View:
        view, slope = args
        if not isinstance(slope, Tensor):
            raise Refused("a slope that depends on the input")
        if slope.numel() == 1:
            return net.on_each(view, "PReLU", weights=[slope.reshape(())], prelu_param={"channel_shared": True})
        return net.per_channel(view, "PReLU", weights=[slope])


def _elu(net: Writer, view: View, alpha: float, before: float = 1, behind: float = 1) -> View:
    """behind * ELU(before * x)."""
    if before != 1:
        view = net.power(view, scale=before, role="scaled")
    if behind == 1:
        return net.on_each(view, "ELU", elu_param={"alpha": alpha})
    return net.power(net.on_each(view, "ELU", "elu", elu_param={"alpha": alpha}), scale=behind)


@aten("elu")
class Elu(Rule):
    """alpha * (exp(x) - 1) for negative values."""

    form = "ELU"

    def write(self, net: Writer, *args: Any) -> View:
        view, alpha, behind, before = args
        # PyTorch multiplies by `before` for negative values only.
        return _elu(net, view, alpha * before, before, behind / before)


@aten("selu")
class Selu(Rule):
    """An ELU of fixed alpha and scale."""

    form = "ELU and Power"

    def write(self, net: Writer, *args: Any) -> View:
        # The constants of Klambauer et al., Self-Normalizing Neural Networks.
        return _elu(net, args[0], 1.6732632423543772, 1, 1.0507009873554805)


@aten("celu")
class Celu(Rule):
    """alpha * (exp(x / alpha) - 1) for negative values."""

    form = "Power, ELU and Power"

    def write(self, net: Writer, *args: Any) -> View:
        view, alpha = args
        return _elu(net, view, 1, 1 / alpha, alpha)


@aten("gelu")
class Gelu(Rule):
    """x times the normal distribution's integral; the tanh form, and the erf form only with `approximate`."""

    form = "tanh form: Power, SUM, TanH and PROD"

    def write(self, net: Writer, *args: Any) -> View:
        view, form = args
        if form != "tanh" and not net.may("gelu"):
            way_out = "allow its tanh form, whose values differ by up to 4.7e-4, by `approximate` gelu"
            raise Refused("the erf form", way_out)
        cube = net.power(view, 3, role="cube")
        inner = combined(
            net, "SUM", [view, cube], coeff=[math.sqrt(2 / math.pi), 0.044715 * math.sqrt(2 / math.pi)], role="inner"
        )
        gate = net.power(net.on_each(inner, "TanH", "tanh"), scale=0.5, shift=0.5, role="gate")
        return combined(net, "PROD", [view, gate])


@aten("softmax.int", "_softmax")
class Softmax(Rule):
    """Softmax over an axis."""

    form = "Softmax"

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, _ = args
        return _softmax(net, view, axis)


def _softmax(net: Writer, view: View, axis: int, role: str = "") -> View:
    def add(base: View, axes: list[int]) -> View:
        return net.add("Softmax", base, role=role, softmax_param={"axis": axes[0]})

    return net.on_axes(view, [axis % len(view.shape)], add)


@aten("log_softmax.int", "_log_softmax")
class LogSoftmax(Rule):
    """The logarithm of softmax over an axis."""

    form = "Softmax and Log"

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, _ = args
        return net.on_each(_softmax(net, view, axis, "softmax"), "Log")


@aten("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
class Dropout(Rule):
    """Nothing, outside of training."""

    form = "no layer"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view, _, train = args
        if train:
            raise Refused("in train mode", "call the module's eval()")
        assert isinstance(view, View)
        return view
