"""Operations with prepared weights: packed once for oneDNN, with what follows a convolution folded in.

Values keep their channels last in memory: at the sizes of images oneDNN's convolutions, pooling and the transposed
convolutions are faster so, and need no other layout in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.fast import winograd
from fcnkit.fast.program import Operation
from fcnkit.net.building import call_with
from fcnkit.nn.affine import Scale
from fcnkit.nn.normalization import BatchNorm

# Zeros before and behind a bottom, along height and along width.
Pads = tuple[tuple[int, int], tuple[int, int]]
Kernel = Callable[[Sequence[Tensor], Pads | None], Tensor | tuple[Tensor, ...]]

# Windows of so many values are multiplied as a matrix, of at most so many bytes at once.
_WIDE_WINDOW, _MOST_BYTES = 4096, 32 * 2**20
# The number of windows for which the matrix is packed.
_USUAL_WINDOWS = 256


def prepare(operation: Operation) -> Kernel:
    """The kernel of an operation; its bottoms and tops keep their channels last, where they have four axes."""
    module = operation.module
    if operation.known and type(module) is nn.Conv2d:
        return Convolution(operation)
    if operation.known and type(module) is nn.ConvTranspose2d:
        return Deconvolution(operation)
    if operation.known and type(module) is nn.LocalResponseNorm:
        return LocalResponseNorm(module)
    if operation.consumes and type(module) is nn.ReLU:
        return lambda bottoms, pads: torch.relu_(bottoms[0])
    if operation.shared:
        return lambda bottoms, pads: call_with(module, operation.shared, *bottoms)
    return lambda bottoms, pads: module(*bottoms)


def _weights(operation: Operation) -> tuple[Tensor, Tensor | None]:
    weight, bias = (operation.shared.get(name, getattr(operation.module, name)) for name in ("weight", "bias"))
    return weight.detach(), None if bias is None else bias.detach()


class Convolution:
    """A convolution, with the normalizations and the ReLU behind it."""

    def __init__(self, operation: Operation):
        module = operation.module
        assert isinstance(module, nn.Conv2d)
        self._module, self._slope = module, operation.slope
        weight, self._bias = _weights(operation)
        self._own, self._factors = weight, []
        for folded in operation.folded:
            factor, shift = _factors(folded)
            self._factors.append(factor)
            self._bias = shift if self._bias is None else self._bias * factor + shift
        _, inputs, *kernel = weight.shape
        on_cpu = weight.device.type == "cpu"
        simple = on_cpu and module.groups == 1 and module.dilation == (1, 1) and module.stride == (1, 1)
        self._kernel_size = int(kernel[0]), int(kernel[1])
        self._wide = simple and inputs * kernel[0] * kernel[1] >= _WIDE_WINDOW and min(kernel) > 3
        self._simple = simple
        # oneDNN's convolution of 1 x 1, packed for any size, is up to 20 times slower than the product on two threads
        # for some numbers of pixels.
        pointwise = self._kernel_size == (1, 1)
        self._pointwise = pointwise and on_cpu and module.groups == 1
        self._packs = on_cpu and torch._C._has_mkldnn and not (pointwise and module.groups > 1)

    def __call__(self, bottoms: Sequence[Tensor], pads: Pads | None) -> Tensor:
        (bottom,) = bottoms
        if pads is None:
            height, width = map(int, self._module.padding)
            pads = ((height, height), (width, width))
        if self._simple:
            rows, columns = (
                size + sum(pad) - taps + 1
                for size, pad, taps in zip(bottom.shape[2:], pads, self._kernel_size, strict=True)
            )
            if winograd.pays(self._own.shape[0], self._own.shape[1], self._kernel_size, (rows, columns)):
                return self._tiled(bottom, pads)
        as_matrix = (self._wide or self._pointwise) and any(map(any, pads))
        if as_matrix or any(before != behind for before, behind in pads):
            bottom = F.pad(bottom, (*pads[1], *pads[0]))
            pads = ((0, 0), (0, 0))
        return self._convolve(bottom, (pads[0][0], pads[1][0]))

    def _folded(self) -> Tensor:
        """The weights with the normalizations behind them; not kept, as the prepared ones stand in their place."""
        weight = self._own
        for factor in self._factors:
            weight = weight * factor.view(-1, 1, 1, 1)
        return weight

    # Weights are prepared in the form that the first input of each kind needs.

    @cached_property
    def _tiled(self) -> winograd.Winograd:
        return winograd.Winograd(self._folded(), self._bias, self._slope)

    @cached_property
    def _convolve(self) -> Callable[[Tensor, tuple[int, int]], Tensor]:
        weight, module = self._folded(), self._module
        if self._wide or self._pointwise:
            # (num_output, kernel height * kernel width * channels), as the values of a window lie in memory.
            matrix = weight.permute(0, 2, 3, 1).reshape(len(weight), -1)
            if self._packs:
                matrix = torch.ops.mkldnn._reorder_linear_weight(matrix, _USUAL_WINDOWS)
            return partial(self._by_pixels if self._pointwise else self._multiply, matrix)
        if self._packs:
            packed = torch._C._nn.mkldnn_reorder_conv2d_weight(
                weight.to_mkldnn(), [0, 0], list(module.stride), list(module.dilation), module.groups
            )
            return partial(self._packed, packed)
        return partial(self._plain, weight.contiguous(memory_format=torch.channels_last))

    def _packed(self, packed: Tensor, bottom: Tensor, pad: tuple[int, int]) -> Tensor:
        module = self._module
        rectified = "relu" if self._slope == 0 else "none"
        top = torch.ops.mkldnn._convolution_pointwise(
            bottom, packed, self._bias, pad, module.stride, module.dilation, module.groups, rectified, [], ""
        )
        return F.leaky_relu_(top, self._slope) if self._slope else top

    def _plain(self, weight: Tensor, bottom: Tensor, pad: tuple[int, int]) -> Tensor:
        module = self._module
        return self._rectified(F.conv2d(bottom, weight, self._bias, module.stride, pad, module.dilation, module.groups))

    def _by_pixels(self, matrix: Tensor, bottom: Tensor, pad: tuple[int, int]) -> Tensor:
        """Multiply the matrix of all pixels."""
        down, across = self._module.stride
        pixels = bottom[:, :, ::down, ::across].permute(0, 2, 3, 1)
        top = self._product(matrix, pixels.reshape(-1, pixels.shape[3]))
        return top.view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)

    def _multiply(self, matrix: Tensor, bottom: Tensor, pad: tuple[int, int]) -> Tensor:
        """Multiply the matrix of all windows, some rows of the top at a time: large kernels are faster so."""
        kernel = self._kernel_size
        batch, channels, height, width = bottom.shape
        rows, columns = height - kernel[0] + 1, width - kernel[1] + 1
        outputs = self._module.out_channels
        length = kernel[0] * kernel[1] * channels
        windows = bottom.permute(0, 2, 3, 1).unfold(1, kernel[0], 1).unfold(2, kernel[1], 1).permute(0, 1, 2, 4, 5, 3)
        top = bottom.new_empty((batch, rows, columns, outputs))
        step = max(_MOST_BYTES // (4 * max(batch, 1) * columns * length), 1)
        for start in range(0, rows, step):
            part = windows[:, start : start + step]
            top[:, start : start + step] = self._product(matrix, part.reshape(-1, length)).view(
                *part.shape[:3], outputs
            )
        return top.permute(0, 3, 1, 2)

    def _product(self, matrix: Tensor, windows: Tensor) -> Tensor:
        if not self._packs:
            return self._rectified(F.linear(windows, matrix, self._bias))
        rectified = "relu" if self._slope == 0 else "none"
        top = torch.ops.mkldnn._linear_pointwise(windows, matrix, self._bias, rectified, [], "")
        return F.leaky_relu_(top, self._slope) if self._slope else top

    def _rectified(self, top: Tensor) -> Tensor:
        return top if self._slope is None else F.leaky_relu_(top, self._slope)


class Deconvolution:
    """A transposed convolution; one that keeps each channel to itself, as bilinear ones do, runs by channels."""

    def __init__(self, operation: Operation):
        module = operation.module
        assert isinstance(module, nn.ConvTranspose2d)
        weight, bias = _weights(operation)
        channels, outputs = weight.shape[:2]
        groups = module.groups
        if groups == 1 and channels == outputs > 1:
            own = torch.arange(channels, device=weight.device)
            diagonal = weight[own, own]
            if torch.count_nonzero(weight) == torch.count_nonzero(diagonal):
                weight, groups = diagonal[:, None], channels
        self._module, self._weight, self._bias, self._groups = module, weight.contiguous(), bias, groups

    def __call__(self, bottoms: Sequence[Tensor], pads: Pads | None) -> Tensor:
        module = self._module
        height, width = map(int, module.padding)
        return F.conv_transpose2d(
            bottoms[0],
            self._weight,
            self._bias,
            module.stride,
            (height, width),
            groups=self._groups,
            dilation=module.dilation,
        )


class LocalResponseNorm:
    """LRN across channels, as an average over neighbours in memory."""

    def __init__(self, module: nn.LocalResponseNorm):
        self._module = module

    def __call__(self, bottoms: Sequence[Tensor], pads: Pads | None) -> Tensor:
        module, values = self._module, bottoms[0].permute(0, 2, 3, 1)
        squares = (values * values).reshape(1, -1, values.shape[3])
        mean = F.avg_pool1d(squares, module.size, 1, module.size // 2).view(values.shape)
        base = mean.mul_(module.alpha).add_(module.k)
        return (values * base.pow_(-module.beta)).permute(0, 3, 1, 2)


def _factors(module: nn.Module) -> tuple[Tensor, Tensor]:
    """Factor and bias for each channel that are equivalent to a normalization in eval mode, or to a Scale."""
    if isinstance(module, Scale):
        assert module.weight is not None
        factor = module.weight.detach()
        return factor, torch.zeros_like(factor) if module.bias is None else module.bias.detach()
    if isinstance(module, BatchNorm):
        share = torch.where(module.scale_factor == 0, 0, 1 / module.scale_factor)
        factor = (module.variance * share + module.eps).rsqrt()
        return factor, -module.mean * share * factor
    assert isinstance(module, nn.BatchNorm2d)
    assert module.running_mean is not None
    assert module.running_var is not None
    factor = module.weight.detach() * (module.running_var + module.eps).rsqrt()
    return factor, module.bias.detach() - module.running_mean * factor
