"""Operations on two tensors, of equal shapes or where one is repeated along some axes of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fcnkit.aliases import Shape
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def combined(net: Writer, operation: str, views: Sequence[View], coeff: Sequence[float] = (), role: str = "") -> View:
    """An Eltwise layer on views of equal shapes.

    Args:
        operation: "SUM", "PROD" or "MAX".
        coeff: factors for SUM, 1 by default.
    """
    if coeff and not net.target.has("eltwise_param.coeff"):
        views = [net.power(v, scale=c, role="scaled") if c != 1 else v for v, c in zip(views, coeff, strict=True)]
        coeff = ()
    settings: dict[str, Any] = {"operation": operation}
    if any(each != 1 for each in coeff):
        settings["coeff"] = coeff
    first, *others = views
    if not all(first.like(other) for other in others):
        straight = [view.straight() for view in views]
        if any(order != straight[0][1] for _, order in straight):
            first, straight = View.of(net.blob(first)), [(View.of(net.blob(view)), ()) for view in views]
        views = [net.reshaped(view, first.blob.shape) for view, _ in straight]
    else:
        views = [View.of(view.blob) for view in views]
    return first.on(net.add("Eltwise", *views, role=role, eltwise_param=settings).blob)


def repeated(net: Writer, view: View, shape: Shape) -> View:
    """A view repeated along its axes of length 1, and along new ones in front, up to a shape."""
    view = net.reshaped(view, (1,) * (len(shape) - len(view.shape)) + view.shape)
    for axis, (size, wanted) in enumerate(zip(view.shape, shape, strict=True)):
        if size == wanted:
            continue
        if net.target.has("Tile"):
            view = net.add("Tile", view, role="tile", tile_param={"axis": axis, "tiles": wanted})
        else:
            view = net.add("Concat", *[view] * wanted, role="tile", concat_param={"axis": axis})
    return view


def common_shape(*operands: View | Tensor) -> Shape:
    shapes: Any = torch.broadcast_shapes
    return tuple(shapes(*(tuple(each.shape) for each in operands)))


def with_constant(net: Writer, view: View, factor: Tensor | None, shift: Tensor | None, role: str = "") -> View:
    """view * factor + shift, for constants that broadcast: a Power, or a Scale on the axes they vary along.

    A shift alone is a Scale with the factor 1, because more tools have Scale than Bias.
    """
    constants = [each for each in (factor, shift) if each is not None]
    if all(each.numel() == 1 for each in constants) and max(each.dim() for each in constants) <= len(view.shape):
        scale, offset = (None if each is None else float(each) for each in (factor, shift))
        return net.power(view, scale=1 if scale is None else scale, shift=offset or 0, role=role)
    shape = common_shape(view, *constants)
    if shape != view.shape:
        view = repeated(net, view, shape)
    aligned = [each.reshape((1,) * (len(shape) - each.dim()) + tuple(each.shape)) for each in constants]
    straight, order = view.straight()
    aligned = [each.permute(order) for each in aligned]
    shape = straight.shape
    varying = [axis for axis in range(len(shape)) if any(each.shape[axis] > 1 for each in aligned)]
    start, stop = varying[0], varying[-1] + 1
    values = iter(
        each.expand(*(1,) * start, *shape[start:stop], *(1,) * (len(shape) - stop)).reshape(shape[start:stop])
        for each in aligned
    )
    weights = [torch.ones(shape[start:stop], dtype=aligned[0].dtype) if factor is None else next(values)]
    weights += [] if shift is None else [next(values)]
    settings: dict[str, Any] = {"axis": start, "num_axes": stop - start, "bias_term": shift is not None}
    own = _blob_axis(straight, start) if stop == start + 1 else None
    if own is not None:
        settings["axis"] = own
        return view.on(net.add("Scale", View.of(view.blob), weights=weights, role=role, scale_param=settings).blob)
    scaled = net.add("Scale", straight, weights=weights, role=role, scale_param=settings)
    return scaled.permuted(order.index(axis) for axis in range(len(order)))


def _blob_axis(view: View, axis: int) -> int | None:
    """The axis of the blob that an axis of a view is, None if it is none."""
    own = View.of(view.blob).layout
    wanted = view.shape[axis], view.layout.stride(axis)
    return next((i for i in range(own.dim()) if (own.shape[i], own.stride(i)) == wanted), None)


def multiplied(net: Writer, a: View, b: View, role: str = "") -> View:
    """The product of two views whose shapes broadcast."""
    return _scaled(net, a, b, "Scale", role) or _scaled(net, b, a, "Scale", role) or _tiled(net, a, b, "PROD", (), role)


def added(net: Writer, a: View, b: View, factor: float = 1, role: str = "") -> View:
    """a + factor * b, of two views whose shapes broadcast."""
    if a.shape != b.shape and net.target.has("Bias"):
        if factor != 1:
            b, factor = net.power(b, scale=factor, role="scaled"), 1
        found = _scaled(net, a, b, "Bias", role) or _scaled(net, b, a, "Bias", role)
        if found is not None:
            return found
    return _tiled(net, a, b, "SUM", (1, factor), role)


def _tiled(net: Writer, a: View, b: View, operation: str, coeff: Sequence[float], role: str) -> View:
    shape = common_shape(a, b)
    both = [each if each.shape == shape else repeated(net, each, shape) for each in (a, b)]
    return combined(net, operation, both, coeff, role)


def _scaled(net: Writer, large: View, small: View, kind: str, role: str) -> View | None:
    """A Scale or Bias layer with a second bottom, None if it does not lie along neighbouring axes of the first.

    The second bottom includes the batch, so that the layer computes each item alone.
    """
    shape = common_shape(large, small)
    aligned = (1,) * (len(shape) - len(small.shape)) + small.shape
    if shape != large.shape or aligned == shape or not net.target.has(kind):
        return None
    same = [axis for axis, size in enumerate(aligned) if size == shape[axis] and (size > 1 or axis == 0)]
    if not same or same != list(range(same[0], same[-1] + 1)):
        return None
    second = net.reshaped(small, shape[same[0] : same[-1] + 1])
    settings: dict[str, Any] = {f"{kind.lower()}_param": {"axis": same[0]}}
    return net.add(kind, large, second, role=role, **settings)
