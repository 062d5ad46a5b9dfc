"""Matrix products."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def linear(net: Writer, view: View, weight: Tensor, bias: Tensor | None, role: str = "") -> View:
    """The last axis times a matrix (outputs, inputs).

    If that axis is the channels of the blob and the others are in order, a 1 x 1 Convolution computes it without moving
    the values.
    """
    weights = [weight] if bias is None else [weight, bias]
    last = len(view.shape) - 1
    settings: dict[str, Any] = {"num_output": len(weight)}
    if bias is None:
        settings["bias_term"] = False
    if len(view.blob.shape) == 4 and not view.in_order:
        front = view.permuted((0, last, *range(1, last)))
        blob = front.reshaped(view.blob.shape)
        if front.in_order and front.shape[:2] == view.blob.shape[:2] and blob is not None:
            weights[0] = weight.view(*weight.shape, 1, 1)
            settings["kernel_size"] = [1]
            top = net.add("Convolution", blob, weights=weights, role=role, convolution_param=settings)
            moved = net.reshaped(top, (front.shape[0], len(weight), *front.shape[2:]))
            return moved.permuted((0, *range(2, last + 1), 1))
    if last != 1:
        settings["axis"] = last
    return net.add("InnerProduct", view, weights=weights, role=role, inner_product_param=settings)


@aten("linear")
class Linear(Rule):
    """A fully connected layer on the last axis, whatever the others."""

    form = "InnerProduct; a 1 x 1 Convolution if the last axis is the channels"

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias = args
        if not isinstance(weight, Tensor) or isinstance(bias, View):
            raise Refused("weights that depend on the input", layer="MatMul")
        return linear(net, view, weight, bias)
