"""Matrix products, and tables of rows."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from fcnkit.export.rules.broadcasting import multiplied
from fcnkit.export.rules.reduction import reduced
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.selection import along
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


@aten("linear")
class Linear(Rule):
    """A fully connected layer on the last axis, whatever the others."""

    form = "InnerProduct; a 1 x 1 Convolution if the last axis is not the last of the blob"

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias = args
        if not isinstance(weight, Tensor) or isinstance(bias, View):
            raise Refused("weights that depend on the input", layer="MatMul")
        return along(net, view, len(view.shape) - 1, weight, bias)


@aten("addmm")
class AddMatrices(Rule):
    """A matrix times a constant one, plus a constant."""

    form = "InnerProduct"

    def write(self, net: Writer, *args: Any) -> View:
        bias, view, matrix, beta, alpha = args
        if not isinstance(view, View) or not isinstance(matrix, Tensor) or not isinstance(bias, Tensor):
            raise Refused("two matrices that depend on the input", layer="MatMul")
        return along(net, view, 1, alpha * matrix.t(), beta * bias.expand(matrix.shape[1]))


@aten("matmul", "mm", "bmm")
class MatMul(Rule):
    """A product of matrices, one of which is constant."""

    form = (
        "InnerProduct, or a 1 x 1 Convolution; PROD and Pooling for a matrix and a vector that depend on the input,"
        " none for two such matrices, as in attention"
    )

    def write(self, net: Writer, *args: Any) -> View:
        a, b = map(_once, args)
        if isinstance(a, View) and isinstance(b, Tensor) and b.dim() <= 2:
            matrix = b.t() if b.dim() == 2 else b[None]
            product = along(net, a, len(a.shape) - 1, matrix, None)
            return net.reshaped(product, net.shape_of_result())
        if isinstance(b, View) and isinstance(a, Tensor) and a.dim() == 2 and len(b.shape) > 1:
            return along(net, b, len(b.shape) - 2, a, None)
        shape = net.shape_of_result()
        if isinstance(a, View) and isinstance(b, View) and len(a.shape) == len(b.shape) and 1 in shape[-2:]:
            # Of a row and a matrix, or a matrix and a column, the sums of the products of their values.
            inner = len(a.shape) - (2 if shape[-2] == 1 else 1)
            rows, columns = (a, b) if inner == len(a.shape) - 1 else (b, a)
            products = multiplied(net, rows, _turned(net, columns), "products")
            return net.reshaped(reduced(net, products, [inner], "SUM"), shape)
        raise Refused("of two tensors that depend on the input", layer="MatMul")


def _once(operand: View | Tensor) -> View | Tensor:
    """A constant matrix in place of a batch of the same one."""
    if isinstance(operand, Tensor) and operand.dim() > 2:
        matrix = operand.flatten(0, -3)[0]
        return matrix if operand.equal(matrix.expand_as(operand)) else operand
    return operand


def _turned(net: Writer, view: View) -> View:
    """A row as a column, or a column as a row."""
    return net.reshaped(view, (*view.shape[:-2], view.shape[-1], view.shape[-2]))


@aten("scaled_dot_product_attention")
class Attention(Rule):
    """Attention."""

    form = "none"

    def write(self, net: Writer, *args: Any) -> View:
        raise Refused("a product of two tensors that depend on the input", layer="MatMul")


@aten("embedding")
class Embedding(Rule):
    """Rows of a table."""

    form, exact = "Embed", True

    def write(self, net: Writer, *args: Any) -> View:
        table, view, *_ = args
        if not isinstance(table, Tensor):
            raise Refused("a table that depends on the input")
        settings = {"input_dim": len(table), "num_output": table.shape[1], "bias_term": False}
        return net.add("Embed", view, weights=[table], embed_param=settings)
