"""Sums, means and largest values along axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from fcnkit.export.rules.broadcasting import added
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.selection import along
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def reduced(net: Writer, view: View, axes: Sequence[int] | None, method: str, role: str = "") -> View:
    """The mean ("AVE"), sum or largest value ("MAX") along axes, which stay with the length 1. None for all axes."""
    rank = len(view.shape)
    own = range(rank) if axes is None or not len(axes) else (axis % rank for axis in axes)
    chosen = sorted({axis for axis in own if view.shape[axis] > 1})
    if not chosen:
        return view
    return net.on_axes(view, chosen, lambda base, places: _reduced(net, base, sorted(places), method, role))


def _reduced(net: Writer, view: View, axes: list[int], method: str, role: str) -> View:
    starts = [axes[0]] + [b for a, b in pairwise(axes) if b > a + 1]
    for number, start in enumerate(starts):
        stop = start
        while stop in axes:
            stop += 1
        own = role if number == len(starts) - 1 else f"axis{start}"
        view = _run(net, view, start, stop, method, own)
    return view


def _run(net: Writer, view: View, start: int, stop: int, method: str, role: str) -> View:
    """Neighbouring axes reduced: a Pooling over all of height and width, or of one of them."""
    shape = view.shape
    count = math.prod(shape[start:stop])
    result = (*shape[:start], *(1,) * (stop - start), *shape[stop:])
    if len(shape) == 4 and (start, stop) == (1, 2) and method != "MAX":
        factor = 1 / count if method == "AVE" else 1
        return along(net, view, 1, torch.full((1, count), float(factor)), None, role)
    pool = "MAX" if method == "MAX" else "AVE"
    if len(shape) == 4 and start >= 2:
        bottom, kernel = view, tuple(n if start <= axis < stop else 1 for axis, n in enumerate(shape))[2:]
    else:
        inner = math.prod(shape[stop:])
        bottom = net.reshaped(view, (math.prod(shape[:start]), 1, count, inner))
        kernel = (count, 1)
    settings: dict[str, Any] = {"pool": pool}
    if kernel == bottom.shape[2:]:
        settings["global_pooling"] = True
    else:
        settings |= {"kernel_h": kernel[0], "kernel_w": kernel[1]}
    top = net.add("Pooling", bottom, role="mean" if method == "SUM" else role, pooling_param=settings)
    if method == "SUM":
        top = net.power(top, scale=count, role=role)
    return net.reshaped(top, result)


class _Reduction(Rule):
    method: str

    def write(self, net: Writer, *args: Any) -> View:
        axes = args[1] if len(args) > 1 and not isinstance(args[1], torch.dtype) else None
        axes = [axes] if isinstance(axes, int) else axes
        return net.reshaped(reduced(net, args[0], axes, self.method), net.shape_of_result())


@aten("mean", "mean.dim")
class Mean(_Reduction):
    """The mean along axes."""

    form, method = "Pooling AVE; a 1 x 1 Convolution for channels", "AVE"


@aten("sum", "sum.dim_IntList")
class Sum(_Reduction):
    """The sum along axes."""

    form, method = "Pooling AVE and Power; a 1 x 1 Convolution for channels", "SUM"


@aten("cumsum")
class CumulativeSum(Rule):
    """The sums up to each place of an axis."""

    form = "a triangular matrix: a 1 x 1 Convolution or an InnerProduct"

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, *_ = args
        axis %= len(view.shape)
        return along(net, view, axis, torch.ones(view.shape[axis], view.shape[axis]).tril(), None)


@aten("any", "any.dim", "any.dims")
class AnyOf(_Reduction):
    """Whether a condition is met somewhere along axes."""

    form, exact, method = "Pooling MAX", True, "MAX"


@aten("amax", "max")
class Largest(_Reduction):
    """The largest value along axes."""

    form, exact, method = "Pooling MAX", True, "MAX"


@aten("amin", "min")
class Smallest(Rule):
    """The smallest value along axes."""

    form, exact = "Power -1, Pooling MAX and Power -1", True

    def write(self, net: Writer, *args: Any) -> View:
        axes = args[1] if len(args) > 1 else None
        negative = net.power(args[0], scale=-1, role="negative")
        found = net.power(reduced(net, negative, axes, "MAX", "largest"), scale=-1)
        return net.reshaped(found, net.shape_of_result())


@aten("max.dim")
class LargestAndPlace(Rule):
    """The largest value along an axis, and its index."""

    form, exact = "Pooling MAX; ArgMax", True

    def write(self, net: Writer, *args: Any) -> Any:
        view, axis, _ = args
        assert net.node is not None
        wanted = {user.args[1] for user in net.node.users}
        shape = net.shape_of_result()
        largest = net.reshaped(reduced(net, view, [axis], "MAX"), shape) if 0 in wanted else None
        return largest, net.reshaped(_place(net, view, axis, "index"), shape) if 1 in wanted else None


def _place(net: Writer, view: View, axis: int, role: str = "") -> View:
    def placed(base: View, axes: list[int]) -> View:
        return net.add("ArgMax", base, role=role, argmax_param={"axis": axes[0]})

    return net.on_axes(view, [axis % len(view.shape)], placed)


@aten("argmax")
class ArgMax(Rule):
    """The index of the largest value along an axis."""

    form, exact = "ArgMax", True

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, _ = args
        if axis is None:
            view, axis = net.reshaped(view, (1, -1)), 1
        return net.reshaped(_place(net, view, axis), net.shape_of_result())


@aten("argmin")
class ArgMin(Rule):
    """The index of the smallest value along an axis."""

    form, exact = "Power -1 and ArgMax", True

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, _ = args
        if axis is None:
            view, axis = net.reshaped(view, (1, -1)), 1
        return net.reshaped(_place(net, net.power(view, scale=-1, role="negative"), axis), net.shape_of_result())


@aten("var.correction", "std.correction", "var_mean.correction")
class Variance(Rule):
    """The variance along axes, its root, or both variance and mean."""

    form = "differences from the mean, Power, Pooling or 1 x 1 Convolution, and Power"

    def write(self, net: Writer, *args: Any) -> Any:
        view, axes, correction, _ = args
        own = range(len(view.shape)) if axes is None else axes
        count = math.prod(view.shape[axis] for axis in own)
        mean = reduced(net, view, axes, "AVE", "mean")
        less = net.power(mean, scale=-1, role="negative")
        square = net.power(added(net, view, less, role="difference"), 2, role="square")
        root = 0.5 if "std" in net.operation() else 1
        factor = count / (count - (1 if correction is None else correction))
        found = net.power(reduced(net, square, axes, "AVE", "variance"), root, scale=factor)
        shape = net.shape_of_result()
        variance = net.reshaped(found, shape)
        return (variance, net.reshaped(mean, shape)) if net.several_results() else variance


@aten("logsumexp")
class LogSumExp(Rule):
    """The logarithm of the sum of exponentials along axes."""

    form = "differences from the largest value, Exp, Pooling or 1 x 1 Convolution, Log and SUM"

    def write(self, net: Writer, *args: Any) -> View:
        view, axes, _ = args
        largest = reduced(net, view, axes, "MAX", "largest")
        less = added(net, view, net.power(largest, scale=-1, role="negative"), role="difference")
        total = reduced(net, net.on_each(less, "Exp", "exp"), axes, "SUM", "sum")
        return net.reshaped(added(net, net.on_each(total, "Log", "log"), largest), net.shape_of_result())


@aten("linalg_vector_norm", "norm.ScalarOpt_dim", "norm.Scalar")
class Norm(Rule):
    """The sum of absolute values, or the root of the sum of squares, along axes."""

    form = "Power or AbsVal, Pooling or 1 x 1 Convolution, and Power"

    def write(self, net: Writer, *args: Any) -> View:
        view, order, *rest = args
        axes = rest[0] if rest else None
        axes = [axes] if isinstance(axes, int) else axes
        if order not in (1, 2, None):
            raise Refused(f"order {order}")
        if order == 1:
            found = reduced(net, net.on_each(view, "AbsVal", "size"), axes, "SUM")
        else:
            found = net.power(reduced(net, net.power(view, 2, role="square"), axes, "SUM", "sum"), 0.5)
        return net.reshaped(found, net.shape_of_result())
