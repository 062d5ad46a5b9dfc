"""Blocks of published nets that no test of a whole net has."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.blocks import conv
from tests.export.proving import proven


class EfficientChannelAttention(nn.Module):
    """Wang et al., ECA-Net: a convolution along the channels."""

    def __init__(self, kernel: int = 3):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.conv(x.mean((2, 3)).unsqueeze(1))
        return x * gate.transpose(-1, -2).unsqueeze(-1).sigmoid()


class GlobalContext(nn.Module):
    """Cao et al., GCNet: the pixels' mean, weighted by a softmax over them."""

    def __init__(self, channels: int):
        super().__init__()
        self.mask = nn.Conv2d(channels, 1, 1)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, 3, 1), nn.GroupNorm(1, 3), nn.ReLU(True), nn.Conv2d(3, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        weights = self.mask(x).reshape(batch, 1, height * width, 1).softmax(2)
        context = x.reshape(batch, 1, channels, height * width) @ weights
        return x * self.mlp(context.view(batch, channels, 1, 1)).sigmoid()


class SplitAttention(nn.Module):
    """Zhang et al., ResNeSt: a softmax over the splits of each group of channels."""

    def __init__(self, channels: int, groups: int = 2, radix: int = 2):
        super().__init__()
        self.groups, self.radix = groups, radix
        self.conv = conv(channels, channels * radix, 3, group=groups * radix)
        self.fc1 = conv(channels, 4, 1, group=groups)
        self.fc2 = nn.Conv2d(4, channels * radix, 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        batch, wide, height, width = x.shape
        splits = x.view(batch, self.radix, wide // self.radix, height, width)
        gates = self.fc2(self.fc1(splits.sum(1).mean((2, 3), keepdim=True)))
        gates = gates.view(batch, self.groups, self.radix, -1).transpose(1, 2).softmax(1)
        return (splits * gates.reshape(batch, self.radix, wide // self.radix, 1, 1)).sum(1)


class BlurPool(nn.Module):
    """Zhang, Making Convolutional Networks Shift-Invariant Again: a binomial filter in front of the stride."""

    def __init__(self, channels: int):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (row[:, None] * row).expand(channels, 1, 3, 3).clone())

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel
        assert isinstance(kernel, Tensor)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), kernel, stride=2, groups=x.shape[1])


class ScaledStandardized(nn.Conv2d):
    """Brock et al., NFNets: a convolution whose filters are normalized when it runs."""

    def __init__(self, channels: int, out: int, kernel: int, padding: int = 0):
        super().__init__(channels, out, kernel, padding=padding)
        self.gain = nn.Parameter(torch.full((out, 1, 1, 1), 0.7))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.reshape(1, len(self.weight), -1)
        weight = F.batch_norm(weight, None, None, self.gain.flatten(), training=True, momentum=0.0, eps=1e-6)
        return self._conv_forward(x, weight.reshape_as(self.weight), self.bias)


class Mixed(nn.Module):
    """Tan and Le, MixConv, with TensorFlow's SAME padding, which depends on the input's size and may be one-sided."""

    def __init__(self, splits: tuple[int, ...], stride: int):
        super().__init__()
        self.splits, self.stride = splits, stride
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, 3 + 2 * index, stride, groups=width) for index, width in enumerate(splits)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self._same(layer, part) for layer, part in zip(self.convs, x.split(self.splits, 1), strict=True)], 1
        )

    def _same(self, layer: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(layer, nn.Conv2d)
        kernel = layer.kernel_size[0]
        totals = [max((-(-n // self.stride) - 1) * self.stride + kernel - n, 0) for n in x.shape[2:]]
        (top, left), (bottom, right) = ([t // 2 for t in totals], [t - t // 2 for t in totals])
        return layer(F.pad(x, (left, right, top, bottom)))


class SpatialAndChannel(nn.Module):
    """Roy et al., concurrent spatial and channel excitation."""

    def __init__(self, channels: int):
        super().__init__()
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 3, 1), nn.ReLU(True), nn.Conv2d(3, channels, 1), nn.Sigmoid()
        )
        self.spatial = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.channel(x) + x * self.spatial(x)


class DecoupledAttention(nn.Module):
    """Tang et al., GhostNetV2: a gate of half the size, from convolutions along rows and columns."""

    def __init__(self, channels: int):
        super().__init__()
        self.gate = nn.Sequential(
            conv(channels, channels, (1, 5), group=channels, act=nn.Identity),
            conv(channels, channels, (5, 1), group=channels, act=nn.Identity),
        )

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(F.avg_pool2d(x, 2, 2)).sigmoid()
        return x * F.interpolate(gate, size=x.shape[-2:], mode="nearest")


class SpaceToDepth(nn.Module):
    """Ridnik et al., TResNet: squares of 4 x 4 pixels as channels, by hand."""

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        x = x.view(batch, channels, height // 4, 4, width // 4, 4)
        return x.permute(0, 3, 5, 1, 2, 4).reshape(batch, channels * 16, height // 4, width // 4)


class CrossStage(nn.Module):
    """Wang et al., CSPNet: half of the channels passes the blocks by; with the Mish and the pooling of YOLOv4."""

    def __init__(self, channels: int):
        super().__init__()
        half = channels // 2
        self.block = nn.Sequential(conv(half, 5, 1, act=nn.Mish), conv(5, half, 3, act=nn.Mish))
        self.out = conv(4 * half, 6, 1, act=nn.Mish)

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, 1)
        second = self.block(second) + second
        return self.out(torch.cat([first, second, *(F.max_pool2d(second, size, 1, size // 2) for size in (3, 5))], 1))


BLOCKS = {
    "eca": EfficientChannelAttention(),
    "eca_of_five": EfficientChannelAttention(5),
    "global_context": GlobalContext(8),
    "split_attention": SplitAttention(8),
    "split_attention_of_four": SplitAttention(8, 1, 4),
    "blur_pool": BlurPool(8),
    "scaled_standardized": ScaledStandardized(8, 5, 3, 1),
    "mixed": Mixed((4, 1, 3), 1),
    "mixed_with_stride": Mixed((2, 3, 3), 2),
    "scse": SpatialAndChannel(8),
    "decoupled_attention": DecoupledAttention(8),
    "space_to_depth": SpaceToDepth(),
    "cross_stage": CrossStage(8),
}


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0", "opencv"])
@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(name: str, target: str, tmp_path: Path) -> None:
    sides = (8, 12) if name == "space_to_depth" else (11, 14)
    x = torch.randn(2, 8, *sides, generator=torch.Generator().manual_seed(2))
    proven(nn.Sequential(conv(8, 8), BLOCKS[name]), x, tmp_path=tmp_path, target=target, opencv=target == "opencv")
