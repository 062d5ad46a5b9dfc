"""The net that rules write: its layers and weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.fx import Node

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.export.targets import Target
from fcnkit.export.views import Blob, View
from fcnkit.net.building import build

Made = TypeVar("Made")


class Writer:
    """Collects layers, the blobs they make and their weights.

    Attributes:
        target: the Caffe that the net is written for.
        approximate: names of the approximations that the caller allows.
        approximated: the approximations that were used, once for each operation.
        node: the operation that is written now.
        layers: the layers.
        weights: the weights by layer name.
        shapes: the shape of each blob.
        renamed: the names of blobs that were renamed after they were made, by the first name.
    """

    def __init__(self, target: Target, approximate: Iterable[str] = (), reserved: Iterable[str] = ()):
        self.target = target
        self.approximate = frozenset(approximate)
        self.approximated: list[str] = []
        self.node: Node | None = None
        self.layers: list[LayerParameter] = []
        self.weights: dict[str, list[Tensor]] = {}
        self.shapes: dict[str, Shape] = {}
        self.renamed: dict[str, str] = {}
        self._path = self._unused = ""
        self._taken = set(reserved)
        self._made: dict[Any, Any] = {}

    def begin(self, path: str, node: Node | None = None) -> None:
        """Begin an operation: its first layer without a role gets the name path, which was reserved."""
        self._path = self._unused = path
        self.node = node

    def operation(self) -> str:
        """The name of the operation that is written now."""
        assert self.node is not None
        return str(self.node.target)

    def shape_of_result(self) -> Shape:
        """The shape of the result of the operation that is written now, or of the first of several."""
        assert self.node is not None
        value = self.node.meta["val"]
        return tuple((value[0] if isinstance(value, tuple | list) else value).shape)

    def several_results(self) -> bool:
        """Whether the operation that is written now has several results."""
        assert self.node is not None
        return isinstance(self.node.meta["val"], tuple | list)

    def input(self, name: str, shape: Shape) -> View:
        """Add an input of the net."""
        name = self.free(name)
        layer = LayerParameter(name=name, type="Input", top=[name])
        layer.input_param.shape.add(dim=shape)
        self.layers.append(layer)
        self.shapes[name] = tuple(shape)
        return View.of(Blob(name, tuple(shape)))

    def add(
        self, kind: str, *bottoms: View, weights: Sequence[Tensor] = (), role: str = "", **settings: Any
    ) -> View:  # fmt: skip
        """Add a layer with one top, and return the top.

        Args:
            kind: the layer type.
            bottoms: what the layer reads, brought into its own order first.
            weights: the layer's blobs.
            role: distinguishes the layers of one operation: it is appended to the name.
            settings: fields of LayerParameter; dicts for messages.
        """
        return self.add_several(kind, 1, *bottoms, weights=weights, role=role, **settings)[0]

    def add_several(
        self,
        kind: str,
        tops: int,
        *bottoms: View,
        weights: Sequence[Tensor] = (),
        role: str = "",
        **settings: Any,
    ) -> list[View]:
        """Add a layer with several tops; otherwise like `add`."""
        read = [self.blob(bottom).name for bottom in bottoms]
        name = self._name(role)
        made = [name] if tops == 1 else [self.free(f"{name}_{index}") for index in range(tops)]
        layer = LayerParameter(name=name, type=kind, bottom=read, top=made, **settings)
        for _ in build(NetParameter(layer=[layer]), self.shapes):
            pass
        self.layers.append(layer)
        if weights:
            self.weights[name] = [weight.detach() for weight in weights]
        return [View.of(Blob(top, self.shapes[top])) for top in made]

    def may(self, approximation: str) -> bool:
        """Whether the caller allows an approximation, which is noted."""
        if approximation in self.approximate:
            self.approximated.append(approximation)
        return approximation in self.approximate

    def on_each(self, view: View, kind: str, role: str = "", **settings: Any) -> View:
        """A layer that acts on each value alone; the result is the same view on its top."""
        return view.on(self.add(kind, View.of(view.blob), role=role, **settings).blob)

    def per_channel(self, view: View, kind: str, weights: Sequence[Tensor], role: str = "", **settings: Any) -> View:
        """A layer with weights for each channel, axis 1, that keeps the shape."""
        if view.in_order and view.blob.shape[:2] == view.shape[:2]:
            return view.on(self.add(kind, View.of(view.blob), weights=weights, role=role, **settings).blob)
        return self.add(kind, view, weights=weights, role=role, **settings)

    def power(self, view: View, power: float = 1, scale: float = 1, shift: float = 0, role: str = "") -> View:
        """(shift + scale * x) ** power for each value: a Power, or a Scale for a target without it."""
        if power == 1 and not self.target.has("Power") and len(view.blob.shape) > 1:
            weights = [torch.full(view.blob.shape[1:2], float(value)) for value in (scale, shift)]
            return self.on_each(view, "Scale", role, weights=weights, scale_param={"bias_term": True})
        return self.on_each(view, "Power", role, power_param={"power": power, "scale": scale, "shift": shift})

    def constant(self, values: Tensor, role: str = "constant") -> View:
        """A blob of constant values."""
        shape = {"shape": {"dim": tuple(values.shape)}}
        return self.add("Parameter", weights=[values], role=role, parameter_param=shape)

    def unknown(self, shape: Shape) -> View:
        """A blob that no layer makes: the result of an operation that is not supported."""
        name = self.free(f"{self._path}_unknown")
        self.shapes[name] = shape
        return View.of(Blob(name, shape))

    def reshaped(self, view: View, shape: Shape) -> View:
        """A view in another shape of as many values."""
        found = view.reshaped(shape) or self._in_order(view).reshaped(shape)
        assert found is not None
        return found

    def blob(self, view: View) -> Blob:
        """The blob with a view's shape and values in the view's order, made by layers where it is not one yet."""
        if view.is_blob:
            return view.blob
        return self.once((view.blob, view.shape, view.layout.stride()), lambda: self._ordered(view))

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What make makes, made once for each key."""
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    def on_axes(self, view: View, axes: Sequence[int], change: Callable[[View, list[int]], View]) -> View:
        """Apply a change that keeps all other axes to a view; only the values' order along these axes matters to it.

        Args:
            axes: the axes that the change is about.
            change: takes a view in order, and the axes in it; returns a view with as many axes.
        """
        straight, order = view.straight()
        changed = change(straight, [order.index(axis) for axis in axes])
        return changed.permuted(order.index(axis) for axis in range(len(order)))

    def _ordered(self, view: View) -> Blob:
        in_order = self.reshaped(self._in_order(view), view.shape)
        return in_order.blob if in_order.is_blob else self._reshape(in_order)

    def _in_order(self, view: View) -> View:
        """A view's values in its order, on a blob of any shape."""
        if view.in_order:
            return view
        return self.once(("permuted", view.blob, view.shape, view.layout.stride()), lambda: self._permuted(view))

    def _reshape(self, view: View) -> Blob:
        before, dims = view.blob.shape, list(view.shape)
        if before and dims and dims[0] == before[0]:
            dims[0] = 0
            if len(dims) == 2 and len(before) > 2:
                return self.add("Flatten", View.of(view.blob), role="flatten").blob
        return self.add("Reshape", View.of(view.blob), role="reshape", reshape_param={"shape": {"dim": dims}}).blob

    def _permuted(self, view: View) -> View:
        """A view in order with the values of a view that is not."""
        sizes, order = view.permutation()
        if self.target.has("Permute") and len(sizes) <= 4:
            if len(sizes) < 4 and view.blob.shape[0] == view.shape[0] == 1:
                # Some tools want the batch in its place.
                sizes, order = (1, *sizes), (0, *(axis + 1 for axis in order))
            whole = self.reshaped(View.of(view.blob), sizes)
            return self.add("Permute", whole, role="permute", permute_param={"order": order})
        found = View.of(view.blob)
        now = list(range(len(sizes)))
        for position, axis in enumerate(order):
            at = now.index(axis)
            if at == position:
                continue
            moved = 1
            while now[at + moved : at + moved + 1] == list(order[position + moved : position + moved + 1]) != []:
                moved += 1
            bounds = (0, position, at, at + moved, len(now))
            outer, a, b, inner = (
                math.prod(sizes[each] for each in now[bounds[index] : bounds[index + 1]]) for index in range(4)
            )
            found = self._exchanged(found, outer, a, b, inner)
            now[position : at + moved] = now[at : at + moved] + now[position:at]
        return found

    def _exchanged(self, view: View, outer: int, a: int, b: int, inner: int) -> View:
        """(outer, a, b, inner) as (outer, 1, b * a, inner), or as (outer, b, a, inner).

        With a as channels, a Deconvolution puts the values of each position behind each other. With a and b in one
        axis, a Convolution over a makes b channels, which is the opposite. Each value is multiplied by 1 once.
        """
        kind, size = ("Deconvolution", a) if a <= b else ("Convolution", b)
        bottom = self.reshaped(view, (outer, a, b, inner) if a <= b else (outer, 1, a * b, inner))
        window = {
            "num_output": 1 if a <= b else b,
            "bias_term": False,
            **{"kernel_h": size, "kernel_w": 1, "stride_h": size, "stride_w": 1},
        }
        weight = torch.eye(size).view(size, 1, size, 1)
        return self.add(kind, bottom, weights=[weight], role="permute", convolution_param=window)

    def _name(self, role: str) -> str:
        if not role and self._unused:
            name, self._unused = self._unused, ""
            return name
        return self.free(f"{self._path}_{role}" if role else self._path)

    def free(self, name: str) -> str:
        """The name, with a number appended if it is taken; it is taken now."""
        found, number = name, 0
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found
