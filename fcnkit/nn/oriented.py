"""Modules that know groups of neighbouring channels as the orientations of one."""

from __future__ import annotations

from torch import Tensor, nn


class RepeatChannels(nn.Module):
    """Each channel `times` times, one after the other.

    Source: MhLiao/RRD src/caffe/layers/extend_layer.cpp, Forward_cpu.
    """

    def __init__(self, times: int):
        super().__init__()
        self.times = times

    def forward(self, bottom: Tensor) -> Tensor:
        return bottom.repeat_interleave(self.times, 1)

    def extra_repr(self) -> str:
        return f"{self.times}"


class LargestOfChannels(nn.Module):
    """The largest value of each `count` neighbouring channels.

    Source: MhLiao/RRD src/caffe/layers/orpooling_layer.cpp, Forward_cpu.
    """

    def __init__(self, count: int):
        super().__init__()
        self.count = count

    def forward(self, bottom: Tensor) -> Tensor:
        images, channels, *size = bottom.shape
        return bottom.reshape(images, channels // self.count, self.count, *size).amax(2)

    def extra_repr(self) -> str:
        return f"{self.count}"
