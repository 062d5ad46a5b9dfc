"""Sums, products, powers and other functions of values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.broadcasting import added, combined, common_shape, multiplied, repeated, with_constant
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def _constant(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(float(value))


def _sum(net: Writer, a: Any, b: Any, factor: float) -> View:
    """a + factor * b; one of them may be a number or a constant tensor."""
    if not isinstance(b, View):
        return with_constant(net, a, None, _constant(b) * factor)
    if not isinstance(a, View):
        if factor != 1:
            b = with_constant(net, b, torch.tensor(float(factor)), None, "" if _is_zero(a) else "scaled")
        return b if _is_zero(a) else with_constant(net, b, None, _constant(a))
    return added(net, a, b, factor)


def with_difference(net: Writer, a: View | Tensor, b: View | Tensor) -> View:
    """a - b, as a part of another operation; one of them may be a constant."""
    if isinstance(a, View) and isinstance(b, View):
        return added(net, a, b, -1, "difference")
    if isinstance(a, View):
        return with_constant(net, a, None, -_constant(b), "difference")
    assert isinstance(b, View)
    return with_constant(net, b, torch.tensor(-1.0), _constant(a), "difference")


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Tensor) and value == 0


@aten("add.Tensor", "add.Scalar")
class Add(Rule):
    """A sum, of tensors, constants or numbers that broadcast."""

    form = "Eltwise SUM; Power or Scale for a constant; Bias with two bottoms for (N, C, 1, 1)"
    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        a, b, factor = args
        return _sum(net, a, b, factor)


@aten("sub.Tensor", "sub.Scalar")
class Sub(Rule):
    """A difference."""

    form, exact = "Eltwise SUM with the coeff -1; Power or Scale for a constant", True

    def write(self, net: Writer, *args: Any) -> View:
        a, b, factor = args
        return _sum(net, a, b, -factor)


@aten("rsub.Scalar", "rsub.Tensor")
class ReverseSub(Rule):
    """A difference, the second minus the first."""

    form = "Power"

    def write(self, net: Writer, *args: Any) -> View:
        a, b, factor = args
        if isinstance(b, int | float):
            return net.power(a, scale=-factor, shift=b)
        return _sum(net, b, a, -factor)


@aten("mul.Tensor", "mul.Scalar")
class Mul(Rule):
    """A product, of tensors, constants or numbers that broadcast."""

    form, exact = "Eltwise PROD; Power or Scale for a constant; Scale with two bottoms for (N, C, 1, 1)", True

    def write(self, net: Writer, *args: Any) -> View:
        a, b = args
        if not isinstance(a, View):
            a, b = b, a
        return multiplied(net, a, b) if isinstance(b, View) else with_constant(net, a, _constant(b), None)


@aten("div.Tensor", "div.Scalar")
class Div(Rule):
    """A quotient."""

    form = "Power -1 and PROD; Power or Scale for a constant"

    def write(self, net: Writer, *args: Any) -> View:
        a, b = args
        if not isinstance(b, View):
            return with_constant(net, a, 1 / _constant(b), None)
        inverse = net.power(b, -1, role="inverse")
        return multiplied(net, a, inverse) if isinstance(a, View) else with_constant(net, inverse, _constant(a), None)


@aten("reciprocal")
class Reciprocal(Rule):
    """1 / x."""

    form = "Power"

    def write(self, net: Writer, *args: Any) -> View:
        return net.power(args[0], -1)


@aten("neg")
class Neg(Rule):
    """-x."""

    form, exact = "Power", True

    def write(self, net: Writer, *args: Any) -> View:
        return net.power(args[0], scale=-1)


@aten("abs")
class Abs(Rule):
    """The absolute value."""

    form, exact = "AbsVal", True

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "AbsVal")


@aten("sqrt")
class Sqrt(Rule):
    """The square root."""

    form = "Power"

    def write(self, net: Writer, *args: Any) -> View:
        return net.power(args[0], 0.5)


@aten("rsqrt")
class Rsqrt(Rule):
    """1 / sqrt(x)."""

    form = "Power"

    def write(self, net: Writer, *args: Any) -> View:
        return net.power(args[0], -0.5)


@aten("square")
class Square(Rule):
    """x * x."""

    form = "Power"

    def write(self, net: Writer, *args: Any) -> View:
        return net.power(args[0], 2)


@aten("pow.Tensor_Scalar", "pow.Tensor_Tensor")
class Pow(Rule):
    """A power with a constant exponent."""

    form = "Power"

    def write(self, net: Writer, *args: Any) -> View:
        base, exponent = args
        if isinstance(exponent, View) or (isinstance(exponent, Tensor) and exponent.numel() > 1):
            raise Refused("an exponent that is not one number")
        return net.power(base, float(exponent))


@aten("pow.Scalar")
class PowOf(Rule):
    """A number to the power of x."""

    form = "Exp"

    def write(self, net: Writer, *args: Any) -> View:
        base, view = args
        if base <= 0:
            raise Refused(f"the base {base:g}, which is not positive")
        return net.on_each(view, "Exp", exp_param={"base": base})


@aten("exp")
class Exp(Rule):
    """e to the power of x."""

    form = "Exp"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Exp")


@aten("expm1")
class ExpMinusOne(Rule):
    """exp(x) - 1."""

    form = "Exp and Power"

    def write(self, net: Writer, *args: Any) -> View:
        return net.power(net.on_each(args[0], "Exp", "exp"), shift=-1)


@aten("exp2")
class Exp2(Rule):
    """2 to the power of x."""

    form = "Exp"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Exp", exp_param={"base": 2})


@aten("log")
class Log(Rule):
    """The natural logarithm."""

    form = "Log"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Log")


@aten("log2")
class Log2(Rule):
    """The logarithm to base 2."""

    form = "Log"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Log", log_param={"base": 2})


@aten("log10")
class Log10(Rule):
    """The logarithm to base 10."""

    form = "Log"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Log", log_param={"base": 10})


@aten("log1p")
class Log1p(Rule):
    """log(1 + x)."""

    form = "Log"

    def write(self, net: Writer, *args: Any) -> View:
        return net.on_each(args[0], "Log", log_param={"shift": 1})


def larger(net: Writer, a: Any, b: Any, role: str = "") -> View:
    """The larger of two values; one of them may be a constant."""
    shape = common_shape(a, b)
    both = [each if isinstance(each, View) else net.constant(each.expand(shape)) for each in (a, b)]
    return combined(net, "MAX", [repeated(net, each, shape) for each in both], role=role)


@aten("maximum", "max.other")
class Maximum(Rule):
    """The larger of two values."""

    form, exact = "Eltwise MAX", True

    def write(self, net: Writer, *args: Any) -> View:
        return larger(net, *args)


@aten("minimum", "min.other")
class Minimum(Rule):
    """The smaller of two values."""

    form, exact = "Power -1, Eltwise MAX, Power -1", True

    def write(self, net: Writer, *args: Any) -> View:
        return _smaller(net, *args)


def _smaller(net: Writer, a: Any, b: Any) -> View:
    a, b = (net.power(each, scale=-1, role="negative") if isinstance(each, View) else -each for each in (a, b))
    return net.power(larger(net, a, b, "largest"), scale=-1)


@aten("clamp.Tensor", "clamp_min.Tensor", "clamp_max.Tensor")
class ClampBy(Rule):
    """Values cut to a range whose limits are tensors."""

    form, exact = "Eltwise MAX, and between two Power -1 for the upper limit", True

    def write(self, net: Writer, *args: Any) -> View:
        view, low, high = (args[0], None, args[1]) if "clamp_max" in net.operation() else (*args, None)[:3]
        if low is not None:
            view = larger(net, view, low, "" if high is None else "low")
        assert isinstance(view, View)
        return view if high is None else _smaller(net, view, high)
