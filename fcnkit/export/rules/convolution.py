"""Convolutions and their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fcnkit.export.rules.padding import Padded
from fcnkit.export.rules.registry import Refused, Rule, aten
from fcnkit.export.rules.windows import window
from fcnkit.export.views import View
from fcnkit.export.writer import Writer

Sizes = tuple[int, ...]


def _spread(weight: Tensor, dilation: Sequence[int]) -> Tensor:
    """The filters with the gaps of a dilation as zeros."""
    for axis, step in enumerate(dilation):
        places = torch.arange(weight.shape[axis + 2]) * step
        shape = list(weight.shape)
        shape[axis + 2] = int(places[-1]) + 1
        weight = weight.new_zeros(shape).index_copy(axis + 2, places, weight)
    return weight


def _filtered(
    net: Writer, kind: str, view: View, weight: Tensor, bias: Tensor | None, num_output: int, **param: Any
) -> View:
    """A layer with filters on a view with a batch; one of a single spatial axis gets a height of 1 for it."""
    axes = weight.dim() - 2
    batched = len(view.shape) == axes + 2
    shape = view.shape if batched else (1, *view.shape)
    if axes == 1:
        shape, weight = (*shape[:2], 1, shape[2]), weight.unsqueeze(2)
        param |= {"kernel": (1, *param["kernel"]), "stride": (1, *param["stride"]), "pad": (0, *param["pad"])}
        param["dilation"] = (1, *param["dilation"])
    group = param.pop("group")
    settings = {"num_output": num_output, **window(**param)}
    if group > 1:
        settings["group"] = group
    if bias is None:
        settings["bias_term"] = False
    weights = [weight] if bias is None else [weight, bias]
    top = net.add(kind, net.reshaped(view, shape), weights=weights, convolution_param=settings)
    shape = top.shape if axes > 1 else (*top.shape[:2], top.shape[3])
    return net.reshaped(top, shape if batched else shape[1:])


def _check(weight: Any, bias: Any) -> None:
    if not isinstance(weight, Tensor) or isinstance(bias, View):
        raise Refused("weights that depend on the input")


def convolved(
    net: Writer, view: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, group: int
) -> View:
    """A Convolution; pads may differ before and behind."""
    _check(weight, bias)
    axes = weight.dim() - 2
    stride, dilation = _each(stride, axes), _each(dilation, axes)
    pads = _pads(padding, weight.shape[2:], dilation)
    if isinstance(view, Padded):
        pads = [(a + c, b + d) for (a, b), (c, d) in zip(pads, view.pads, strict=True)]
        view = view.view
    if any(a != b for a, b in pads):
        # Zeros extend the kernel to where the pad is too wide.
        if any((a - b) % d for (a, b), d in zip(pads, dilation, strict=True)):
            weight, dilation = _spread(weight, dilation), (1,) * axes
        zeros = [(max(b - a, 0) // d, max(a - b, 0) // d) for (a, b), d in zip(pads, dilation, strict=True)]
        weight = F.pad(weight, [size for pair in zeros[::-1] for size in pair])
    pad = tuple(max(pair) for pair in pads)
    kernel = tuple(weight.shape[2:])
    settings = {"kernel": kernel, "stride": stride, "pad": pad, "dilation": dilation, "group": group}
    return _filtered(net, "Convolution", view, weight, bias, len(weight), **settings)


def deconvolved(
    net: Writer, view: View, weight: Any, bias: Any, stride: Any, pad: Any, behind: Any, group: int, dilation: Any
) -> View:
    """A Deconvolution; behind is PyTorch's output_padding."""
    _check(weight, bias)
    axes = weight.dim() - 2
    stride, pad, behind, dilation = (_each(each, axes) for each in (stride, pad, behind, dilation))
    num_output = weight.shape[1] * group
    if any(behind):
        if any(extra % d for extra, d in zip(behind, dilation, strict=True)):
            weight, dilation = _spread(weight, dilation), (1,) * axes
        extras = [extra // d for extra, d in zip(behind, dilation, strict=True)]
        weight = F.pad(weight, [size for extra in extras[::-1] for size in (0, extra)])
    kernel = tuple(weight.shape[2:])
    settings = {"kernel": kernel, "stride": stride, "pad": pad, "dilation": dilation, "group": group}
    return _filtered(net, "Deconvolution", view, weight, bias, num_output, **settings)


@aten("conv1d", "conv1d.padding", "conv2d", "conv2d.padding", "conv3d", "conv3d.padding")
class Convolve(Rule):
    """A convolution of one to three axes, grouped, dilated, with any zero padding."""

    form = "Convolution; one axis as height 1; a one-sided pad as zeros in the kernel"
    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, stride, padding, dilation, group = args
        return convolved(net, view, weight, bias, stride, padding, dilation, group)


@aten("conv_transpose1d", "conv_transpose2d.input", "conv_transpose3d.input")
class ConvolveTransposed(Rule):
    """A transposed convolution, grouped, dilated, with output_padding."""

    form = "Deconvolution; output_padding as zeros behind the kernel"
    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, stride, pad, behind, group, dilation = args
        return deconvolved(net, view, weight, bias, stride, pad, behind, group, dilation)


@aten("convolution")
class AnyConvolve(Rule):
    """A convolution or a transposed one, as decomposed programs have it."""

    form = "Convolution or Deconvolution, as above"
    exact = True

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, stride, pad, dilation, transposed, behind, group = args
        if transposed:
            return deconvolved(net, view, weight, bias, stride, pad, behind, group, dilation)
        return convolved(net, view, weight, bias, stride, pad, dilation, group)


@aten("im2col")
class Unfold(Rule):
    """The values of each window as channels."""

    form, exact = "one-hot Convolution and Reshape", True

    def write(self, net: Writer, *args: Any) -> View:
        view, kernel, dilation, pad, stride = args
        channels = view.shape[-3]
        weight = _one_hot(channels, kernel)
        top = convolved(net, view, weight, None, stride, pad, dilation, channels)
        return net.reshaped(top, net.shape_of_result())


@aten("col2im")
class Fold(Rule):
    """Windows summed where they overlap."""

    form, exact = "Reshape and one-hot Deconvolution", True

    def write(self, net: Writer, *args: Any) -> View:
        view, size, kernel, dilation, pad, stride = args
        windows = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, d, p, s in zip(size, kernel, dilation, pad, stride, strict=True)
        ]
        channels = net.shape_of_result()[-3]
        grid = net.reshaped(view, (*view.shape[:-1], *windows))
        behind = [
            n - ((w - 1) * s - 2 * p + d * (k - 1) + 1)
            for n, w, k, d, p, s in zip(size, windows, kernel, dilation, pad, stride, strict=True)
        ]
        weight = _one_hot(channels, kernel)
        return deconvolved(net, grid, weight, None, stride, pad, behind, channels, dilation)


def _one_hot(channels: int, kernel: Sequence[int]) -> Tensor:
    """For each channel, a filter for each place of the kernel: (channels * places, 1, height, width)."""
    places = kernel[0] * kernel[1]
    return torch.eye(places).reshape(places, 1, *kernel).repeat(channels, 1, 1, 1)


def _each(values: Any, axes: int) -> Sizes:
    sizes: Sizes = tuple(values) if isinstance(values, list | tuple) else (values,)
    return sizes * (axes if len(sizes) == 1 else 1)


def _pads(padding: Any, kernel: Sequence[int], dilation: Sizes) -> list[tuple[int, int]]:
    """The pad before and behind along each axis."""
    if padding == "valid":
        return [(0, 0)] * len(dilation)
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(pad, pad) for pad in _each(padding, len(dilation))]
