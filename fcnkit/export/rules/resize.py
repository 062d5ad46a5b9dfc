"""Resizing of height and width."""

from __future__ import annotations

from collections.abc import Callable
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
        view, *settings = args
        result = net.shape_of_result()
        matrices = [_matrix(net, size, axis, settings) for axis, size in enumerate(view.shape[2:])]
        if len(matrices) == 1:
            view, matrices = net.reshaped(view, (*view.shape[:2], 1, view.shape[2])), [torch.ones(1, 1), *matrices]
        factors = [max(len(matrix) // matrix.shape[1], 1) for matrix in matrices]
        if _are_all(matrices, factors, _repeating):
            return net.reshaped(_enlarged(net, view, factors, [torch.ones(factor) for factor in factors]), result)
        return net.reshaped(self.resized(net, view, matrices, factors), result)

    def resized(self, net: Writer, view: View, matrices: list[Tensor], factors: list[int]) -> View:
        """The product of (N, C, H, W) with matrices for rows and columns, which may enlarge by whole factors."""
        for axis, matrix in zip((2, 3), matrices, strict=True):
            if not torch.equal(matrix, torch.eye(len(matrix))):
                view = along(net, view, axis, matrix, None, "rows" if axis == 2 else "")
        return view


def _matrix(net: Writer, size: int, axis: int, settings: list[Any]) -> Tensor:
    """The matrix of the operation that is written along a spatial axis: its result for each unit vector."""
    node = net.node
    assert node is not None
    assert isinstance(node.target, OpOverload)
    axes = len(net.shape_of_result()) - 2
    # Sizes and factors are given for all axes. The other one has the length 2 and stays so; of length 1, PyTorch's
    # antialiasing filter gives wrong values.
    own = [
        [value if at == axis else 2 if isinstance(value, int) else 1.0 for at, value in enumerate(each)]
        if isinstance(each, list | tuple)
        else each
        for each in settings
    ]
    units = torch.eye(size).reshape(size, 1, *(size if at == axis else 1 for at in range(axes)))
    units = units.expand(size, 1, *(size if at == axis else 2 for at in range(axes))).contiguous()
    found: Tensor = node.target(units, *own)
    for other in (at for at in range(axes) if at != axis):
        found = found.select(other + 2, 0)
    return found.reshape(size, -1).t().contiguous()


def _are_all(matrices: list[Tensor], factors: list[int], made: Callable[[int, int], Tensor]) -> bool:
    """Whether matrices are those that made gives for their sizes and factors, or their results' sizes."""
    expected = [made(matrix.shape[1], factor) for matrix, factor in zip(matrices, factors, strict=True)]
    return all(
        found.shape == other.shape and torch.allclose(found, other, rtol=0, atol=1e-6)
        for found, other in zip(matrices, expected, strict=True)
    )


def _enlarged(net: Writer, view: View, factors: list[int], filters: list[Tensor]) -> View:
    """A Deconvolution with the same filter for each channel, the product of one for rows and one for columns.

    What lies beyond the first and the last pixel is cut off.
    """
    channels = view.shape[1]
    kernel = [len(each) for each in filters]
    pad = [(size - factor) // 2 for size, factor in zip(kernel, factors, strict=True)]
    pad = [own + factor if own else 0 for own, factor in zip(pad, factors, strict=True)]
    settings = window(kernel, factors, pad, (1, 1))
    settings |= {"num_output": channels, "group": channels, "bias_term": False}
    weight = (filters[0][:, None] * filters[1]).expand(channels, 1, *kernel).contiguous()
    return net.add("Deconvolution", view, weights=[weight], convolution_param=settings)


@aten("upsample_nearest2d.vec", "upsample_nearest2d", "upsample_nearest1d.vec", "upsample_nearest1d",
      "_upsample_nearest_exact2d.vec", "_upsample_nearest_exact2d")  # fmt: skip
class Nearest(_Resize):
    """The nearest value."""

    form = "Deconvolution of ones for whole factors; else one-hot matrices"
    exact = True

    def resized(self, net: Writer, view: View, matrices: list[Tensor], factors: list[int]) -> View:
        for axis, matrix in zip((2, 3), matrices, strict=True):
            view = taken(net, view, axis, matrix.argmax(1).tolist(), "rows" if axis == 2 else "")
        return view


def _repeating(size: int, factor: int) -> Tensor:
    """The matrix that repeats each value."""
    return torch.eye(size).repeat_interleave(factor, 0)


@aten("upsample_bilinear2d.vec", "upsample_bilinear2d", "upsample_linear1d.vec", "upsample_linear1d")
class Linear(_Resize):
    """Linear interpolation, corners aligned or not."""

    form = (
        "Deconvolution behind repeated edges for whole factors, corners not aligned; Interp for aligned corners, where"
        " there is one; else a 1 x 1 Convolution over the rows and an InnerProduct over the columns"
    )

    def resized(self, net: Writer, view: View, matrices: list[Tensor], factors: list[int]) -> View:
        sizes = [len(matrix) for matrix in matrices]
        if net.target.has("Interp") and sizes != [*view.shape[2:]] and _are_all(matrices, sizes, _aligned):
            return net.add("Interp", view, interp_param={"height": sizes[0], "width": sizes[1]})
        if 1 in factors or not _are_all(matrices, factors, _interpolating):
            return super().resized(net, view, matrices, factors)
        for axis in (2, 3):
            # A bilinear Deconvolution alone would take zeros beyond the edges.
            last = view.shape[axis] - 1
            view = taken(net, view, axis, [0, *range(last + 1), last], "rows" if axis == 2 else "columns")
        return _enlarged(net, view, factors, [_triangle(factor) for factor in factors])


def _triangle(factor: int) -> Tensor:
    """The filter that interpolates linearly between values `factor` apart."""
    size = 2 * factor - factor % 2
    return 1 - (torch.arange(size) - (size - 1) / 2).abs() / factor


def _interpolating(size: int, factor: int) -> Tensor:
    """The matrix of linear interpolation by a whole factor, corners not aligned."""
    places = ((torch.arange(size * factor) + 0.5) / factor - 0.5).clamp(0, size - 1)
    return (1 - (places[:, None] - torch.arange(size)).abs()).clamp(min=0)


def _aligned(size: int, result: int) -> Tensor:
    """The matrix of linear interpolation to a size, corners aligned."""
    places = torch.arange(result) * ((size - 1) / max(result - 1, 1))
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
