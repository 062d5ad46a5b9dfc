"""Operations that change the shape or the order of values."""

from __future__ import annotations

from typing import Any

from fcnkit.export.rules.registry import Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


@aten("view", "reshape", "_unsafe_view", "flatten.using_ints", "unflatten.int", "squeeze", "squeeze.dim",
      "squeeze.dims", "unsqueeze", "view_copy")  # fmt: skip
class Reshape(Rule):
    """Another shape of the same values."""

    form = "no layer, or Reshape or Flatten before an operation that needs the shape"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        return net.reshaped(args[0], net.shape_of_result())


@aten("permute", "permute_copy")
class Permute(Rule):
    """Axes in another order."""

    form = "no layer, or Permute before an operation that needs the order; one-hot Deconvolutions where there is none"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view, order = args
        return view.permuted(axis % len(view.shape) for axis in order)


@aten("transpose.int")
class Transpose(Rule):
    """Two axes exchanged."""

    form = "as permute"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view, a, b = args
        order = list(range(len(view.shape)))
        order[a], order[b] = order[b], order[a]
        return view.permuted(order)


@aten("t")
class TransposeMatrix(Rule):
    """The axes of a matrix exchanged."""

    form = "as permute"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        (view,) = args
        return view.permuted(reversed(range(len(view.shape))))


@aten("clone", "contiguous", "alias", "detach", "lift_fresh_copy", "to.dtype", "to.dtype_layout", "_to_copy", "type_as",
      "to.device", "float")  # fmt: skip
class Same(Rule):
    """Nothing: the same values."""

    form = "no layer"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view: View = args[0]
        return view
