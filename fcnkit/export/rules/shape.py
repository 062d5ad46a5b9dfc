"""Operations that change the shape or the order of values."""

from __future__ import annotations

from typing import Any

from fcnkit.export.rules.registry import Refused, Rule, aten
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
        assert isinstance(view, View)
        return view.permuted(axis % len(view.shape) for axis in order)


@aten("transpose.int")
class Transpose(Rule):
    """Two axes exchanged."""

    form = "as permute"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view, a, b = args
        assert isinstance(view, View)
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
        assert isinstance(view, View)
        return view.permuted(reversed(range(len(view.shape))))


@aten("clone", "contiguous", "alias", "detach", "lift_fresh_copy")
class Same(Rule):
    """Nothing: the same values."""

    form = "no layer"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view: View = args[0]
        return view


@aten("to.dtype", "to.dtype_layout", "to.device", "_to_copy", "type_as")
class Cast(Rule):
    """Another type or device of the same values."""

    form = "no layer; none from fractions to whole numbers, unless they choose rows of a table"
    exact = moves = True

    def write(self, net: Writer, *args: Any) -> View:
        view: View = args[0]
        assert net.node is not None
        before, after = (node.meta["val"].dtype for node in (net.node.args[0], net.node))  # type: ignore[union-attr]
        rows = all(str(user.target) == "aten.embedding.default" for user in net.node.users)
        if before.is_floating_point and not after.is_floating_point and not rows:
            raise Refused(f"to {str(after).removeprefix('torch.')}")
        return view
