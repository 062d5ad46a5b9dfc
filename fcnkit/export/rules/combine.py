"""Operations that join, cut and repeat tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fcnkit.export.rules.broadcasting import repeated
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.selection import taken
from fcnkit.export.views import View
from fcnkit.export.writer import Writer

# Operations that repeat an operand themselves.
_BROADCASTING = {"aten.add.Tensor", "aten.sub.Tensor", "aten.mul.Tensor", "aten.div.Tensor"}


@aten("cat")
class Cat(Rule):
    """Tensors joined along an axis."""

    form, exact = "Concat", True

    def write(self, net: Writer, *args: Any) -> View:
        given, axis = args
        # Caffe refuses blobs without values.
        views = [each if isinstance(each, View) else net.constant(each) for each in given if 0 not in each.shape]
        return joined(net, views, axis % len(views[0].shape))


def joined(net: Writer, views: list[View], axis: int, role: str = "") -> View:
    """Views joined along an axis; their axes stay in another order if all have the same."""
    if len(views) == 1:
        return views[0]
    orders = {view.straight()[1] for view in views}
    if len(orders) > 1:
        views, orders = [View.of(net.blob(view)) for view in views], {tuple(range(len(views[0].shape)))}
    (order,) = orders
    straight = [view.straight()[0] for view in views]
    top = net.add("Concat", *straight, role=role, concat_param={"axis": order.index(axis)})
    return top.permuted(order.index(axis) for axis in range(len(order)))


@aten("stack")
class Stack(Rule):
    """Tensors joined along a new axis."""

    form, exact = "Reshape and Concat", True

    def write(self, net: Writer, *args: Any) -> View:
        given, axis = args
        views = [each if isinstance(each, View) else net.constant(each) for each in given]
        axis %= len(views[0].shape) + 1
        shape = (*views[0].shape[:axis], 1, *views[0].shape[axis:])
        return joined(net, [net.reshaped(view, shape) for view in views], axis)


@aten("split.Tensor", "split_with_sizes", "chunk", "split.sizes", "tensor_split.sections", "unsafe_chunk")
class Split(Rule):
    """A tensor cut along an axis."""

    form, exact = "Slice; Silence for parts that nothing reads", True

    def write(self, net: Writer, *args: Any) -> Any:
        view, _, axis = args
        assert net.node is not None
        lengths = [part.shape[axis] for part in net.node.meta["val"]]
        return _parts(net, view, axis % len(view.shape), lengths)


@aten("unbind.int")
class Unbind(Rule):
    """A tensor cut along an axis into parts without that axis."""

    form, exact = "Slice and Reshape; Silence for parts that nothing reads", True

    def write(self, net: Writer, *args: Any) -> Any:
        view, axis = args
        axis %= len(view.shape)
        shape = (*view.shape[:axis], *view.shape[axis + 1 :])
        return [net.reshaped(part, shape) for part in _parts(net, view, axis, [1] * view.shape[axis])]


def _parts(net: Writer, view: View, axis: int, lengths: list[int]) -> list[View]:
    stops = torch.tensor(lengths).cumsum(0).tolist()
    if len(lengths) == 1:
        return [view]
    parts: list[View] = []

    def cut(base: View, axes: list[int]) -> View:
        settings = {"axis": axes[0], "slice_point": stops[:-1]}
        parts.extend(net.add_several("Slice", len(lengths), base, slice_param=settings))
        return base

    net.on_axes(view, [axis], cut)
    order = view.straight()[1]
    return [part.permuted(order.index(axis) for axis in range(len(order))) for part in parts]


@aten("slice.Tensor")
class Slice(Rule):
    """A range of an axis."""

    form = "Slice; a one-hot Convolution with stride for a step along height or width, a one-hot matrix along others"
    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, start, stop, step = args
        indices = range(view.shape[axis])[slice(start, stop, step)]
        if not indices:
            raise Refused("an empty result")
        return taken(net, view, axis % len(view.shape), indices)


@aten("narrow")
class Narrow(Rule):
    """A range of an axis."""

    form, exact = "Slice", True

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, start, length = args
        start %= view.shape[axis]
        return taken(net, view, axis % len(view.shape), range(start, start + length))


@aten("select.int")
class Select(Rule):
    """One place of an axis."""

    form, exact = "Slice and Reshape", True

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, index = args
        part = taken(net, view, axis % len(view.shape), [index % view.shape[axis]])
        return net.reshaped(part, net.shape_of_result())


@aten("index_select")
class IndexSelect(Rule):
    """Places of an axis in a constant order."""

    form, exact = "Slice and Concat, or a one-hot matrix", True

    def write(self, net: Writer, *args: Any) -> View:
        view, axis, indices = args
        if not isinstance(indices, Tensor):
            raise Refused("indices that depend on the input")
        return taken(net, view, axis % len(view.shape), (indices % view.shape[axis]).tolist())


@aten("index.Tensor")
class Index(Rule):
    """Places of one axis in a constant order."""

    form, exact = "Slice and Concat, or a one-hot matrix", True

    def write(self, net: Writer, *args: Any) -> View:
        view, indices = args
        given = [(axis, each) for axis, each in enumerate(indices) if each is not None]
        if len(given) != 1 or not isinstance(given[0][1], Tensor) or given[0][1].dtype == torch.bool:
            raise Refused("indices that depend on the input, or of several axes")
        ((axis, places),) = given
        part = taken(net, view, axis, (places.flatten() % view.shape[axis]).tolist())
        return net.reshaped(part, net.shape_of_result())


@aten("flip")
class Flip(Rule):
    """Axes in reverse."""

    form, exact = "Slice and Concat, or a one-hot matrix", True

    def write(self, net: Writer, *args: Any) -> View:
        view, axes = args
        assert isinstance(view, View)
        for axis in axes:
            view = taken(net, view, axis % len(view.shape), range(view.shape[axis])[::-1])
        return view


@aten("roll")
class Roll(Rule):
    """Axes whose end continues at the front."""

    form, exact = "Slice and Concat", True

    def write(self, net: Writer, *args: Any) -> View:
        view, shifts, axes = args
        assert isinstance(view, View)
        if not axes:
            shape, view, axes = view.shape, net.reshaped(view, (-1,)), [0]
            return net.reshaped(self.write(net, view, shifts, axes), shape)
        for shift, axis in zip(shifts, axes, strict=True):
            size = view.shape[axis]
            view = taken(net, view, axis % len(view.shape), [(index - shift) % size for index in range(size)])
        return view


@aten("expand")
class Expand(Rule):
    """Axes of length 1 repeated."""

    form, exact = "none before arithmetic, which repeats its operands; else Tile", True

    def write(self, net: Writer, *args: Any) -> View:
        view = args[0]
        assert net.node is not None
        shape = net.shape_of_result()
        if all(str(user.target) in _BROADCASTING for user in net.node.users):
            return net.reshaped(view, (1,) * (len(shape) - len(view.shape)) + view.shape)
        return repeated(net, view, shape)


@aten("repeat", "tile")
class Repeat(Rule):
    """A tensor several times along its axes."""

    form, exact = "Tile", True

    def write(self, net: Writer, *args: Any) -> View:
        view, times = args
        rank = max(len(times), len(view.shape))
        view = net.reshaped(view, (1,) * (rank - len(view.shape)) + view.shape)
        for axis, count in enumerate([1] * (rank - len(times)) + list(times)):
            if count > 1:
                view = net.add("Tile", view, role="tile", tile_param={"axis": axis, "tiles": count})
        return view


@aten("repeat_interleave.self_int")
class RepeatInterleave(Rule):
    """Each place of an axis several times."""

    form, exact = "a one-hot matrix", True

    def write(self, net: Writer, *args: Any) -> View:
        view, times, axis, *_ = args
        if axis is None:
            raise Refused("without `dim`")
        indices = [index for index in range(view.shape[axis]) for _ in range(times)]
        return taken(net, view, axis % len(view.shape), indices)
