"""Resizing of height and width."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.selection import along, taken
from fcnkit.export.rules.windows import window
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


class _Resize(Rule):
    """Any resizing is linear in the rows and in the columns: two matrices, found by resizing unit vectors."""

    def write(self, net: Writer, *args: Any) -> View:
        view = args[0]
        size = net.shape_of_result()[2:]
        if len(size) == 1:
            plane = net.reshaped(view, (*view.shape[:2], 1, view.shape[2]))
            return net.reshaped(self.resized(net, plane, (1, *size)), net.shape_of_result())
        return self.resized(net, view, size)

    def resized(self, net: Writer, view: View, size: tuple[int, ...]) -> View:
        matrices = self.matrices(net, view, size)
        for axis, matrix in zip((2, 3), matrices, strict=True):
            if not torch.equal(matrix, torch.eye(len(matrix))):
                view = along(net, view, axis, matrix, None, "rows" if axis == 2 else "")
        return view

    def matrices(self, net: Writer, view: View, size: tuple[int, ...]) -> list[Tensor]:
        """The matrices (wanted, size) for rows and columns."""
        if len(net.shape_of_result()) == 3:
            return [torch.ones(1, 1), self.matrix(net, view.shape[3], size[1], 3)]
        return [self.matrix(net, view.shape[axis], size[axis - 2], axis) for axis in (2, 3)]

    def matrix(self, net: Writer, size: int, wanted: int, axis: int) -> Tensor:
        """The matrix (wanted, size) of the operation along an axis: its result for each unit vector."""
        node = net.node
        assert node is not None
        assert isinstance(node.target, OpOverload)
        names = [each.name for each in node.target._schema.arguments]
        settings = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
        whole = [each.meta["val"].shape[2:] for each in (settings.pop("self", None) or settings.pop("input"), node)]
        settings = {name: value for name, value in settings.items() if name not in ("input", "self")}
        flat = len(whole[0]) == 1
        if flat:
            units = torch.eye(size)[:, None]
            settings["output_size"] = [wanted] if settings.get("output_size") is not None else None
        else:
            # The other axis keeps its own sizes, because factors are given for both; its first place is enough.
            other = 5 - axis
            units = torch.eye(size).reshape((size, 1, size, 1) if axis == 2 else (size, 1, 1, size))
            units = units.expand(*(whole[0][k - 2] if k == other else n for k, n in enumerate(units.shape)))
        found = node.target(units.contiguous(), **{k: v for k, v in settings.items()})
        return (found[:, 0] if flat else found[:, 0].select(other - 1, 0)).t().contiguous()


@aten("upsample_nearest2d.vec", "upsample_nearest2d", "upsample_nearest1d.vec", "upsample_nearest1d",
      "_upsample_nearest_exact2d.vec", "_upsample_nearest_exact2d")  # fmt: skip
class Nearest(_Resize):
    """The nearest value."""

    form = "Deconvolution of ones for whole factors; else one-hot matrices"
    exact = True

    def resized(self, net: Writer, view: View, size: tuple[int, ...]) -> View:
        matrices = self.matrices(net, view, size)
        factors = [wanted // own for wanted, own in zip(size, view.shape[2:], strict=True)]
        whole = all(
            torch.equal(matrix, torch.eye(own).repeat_interleave(max(factor, 1), 0))
            for matrix, own, factor in zip(matrices, view.shape[2:], factors, strict=True)
        )
        if whole:
            channels = view.shape[1]
            settings = window(factors, factors, (0, 0), (1, 1))
            settings |= {"num_output": channels, "group": channels, "bias_term": False}
            ones = torch.ones(channels, 1, *factors)
            return net.add("Deconvolution", view, weights=[ones], convolution_param=settings)
        for axis, matrix in zip((2, 3), matrices, strict=True):
            view = taken(net, view, axis, matrix.argmax(1).tolist(), "rows" if axis == 2 else "")
        return view


@aten("upsample_bilinear2d.vec", "upsample_bilinear2d", "upsample_linear1d.vec", "upsample_linear1d")
class Linear(_Resize):
    """Linear interpolation, corners aligned or not."""

    form = (
        "Deconvolution behind repeated edges for whole factors, corners not aligned; else a 1 x 1 Convolution over the"
        " rows and an InnerProduct over the columns"
    )

    def resized(self, net: Writer, view: View, size: tuple[int, ...]) -> View:
        matrices = self.matrices(net, view, size)
        factors = [wanted // own for wanted, own in zip(size, view.shape[2:], strict=True)]
        filters = [_triangle(factor) for factor in factors]
        plain = all(
            factor > 1 and torch.allclose(matrix, _of_filter(own, factor), atol=1e-6)
            for matrix, own, factor in zip(matrices, view.shape[2:], factors, strict=True)
        )
        if not plain:
            return super().resized(net, view, size)
        for axis in (2, 3):
            # A bilinear Deconvolution alone would take zeros beyond the edges.
            last = view.shape[axis] - 1
            view = taken(net, view, axis, [0, *range(last + 1), last], "rows" if axis == 2 else "columns")
        channels = view.shape[1]
        kernel = [len(each) for each in filters]
        pad = [(own - factor) // 2 + factor for own, factor in zip(kernel, factors, strict=True)]
        settings = window(kernel, factors, pad, (1, 1))
        settings |= {"num_output": channels, "group": channels, "bias_term": False}
        weight = (filters[0][:, None] * filters[1]).expand(channels, 1, *kernel)
        return net.add("Deconvolution", view, weights=[weight.contiguous()], convolution_param=settings)


def _triangle(factor: int) -> Tensor:
    """The filter that interpolates linearly between values `factor` apart."""
    size = 2 * factor - factor % 2
    return 1 - (torch.arange(size) - (size - 1) / 2).abs() / max(factor, 1)


def _of_filter(size: int, factor: int) -> Tensor:
    """The matrix of linear interpolation by a whole factor, corners not aligned."""
    places = ((torch.arange(size * factor) + 0.5) / factor - 0.5).clamp(0, size - 1)
    return (1 - (places[:, None] - torch.arange(size)).abs()).clamp(min=0)


@aten("upsample_bicubic2d.vec", "upsample_bicubic2d", "_upsample_bilinear2d_aa.vec", "_upsample_bilinear2d_aa",
      "_upsample_bicubic2d_aa.vec", "_upsample_bicubic2d_aa")  # fmt: skip
class Cubic(_Resize):
    """Cubic interpolation, and resizing with an antialiasing filter."""

    form = "a 1 x 1 Convolution over the rows and an InnerProduct over the columns"


@aten("pixel_shuffle")
class PixelShuffle(Rule):
    """Groups of r * r channels as squares of pixels."""

    form, exact = "one-hot Deconvolution with stride", True

    def write(self, net: Writer, *args: Any) -> View:
        view, factor = args
        batch = _batched(net, view)
        channels = batch.shape[1] // factor**2
        return _unbatched(net, _squares(net, batch, channels, factor, "Deconvolution", channels))


@aten("pixel_unshuffle")
class PixelUnshuffle(Rule):
    """Squares of r * r pixels as channels."""

    form, exact = "one-hot Convolution with stride", True

    def write(self, net: Writer, *args: Any) -> View:
        view, factor = args
        batch = _batched(net, view)
        channels = batch.shape[1]
        return _unbatched(net, _squares(net, batch, channels, factor, "Convolution", channels * factor**2))


def _squares(net: Writer, view: View, channels: int, factor: int, kind: str, num_output: int) -> View:
    weight = torch.eye(factor**2).reshape(factor**2, 1, factor, factor).repeat(channels, 1, 1, 1)
    settings = window((factor, factor), (factor, factor), (0, 0), (1, 1))
    settings |= {"num_output": num_output, "group": channels, "bias_term": False}
    return net.add(kind, view, weights=[weight], convolution_param=settings)


def _batched(net: Writer, view: View) -> View:
    if len(view.shape) not in (3, 4):
        raise Refused(f"on {len(view.shape)} axes")
    return view if len(view.shape) == 4 else net.reshaped(view, (1, *view.shape))


def _unbatched(net: Writer, view: View) -> View:
    return net.reshaped(view, net.shape_of_result())


@aten("channel_shuffle", "native_channel_shuffle")
class ChannelShuffle(Rule):
    """Channels of groups interleaved."""

    form = "ShuffleChannel or Permute; Reshape, one-hot Deconvolution and Reshape where there is none"
    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        view, groups = args
        batch, channels, *rest = view.shape
        grid = net.reshaped(view, (batch, groups, channels // groups, *rest))
        return net.reshaped(grid.permuted((0, 2, 1, *range(3, len(grid.shape)))), view.shape)
