"""Pooling over windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from fcnkit.export.rules.broadcasting import combined
from fcnkit.export.rules.padding import Padded
from fcnkit.export.rules.reduction import reduced
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.selection import along, taken
from fcnkit.export.views import View
from fcnkit.export.writer import Writer
from fcnkit.types.windows import pooled_size

Sizes = tuple[int, ...]


def pooled(
    net: Writer, view: View, method: str, kernel: Sizes, stride: Sizes, pad: Sizes, size: Sizes, role: str = ""
) -> View:
    """A Pooling layer on (N, C, H, W) whose top has this size.

    Caffe's number of windows is rounded up, or down with round_mode FLOOR, which Caffe 1.0 lacks. Where neither gives
    the size, the windows that are too many are cut off.
    """
    sizes = view.shape[2:]
    settings: dict[str, Any] = {"pool": method}
    for field, values, default in (("kernel", kernel, 0), ("stride", stride, 1), ("pad", pad, 0)):
        if values[0] != values[1]:
            settings |= {f"{field}_h": values[0], f"{field}_w": values[1]}
        elif values[0] != default:
            settings["kernel_size" if field == "kernel" else field] = values[0]
    up, down = (_windows(sizes, kernel, stride, pad, ceil) for ceil in (True, False))
    if size == down != up and net.target.has("pooling_param.round_mode"):
        settings["round_mode"] = "FLOOR"
        up = down
    if not any(pad):
        # Without a pad, no window begins beyond the bottom; surplus rows are cut off before they are pooled.
        for axis in (0, 1):
            if up[axis] > size[axis]:
                view = taken(net, view, axis + 2, range((size[axis] - 1) * stride[axis] + kernel[axis]), "used")
        return net.add("Pooling", view, role=role, pooling_param=settings)
    if any(found < wanted for found, wanted in zip(up, size, strict=True)):
        raise Refused(f"windows that begin in the pad: Caffe has {up} of them, not {size}")
    surplus = up != size
    top = net.add("Pooling", view, role="pool" if surplus else role, pooling_param=settings)
    for axis in (0, 1):
        top = taken(net, top, axis + 2, range(size[axis]), role)
    return top


def _windows(sizes: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, ceil: bool) -> Sizes:
    return tuple(
        pooled_size(size, k, s, p, ceil, any(pad)) for size, k, s, p in zip(sizes, kernel, stride, pad, strict=True)
    )


@aten("max_pool2d", "max_pool2d_with_indices", "max_pool1d")
class MaxPool(Rule):
    """The largest value of each window, the number of windows rounded up or down."""

    form = (
        "Pooling MAX; round_mode FLOOR, or Slice, where rounding up gives more windows; Slice and Eltwise MAX where"
        " they are dilated"
    )
    exact = True

    def write(self, net: Writer, *args: Any) -> Any:
        bottom, kernel, stride, pad, dilation, _ = args
        around = bottom.pads if isinstance(bottom, Padded) else ()
        plane = Plane(net, bottom.view if isinstance(bottom, Padded) else bottom)
        kernel, stride, pad, dilation = plane.windows(kernel, stride or kernel, pad, dilation)
        if set(dilation) != {1}:
            view = plane.view
            for axis in (0, 1):
                before = pad[axis] + (around[axis][0] if around else 0)
                window = kernel[axis], stride[axis], before, dilation[axis]
                view = _dilated(net, view, axis + 2, *window, plane.size[axis])
            return (plane.out(view), None) if net.several_results() else plane.out(view)
        # The pad behind has no effect but the number of windows, which are cut off at the plane's end.
        pad = tuple(own + before for own, (before, _) in zip(pad, around, strict=True)) if around else pad
        top = plane.out(pooled(net, plane.view, "MAX", kernel, stride, pad, plane.size))
        return (top, None) if net.several_results() else top


def _dilated(net: Writer, view: View, axis: int, kernel: int, stride: int, pad: int, dilation: int, size: int) -> View:
    """The largest values of dilated windows along one axis: the maximum of the values at each place of the windows."""
    role = "rows" if axis == 2 else ""
    length = view.shape[axis]
    places: list[list[int]] = [[] for _ in range(kernel)]
    for window in range(size):
        start = window * stride - pad
        inside = [place for place in range(start, start + kernel * dilation, dilation) if 0 <= place < length]
        for number, place in enumerate(places):
            # In place of values in the pad, others of the same window.
            own = start + number * dilation
            place.append(min(max(own, inside[0]), inside[-1]))
    parts = [taken(net, view, axis, place, "part") for place in places]
    return parts[0] if kernel == 1 else combined(net, "MAX", parts, role=role)


class Plane:
    """The bottom of a pooling operation as (N, C, H, W), whatever its axes."""

    def __init__(self, net: Writer, view: View):
        self.net = net
        result = net.shape_of_result()
        self.axes = 1 if "1d" in net.operation() else 2
        self.batched = len(view.shape) == self.axes + 2
        self.view = net.reshaped(view, self._planes(view.shape))
        self.size = self._planes(result)[2:]
        self.result = result

    def _planes(self, shape: Sizes) -> Sizes:
        shape = shape if self.batched else (1, *shape)
        return shape if self.axes == 2 else (*shape[:2], 1, shape[2])

    def windows(self, *values: Any) -> list[Sizes]:
        """Kernels, strides, pads and dilations for height and width."""
        pairs = [tuple(each) * (2 if len(each) == 1 and self.axes == 2 else 1) for each in values]
        defaults = (1, 1, 0, 1)
        return pairs if self.axes == 2 else [(default, *pair) for default, pair in zip(defaults, pairs, strict=False)]

    def out(self, top: View) -> View:
        return self.net.reshaped(top, self.result)


@aten("avg_pool2d", "avg_pool1d")
class AvgPool(Rule):
    """The mean of each window, the pad counted or not."""

    form = "Pooling AVE; a Scale behind it where PyTorch divides by another number"

    def write(self, net: Writer, *args: Any) -> View:
        view, kernel, stride, pad, _, count_include_pad, *rest = args
        plane = Plane(net, view)
        kernel, stride, pad = plane.windows(kernel, stride or kernel, pad)
        top = pooled(net, plane.view, "AVE", kernel, stride, pad, plane.size, "")
        divisor = rest[0] if rest else None
        return plane.out(_rescaled(net, top, plane.view.shape[2:], kernel, stride, pad, count_include_pad, divisor))


@aten("avg_pool3d")
class AvgPoolOfChannels(Rule):
    """The mean of each window that lies along the first of three axes, as in local response normalization."""

    form = "Reshape, Pooling AVE and Reshape"

    def write(self, net: Writer, *args: Any) -> View:
        view, kernel, stride, pad, _, count_include_pad, divisor = args
        stride = stride or kernel
        if tuple(kernel[1:]) != (1, 1) or tuple(stride[1:]) != (1, 1) or any(pad):
            raise Refused("windows of three axes")
        batch, channels, depth, height, width = view.shape
        plane = net.reshaped(view, (batch, channels, depth, height * width))
        result = net.shape_of_result()
        size = result[2], height * width
        top = pooled(net, plane, "AVE", (kernel[0], 1), (stride[0], 1), (0, 0), size)
        top = _rescaled(net, top, plane.shape[2:], (kernel[0], 1), (stride[0], 1), (0, 0), count_include_pad, divisor)
        return net.reshaped(top, result)


def _rescaled(
    net: Writer, top: View, sizes: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, padded: bool, divisor: int | None
) -> View:
    """Means over Caffe's divisors, which count the pad, as means over PyTorch's."""
    if divisor is None and (padded or not any(pad)):
        return top
    counts = []
    for axis in (0, 1):
        starts = torch.arange(top.shape[axis + 2]) * stride[axis] - pad[axis]
        ends = (starts + kernel[axis]).clamp(max=sizes[axis] + pad[axis])
        counts.append((ends - starts, ends.clamp(max=sizes[axis]) - starts.clamp(min=0)))
    (rows, own_rows), (columns, own_columns) = counts
    caffes = rows[:, None] * columns
    factors = caffes / (divisor or own_rows[:, None] * own_columns)
    if (factors == factors[0, 0]).all():
        return top if factors[0, 0] == 1 else net.power(top, scale=float(factors[0, 0]), role="count")
    return net.add("Scale", top, weights=[factors], role="count", scale_param={"axis": 2, "num_axes": 2})


@aten("adaptive_avg_pool2d", "adaptive_avg_pool1d", "_adaptive_avg_pool2d")
class AdaptiveAvgPool(Rule):
    """Means over windows that cover the plane."""

    form = "Pooling AVE; matrices over rows and columns where the windows are of unequal sizes"

    def write(self, net: Writer, *args: Any) -> View:
        plane = Plane(net, args[0])
        return plane.out(_adaptive(net, plane, "AVE"))


@aten("adaptive_max_pool2d", "adaptive_max_pool1d")
class AdaptiveMaxPool(Rule):
    """The largest values of windows that cover the plane."""

    form = "Pooling MAX; Slice, Pooling MAX of each part and Concat where the windows are of unequal sizes"
    exact = True

    def write(self, net: Writer, *args: Any) -> Any:
        plane = Plane(net, args[0])
        return plane.out(_adaptive(net, plane, "MAX")), None


def _adaptive(net: Writer, plane: Plane, method: str) -> View:
    sizes = plane.view.shape[2:]
    if plane.size == (1, 1):
        return net.add("Pooling", plane.view, pooling_param={"pool": method, "global_pooling": True})
    bounds = [_bounds(size, bins) for size, bins in zip(sizes, plane.size, strict=True)]
    regular = [_regular(each) for each in bounds]
    if all(regular):
        kernel, stride = (tuple(each[index] for each in regular if each) for index in (0, 1))
        return pooled(net, plane.view, method, kernel, stride, (0, 0), plane.size)
    view = plane.view
    for axis, own in zip((2, 3), bounds, strict=True):
        role = "rows" if axis == 2 else ""
        if len(own) == sizes[axis - 2]:
            continue
        if method == "AVE":
            matrix = torch.zeros(len(own), sizes[axis - 2])
            for row, (start, stop) in zip(matrix, own, strict=True):
                row[start:stop] = 1 / (stop - start)
            view = along(net, view, axis, matrix, None, role)
        else:
            parts = [reduced(net, taken(net, view, axis, range(*each), "part"), [axis], "MAX", "part") for each in own]
            view = net.add("Concat", *parts, role=role, concat_param={"axis": axis})
    return view


def _bounds(size: int, bins: int) -> list[tuple[int, int]]:
    """Where the windows of adaptive pooling start and stop.

    Source: pytorch/pytorch aten/src/ATen/native/AdaptivePooling.h, start_index and end_index.
    """
    return [(index * size // bins, -(-(index + 1) * size // bins)) for index in range(bins)]


def _regular(bounds: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The kernel and stride of windows, None if they vary, or if windows are repeated."""
    kernels = {stop - start for start, stop in bounds}
    strides = {b[0] - a[0] for a, b in pairwise(bounds)} or {1}
    return (kernels.pop(), strides.pop()) if len(kernels) == len(strides) == 1 and 0 not in strides else None
