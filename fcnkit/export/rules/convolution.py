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


class _Filters(Rule):
    kind: str

    def filters(
        self,
        net: Writer,
        view: View,
        weight: Any,
        bias: Any,
        num_output: int,
        group: int,
        settings: dict[str, Any],
    ) -> View:
        weights = [weight] if bias is None else [weight, bias]
        param = {"num_output": num_output, "group": group, "bias_term": bias is not None, **settings}
        if group == 1:
            del param["group"]
        if bias is not None:
            del param["bias_term"]
        return net.add(self.kind, view, weights=weights, convolution_param=param)

    def check(self, net: Writer, weight: Any, bias: Any) -> None:
        if not isinstance(weight, Tensor) or isinstance(bias, View):
            raise Refused("weights that depend on the input")


def _plane(net: Writer, view: View, axes: int) -> View:
    """A view with a batch; one of a single spatial axis gets a height of 1."""
    shape = view.shape if len(view.shape) == axes + 2 else (1, *view.shape)
    return net.reshaped(view, shape if axes > 1 else (*shape[:2], 1, shape[2]))


def _unplane(net: Writer, top: View, like: View, axes: int) -> View:
    shape = top.shape if axes > 1 else (*top.shape[:2], top.shape[3])
    return net.reshaped(top, shape if len(like.shape) == axes + 2 else shape[1:])


@aten("conv1d", "conv1d.padding", "conv2d", "conv2d.padding", "conv3d", "conv3d.padding")
class Convolve(_Filters):
    """A convolution of one to three axes, grouped, dilated, with any zero padding."""

    form = "Convolution; one axis as height 1; a one-sided pad as zeros in the kernel"
    exact, kind = True, "Convolution"

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, stride, padding, dilation, group = args
        self.check(net, weight, bias)
        axes = weight.dim() - 2
        stride, dilation = _each(stride, axes), _each(dilation, axes)
        pads = _pads(padding, weight.shape[2:], dilation)
        if isinstance(view, Padded):
            pads = [(a + c, b + d) for (a, b), (c, d) in zip(pads, view.pads, strict=True)]
            view = view.view
        top = self.written(net, _plane(net, view, axes), weight, bias, stride, pads, dilation, group)
        return _unplane(net, top, view, axes)

    def written(
        self,
        net: Writer,
        view: View,
        weight: Tensor,
        bias: Tensor | None,
        stride: Sizes,
        pads: Sequence[tuple[int, int]],
        dilation: Sizes,
        group: int,
    ) -> View:
        if weight.dim() == 3:
            weight, stride, pads, dilation = weight.unsqueeze(2), (1, *stride), [(0, 0), *pads], (1, *dilation)
        if any(a != b for a, b in pads):
            # Zeros extend the kernel to where the pad is too wide.
            if any((a - b) % d for (a, b), d in zip(pads, dilation, strict=True)):
                weight, dilation = _spread(weight, dilation), (1,) * len(dilation)
            zeros = [
                (max(b - a, 0) // d, max(a - b, 0) // d) for (a, b), d in zip(pads, dilation, strict=True)
            ]  # fmt: skip
            weight = F.pad(weight, [size for pair in zeros[::-1] for size in pair])
        pad = tuple(max(pair) for pair in pads)
        settings = window(weight.shape[2:], stride, pad, dilation)
        return self.filters(net, view, weight, bias, len(weight), group, settings)


@aten("conv_transpose1d", "conv_transpose2d.input", "conv_transpose3d.input")
class ConvolveTransposed(_Filters):
    """A transposed convolution, grouped, dilated, with output_padding."""

    form = "Deconvolution; output_padding as zeros behind the kernel"
    exact, kind = True, "Deconvolution"

    def write(self, net: Writer, *args: Any) -> View:
        view, weight, bias, stride, padding, behind, group, dilation = args
        self.check(net, weight, bias)
        axes = weight.dim() - 2
        stride, pad, behind, dilation = (_each(each, axes) for each in (stride, padding, behind, dilation))
        bottom = _plane(net, view, axes)
        num_output = weight.shape[1] * group
        if axes == 1:
            weight = weight.unsqueeze(2)
            stride, pad, behind, dilation = (1, *stride), (0, *pad), (0, *behind), (1, *dilation)
        if any(behind):
            if any(extra % d for extra, d in zip(behind, dilation, strict=True)):
                weight, dilation = _spread(weight, dilation), (1,) * len(dilation)
            extras = [extra // d for extra, d in zip(behind, dilation, strict=True)]
            weight = F.pad(weight, [size for extra in extras[::-1] for size in (0, extra)])
        settings = window(weight.shape[2:], stride, pad, dilation)
        top = self.filters(net, bottom, weight, bias, num_output, group, settings)
        return _unplane(net, top, view, axes)


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
