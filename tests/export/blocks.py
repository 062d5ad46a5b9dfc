"""Blocks that several published nets share."""

from __future__ import annotations

from torch import Tensor, nn


def conv(
    channels: int,
    out: int,
    kernel: int | tuple[int, int] = 3,
    stride: int = 1,
    group: int = 1,
    act: type[nn.Module] = nn.ReLU,
    dilation: int = 1,
) -> nn.Module:
    """A convolution that keeps the size but for its stride, batch normalization and an activation."""
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    pad = (sides[0] // 2 * dilation, sides[1] // 2 * dilation)
    return nn.Sequential(
        nn.Conv2d(channels, out, sides, stride, pad, dilation, group, bias=False), nn.BatchNorm2d(out), act()
    )


class SqueezeExcitation(nn.Module):
    """Hu et al., with the activations that a net gives it."""

    def __init__(self, channels: int, act: type[nn.Module] = nn.ReLU, gate: type[nn.Module] = nn.Hardsigmoid):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(channels, channels // 2, 1), nn.Conv2d(channels // 2, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.gate(self.fc2(self.act(self.fc1(self.avgpool(x)))))
        return gate * x


class InvertedResidual(nn.Module):
    """Sandler et al., MobileNetV2; with an excitation, Howard et al., MobileNetV3, and Tan and Le, EfficientNet."""

    def __init__(
        self,
        channels: int,
        wide: int,
        out: int,
        kernel: int = 3,
        stride: int = 1,
        act: type[nn.Module] = nn.ReLU6,
        excitation: nn.Module | None = None,
    ):
        super().__init__()
        self.block = nn.Sequential(
            conv(channels, wide, 1, act=act),
            conv(wide, wide, kernel, stride, wide, act),
            excitation or nn.Identity(),
            conv(wide, out, 1, act=nn.Identity),
        )
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return y + x if self.shortcut else y
