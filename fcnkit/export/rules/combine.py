"""Operations that join and cut tensors."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


@aten("cat")
class Cat(Rule):
    """Tensors joined along an axis."""

    form, exact = "Concat", True

    def write(self, net: Writer, *args: Any) -> View:
        given, axis = args
        views = [each if isinstance(each, View) else net.constant(each) for each in given if each.shape != (0,)]
        axis %= len(views[0].shape)
        return net.add("Concat", *views, concat_param={"axis": axis})
