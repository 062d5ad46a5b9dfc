"""Comparisons, whose results are 0 and 1, and the choices that depend on them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.arithmetic import larger, with_difference
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


class _Comparison(Rule):
    """A comparison with a number, or of two values, whose difference is compared with 0."""

    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        a, b = args
        if isinstance(b, View | Tensor):
            a, b = with_difference(net, a, b), 0.0
        return self.compared(net, a, b)

    def compared(self, net: Writer, view: View, limit: float) -> View:
        raise NotImplementedError


@aten("gt.Scalar", "gt.Tensor")
class Above(_Comparison):
    """Whether values are above a number, or above others."""

    form = "Threshold, of the difference for two values"

    def compared(self, net: Writer, view: View, limit: float) -> View:
        return _above(net, view, limit)


@aten("lt.Scalar", "lt.Tensor")
class Below(_Comparison):
    """Whether values are below a number, or below others."""

    form = "Power -1 and Threshold, of the difference for two values"

    def compared(self, net: Writer, view: View, limit: float) -> View:
        return _below(net, view, limit)


@aten("ge.Scalar", "ge.Tensor")
class NotBelow(_Comparison):
    """Whether values are not below a number, or not below others."""

    form = "Power -1, Threshold and Power, of the difference for two values"

    def compared(self, net: Writer, view: View, limit: float) -> View:
        return _not(net, _below(net, view, limit, "below"))


@aten("le.Scalar", "le.Tensor")
class NotAbove(_Comparison):
    """Whether values are not above a number, or not above others."""

    form = "Threshold and Power, of the difference for two values"

    def compared(self, net: Writer, view: View, limit: float) -> View:
        return _not(net, _above(net, view, limit, "above"))


@aten("ne.Scalar", "ne.Tensor")
class Unequal(_Comparison):
    """Whether values differ from a number, or from others."""

    form = "two Threshold, Power -1 and SUM, of the difference for two values"

    def compared(self, net: Writer, view: View, limit: float) -> View:
        return added(net, _above(net, view, limit, "above"), _below(net, view, limit, "below"))


@aten("eq.Scalar", "eq.Tensor")
class Equal(_Comparison):
    """Whether values equal a number, or others."""

    form = "two Threshold, Power -1, SUM and Power, of the difference for two values"

    def compared(self, net: Writer, view: View, limit: float) -> View:
        outside = added(net, _above(net, view, limit, "above"), _below(net, view, limit, "below"), role="unequal")
        return _not(net, outside)


@aten("logical_and", "bitwise_and.Tensor")
class And(Rule):
    """Whether both of two conditions are met."""

    form, exact = "Eltwise PROD", True

    def write(self, net: Writer, *args: Any) -> View:
        a, b = map(_condition, args)
        return multiplied(net, a, b) if isinstance(b, View) else with_constant(net, a, b, None)


@aten("logical_or", "bitwise_or.Tensor")
class Or(Rule):
    """Whether one of two conditions is met, or both."""

    form, exact = "Eltwise MAX", True

    def write(self, net: Writer, *args: Any) -> View:
        return larger(net, *map(_condition, args))


@aten("logical_xor", "bitwise_xor.Tensor")
class Xor(Rule):
    """Whether one of two conditions is met, but not both."""

    form, exact = "SUM with the coeff -1 and AbsVal", True

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(with_difference(net, *map(_condition, args)), "AbsVal")


def _condition(operand: View | Tensor) -> Any:
    return operand.float() if isinstance(operand, Tensor) else operand


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
