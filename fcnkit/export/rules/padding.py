"""Padding."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from fcnkit.export.rules.registry import Rule, aten
from fcnkit.export.rules.selection import taken
from fcnkit.export.rules.windows import window
from fcnkit.export.views import View
from fcnkit.export.writer import Writer

Pads = tuple[tuple[int, int], ...]

_CONVOLUTIONS = {"aten.conv1d.default", "aten.conv2d.default", "aten.conv1d.padding", "aten.conv2d.padding"}
_MAXIMA = {"aten.max_pool2d.default", "aten.max_pool2d_with_indices.default"}


@dataclass(frozen=True)
class Padded:
    """A view with a pad that the operations behind it take over.

    Attributes:
        view: without the pad.
        pads: (before, behind) for each spatial axis.
    """

    view: View
    pads: Pads


@aten("constant_pad_nd")
class Pad(Rule):
    """A pad of one value, or a negative pad, which cuts off."""

    form = "in the Convolution or Pooling behind it; else a one-hot Convolution, or Concat"
    exact = True

    def write(self, net: Writer, *args: Any) -> Any:
        return _constant(net, *args)


def _constant(net: Writer, view: View, sizes: Sequence[int], value: float) -> Any:
    rank = len(view.shape)
    pads = [(0, 0)] * (rank - len(sizes) // 2) + list(zip(sizes[-2::-2], sizes[-1::-2], strict=True))
    for axis, (before, behind) in enumerate(pads):
        if min(before, behind) < 0:
            kept = range(max(-before, 0), view.shape[axis] - max(-behind, 0))
            view = taken(net, view, axis, kept, "cut")
    pads = [(max(before, 0), max(behind, 0)) for before, behind in pads]
    if not any(map(any, pads)):
        return view
    assert net.node is not None
    users = {str(user.target) for user in net.node.users}
    spatial = not any(map(any, pads[:2]))
    if spatial and ((value == 0 and users <= _CONVOLUTIONS) or (value == -math.inf and users <= _MAXIMA)):
        return Padded(view, tuple(pads[2:]))
    if spatial and rank in (3, 4) and math.isfinite(value):
        return zero_padded(net, view, pads[2:], value)
    return _joined(net, view, pads, value) if value else _along_each(net, view, pads)


def zero_padded(net: Writer, view: View, pads: Sequence[tuple[int, int]], value: float = 0) -> View:
    """A pad around (N, C, H, W) or (N, C, W): a Convolution with a 1 per channel, and zeros where a pad is wide."""
    shape = view.shape
    if len(shape) == 3:
        view, pads = net.reshaped(view, (*shape[:2], 1, shape[2])), [(0, 0), *pads]
    if value:
        view = net.power(view, shift=-value, role="less")
    weight = F.pad(
        torch.ones(shape[1], 1, 1, 1),
        [zeros for a, b in pads[::-1] for zeros in (max(b - a, 0), max(a - b, 0))],
    )
    settings = window(weight.shape[2:], (1, 1), [max(pair) for pair in pads], (1, 1))
    settings |= {"num_output": shape[1], "group": shape[1], "bias_term": False}
    role = "pad" if value else ""
    top = net.add("Convolution", view, weights=[weight], role=role, convolution_param=settings)
    if value:
        top = net.power(top, shift=value)
    return top if len(shape) == 4 else net.reshaped(top, (*top.shape[:2], top.shape[3]))


def _along_each(net: Writer, view: View, pads: Sequence[tuple[int, int]]) -> View:
    """A pad of zeros along any axes: each as the height of a plane of one channel."""
    for axis, sizes in enumerate(pads):
        if any(sizes):
            before, size, behind = view.shape[:axis], view.shape[axis], view.shape[axis + 1 :]
            plane = net.reshaped(view, (math.prod(before), 1, size, math.prod(behind)))
            view = net.reshaped(zero_padded(net, plane, [sizes, (0, 0)]), (*before, size + sum(sizes), *behind))
    return view


def _joined(net: Writer, view: View, pads: Sequence[tuple[int, int]], value: float) -> View:
    """A pad along any axes: constant blobs in a Concat."""
    for axis, sizes in enumerate(pads):
        if not any(sizes):
            continue
        ends = [
            net.constant(torch.full((*view.shape[:axis], size, *view.shape[axis + 1 :]), value)) if size else None
            for size in sizes
        ]
        parts = [part for part in (ends[0], view, ends[1]) if part is not None]
        view = net.add("Concat", *parts, role="pad", concat_param={"axis": axis})
    return view


def _repeating(net: Writer, view: View, sizes: Sequence[int], indices: Callable[[int, int, int], list[int]]) -> View:
    """A pad of values of the tensor itself, along the last axes."""
    for number, (before, behind) in enumerate(zip(sizes[::2], sizes[1::2], strict=True)):
        axis = len(view.shape) - 1 - number
        role = "" if 2 * number + 2 == len(sizes) else f"axis{axis}"
        view = taken(net, view, axis, indices(view.shape[axis], before, behind), role)
    return view


def _mirrored(size: int, before: int, behind: int) -> list[int]:
    return [*range(before, 0, -1), *range(size), *range(size - 2, size - 2 - behind, -1)]


def _clamped(size: int, before: int, behind: int) -> list[int]:
    return [min(max(index, 0), size - 1) for index in range(-before, size + behind)]


def _circular(size: int, before: int, behind: int) -> list[int]:
    return [index % size for index in range(-before, size + behind)]


@aten("reflection_pad1d", "reflection_pad2d")
class ReflectionPad(Rule):
    """A pad of the values mirrored at the edge."""

    form, exact = "Slice and Concat, or one-hot matrices", True

    def write(self, net: Writer, *args: Any) -> View:
        view, sizes = args
        return _repeating(net, view, sizes, _mirrored)


@aten("replication_pad1d", "replication_pad2d")
class ReplicationPad(Rule):
    """A pad of the values at the edge."""

    form, exact = "Slice and Concat, or one-hot matrices", True

    def write(self, net: Writer, *args: Any) -> View:
        view, sizes = args
        return _repeating(net, view, sizes, _clamped)


@aten("pad")
class AnyPad(Rule):
    """A pad of any mode."""

    form, exact = "as constant_pad_nd, reflection_pad2d and replication_pad2d; Slice and Concat for circular", True

    def write(self, net: Writer, *args: Any) -> Any:
        view, sizes, mode, value = args
        if mode == "constant":
            return _constant(net, view, sizes, value or 0)
        return _repeating(net, view, sizes, {"reflect": _mirrored, "replicate": _clamped, "circular": _circular}[mode])
