"""Blocks of DenseNet as single modules."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_EPSILON = 1e-5


class DenseBlock(nn.Module):
    """Steps of batch normalization, ReLU and a convolution of 3 x 3 pixels, each of which reads all before it.

    The top has the bottom's channels, and then those of each step. With a bottleneck a convolution of one pixel,
    another normalization and a ReLU precede the convolution. Filters are applied flipped, as in mathematics. In train
    mode the sums of means and variances are updated, and values normalized by the unbiased variance of the batch.

    Args:
        channels: of the bottom.
        steps: the number of steps.
        growth: the channels that a step makes.
        bottleneck: see above; it has 4 * growth channels.
        decay: of the sums of means and variances.
        dropout: the part of a step's values that train mode drops.

    Source: senlinuc/caffe_ocr src/caffe/layers/DenseBlock_layer.cpp, LayerSetUp, Forward_cpu and BN_inf_Fwd; the
    convolutions of the GPU are CUDNN_CONVOLUTION as well (DenseBlock_layer.cu).
    """

    count: Tensor

    def __init__(
        self,
        channels: int,
        steps: int,
        growth: int,
        bottleneck: bool = False,
        decay: float = 0.1,
        dropout: float = 0,
    ):
        super().__init__()
        self.channels, self.steps, self.growth, self.bottleneck = channels, steps, growth, bottleneck
        self.decay, self.dropout = decay, dropout
        for step in range(steps):
            read = channels + step * growth
            self._add("", step, read, (growth, 4 * growth if bottleneck else read, 3, 3))
            if bottleneck:
                self._add("_bottleneck", step, 4 * growth, (4 * growth, read, 1, 1))
        self.register_buffer("count", torch.zeros(1))

    def _add(self, kind: str, step: int, channels: int, filters: tuple[int, ...]) -> None:
        self.register_parameter(f"weight{kind}{step}", nn.Parameter(torch.zeros(filters)))
        self.register_parameter(f"scale{kind}{step}", nn.Parameter(torch.ones(channels)))
        self.register_parameter(f"bias{kind}{step}", nn.Parameter(torch.zeros(channels)))
        self.register_buffer(f"mean{kind}{step}", torch.zeros(channels))
        self.register_buffer(f"variance{kind}{step}", torch.ones(channels))

    def forward(self, bottom: Tensor) -> Tensor:
        values = bottom
        for step in range(self.steps):
            made = F.relu(self._normalized(values, "", step))
            if self.bottleneck:
                made = F.conv2d(made, self.get_parameter(f"weight_bottleneck{step}"))
                made = F.relu(self._normalized(made, "_bottleneck", step))
            made = F.conv2d(made, self.get_parameter(f"weight{step}").flip(2, 3), padding=1)
            values = torch.cat([values, F.dropout(made, self.dropout, self.training and self.dropout > 0)], 1)
        if self.training:
            self.count.mul_(self.decay).add_(1)
        return values

    def _normalized(self, values: Tensor, kind: str, step: int) -> Tensor:
        mean, variance = (self.get_buffer(f"{name}{kind}{step}") for name in ("mean", "variance"))
        if self.training:
            spread, centre = torch.var_mean(values, (0, 2, 3))
            with torch.no_grad():
                mean.mul_(self.decay).add_(centre)
                variance.mul_(self.decay).add_(spread)
        else:
            factor = torch.where(self.count == 0, 0, 1 / self.count.where(self.count != 0, 1))
            centre, spread = mean * factor, variance * factor
        scale, bias = (self.get_parameter(f"{name}{kind}{step}") for name in ("scale", "bias"))
        factor = scale / (spread + _EPSILON).sqrt()
        return values * factor[:, None, None] + (bias - centre * factor)[:, None, None]

    def extra_repr(self) -> str:
        more = f"bottleneck={self.bottleneck}, decay={self.decay}, dropout={self.dropout}"
        return f"{self.channels}, {self.steps}, {self.growth}, {more}"
