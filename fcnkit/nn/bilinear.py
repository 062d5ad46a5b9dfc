"""Bilinear pooling: the products of all pairs of channels, summed over the image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Bilinear(nn.Module):
    """The sum over all pixels of the products of two bottoms' channels, pair by pair: (images, pairs, 1, 1).

    Source: gy20073/compact_bilinear_pooling caffe-20160312/src/caffe/layers/bilinear_layer.cpp, Forward_cpu.
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        _require_same_pixels(first, second)
        return torch.einsum("nchw,ndhw->ncd", first, second).flatten(1)[:, :, None, None]


class CompactBilinear(nn.Module):
    """The same in fewer numbers: a circular convolution of two sketches, each a sum of channels with random signs.

    The numbers are the fork's, those of the C library's generator. As there, the inverse transform is not divided by
    its length.

    Args:
        channels: of the two bottoms.
        outputs: the length of the sketches.
        pooled: sum over all pixels.

    Source: gy20073/compact_bilinear_pooling caffe-20160312/src/caffe/layers/compact_bilinear_layer.cpp, Reshape and
    Forward_cpu.
    """

    places: Tensor
    signs: Tensor

    def __init__(self, channels: tuple[int, int], outputs: int, pooled: bool = True):
        super().__init__()
        self.channels, self.outputs, self.pooled = tuple(channels), outputs, pooled
        numbers = random_numbers()
        places: list[int] = []
        signs: list[float] = []
        for count in channels:
            places += [next(numbers) % outputs for _ in range(count)]
            signs += [2.0 * (next(numbers) % 2) - 1 for _ in range(count)]
        self.register_buffer("places", torch.tensor(places), persistent=False)
        self.register_buffer("signs", torch.tensor(signs), persistent=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        _require_same_pixels(first, second)
        if (first.shape[1], second.shape[1]) != self.channels:
            raise RuntimeError(f"the bottoms must have {self.channels} channels")
        if first.is_meta or not first.numel():
            return first.new_empty((len(first), self.outputs, *((1, 1) if self.pooled else first.shape[2:])))
        own = self.channels[0]
        spectrum = self._spectrum(first, slice(own)) * self._spectrum(second, slice(own, None))
        if self.pooled:
            spectrum = spectrum.sum((2, 3), keepdim=True)
        top: Tensor = torch.fft.irfft(spectrum, self.outputs, dim=1, norm="forward")
        return top.to(first.dtype)

    def _spectrum(self, bottom: Tensor, channels: slice) -> Tensor:
        signed = bottom * self.signs[channels, None, None].to(bottom.dtype)
        sketch = bottom.new_zeros((len(bottom), self.outputs, *bottom.shape[2:]))
        found: Tensor = torch.fft.rfft(sketch.index_add(1, self.places[channels], signed), dim=1)
        return found

    def extra_repr(self) -> str:
        return f"{self.channels}, {self.outputs}, pooled={self.pooled}"


def random_numbers(seed: int = 1) -> Iterator[int]:
    """The numbers of glibc's rand() after srand(seed): the sums of two earlier ones, without their last bit.

    Source: glibc's manual, "ISO C Random", for the functions; random(3) of Linux for "a nonlinear additive feedback
    random number generator" of 31 words.
    """
    words = [seed]
    for _ in range(30):
        words.append(16807 * words[-1] % 2147483647)
    words += words[:3]
    index = 0
    while True:
        words.append((words[-3] + words[-31]) & 0xFFFFFFFF)
        words = words[-31:]
        index += 1
        if index > 310:
            yield words[-1] >> 1


def _require_same_pixels(first: Tensor, second: Tensor) -> None:
    if first.dim() != 4 or first.shape[:1] + first.shape[2:] != second.shape[:1] + second.shape[2:]:
        raise RuntimeError("both bottoms must have as many images, rows and columns")
