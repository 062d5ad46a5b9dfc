"""Comparisons, whose results are 0 and 1, and the choices that depend on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.broadcasting import added, multiplied, with_constant
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def _above(net: Writer, view: View, limit: float, role: str = "") -> View:
    if not net.target.has("Threshold"):
        raise Refused(layer="Threshold")
    return net.on_each(view, "Threshold", role, threshold_param={"threshold": limit})


def _below(net: Writer, view: View, limit: float, role: str = "") -> View:
    return _above(net, net.power(view, scale=-1, role="negative"), -limit, role)


def _not(net: Writer, view: View, role: str = "") -> View:
    return net.power(view, scale=-1, shift=1, role=role)


@aten("gt.Scalar")
class Above(Rule):
    """Whether values are above a number."""

    form, exact = "Threshold", True

    def write(self, net: Writer, *args: Any) -> View:
        return _above(net, *args)


@aten("lt.Scalar")
class Below(Rule):
    """Whether values are below a number."""

    form, exact = "Power -1 and Threshold", True

    def write(self, net: Writer, *args: Any) -> View:
        return _below(net, *args)


@aten("ge.Scalar")
class NotBelow(Rule):
    """Whether values are not below a number."""

    form, exact = "Power -1, Threshold and Power", True

    def write(self, net: Writer, *args: Any) -> View:
        view, limit = args
        return _not(net, _below(net, view, limit, "below"))


@aten("le.Scalar")
class NotAbove(Rule):
    """Whether values are not above a number."""

    form, exact = "Threshold and Power", True

    def write(self, net: Writer, *args: Any) -> View:
        view, limit = args
        return _not(net, _above(net, view, limit, "above"))


@aten("sign", "sgn")
class Sign(Rule):
    """1 for positive values, -1 for negative ones."""

    form, exact = "two Threshold, Power -1 and SUM with the coeff -1", True

    def write(self, net: Writer, *args: Any) -> View:
        (view,) = args
        return added(net, _above(net, view, 0, "above"), _below(net, view, 0, "below"), -1)


@aten("logical_not", "bitwise_not")
class Not(Rule):
    """The opposite of a condition."""

    form, exact = "Power", True

    def write(self, net: Writer, *args: Any) -> View:
        return _not(net, args[0])


@aten("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
class Where(Rule):
    """One of two values, by a condition."""

    form = "a product with the condition and one with its opposite, and SUM"

    def write(self, net: Writer, *args: Any) -> View:
        condition, *values = args
        if not isinstance(condition, View):
            condition = net.constant(condition.float())
        roles = ("if", "else")
        conditions = condition, _not(net, condition, "not")
        a, b = (_times(net, each, value, role) for each, value, role in zip(conditions, values, roles, strict=True))
        return added(net, a, b)


def _times(net: Writer, condition: View, value: Any, role: str) -> View:
    if isinstance(value, View):
        return multiplied(net, condition, value, role)
    return with_constant(net, condition, value if isinstance(value, Tensor) else torch.tensor(float(value)), None, role)


@aten("threshold")
class Threshold(Rule):
    """A number in place of values up to a limit."""

    form = "Threshold, PROD, Power and SUM"

    def write(self, net: Writer, *args: Any) -> View:
        view, limit, value = args
        above = _above(net, view, limit, "above")
        kept = multiplied(net, view, above, "kept")
        return added(net, kept, net.power(above, scale=-value, shift=value, role="rest"))
