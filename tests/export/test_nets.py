"""Whole nets in the wiring of published ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.blocks import InvertedResidual, SqueezeExcitation, conv
from tests.export.proving import proven


class Residual(nn.Module):
    def __init__(self, channels: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride > 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """He et al., with one block of each width."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Residual(width, width, 1), Residual(width, width, 1))
        self.layer2 = nn.Sequential(Residual(width, 2 * width, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(2 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0"])
def test_resnet(target: str, tmp_path: Path) -> None:
    net = proven(ResNet(), torch.randn(2, 3, 61, 64), tmp_path=tmp_path, target=target, opencv=target == "bvlc-1.0")
    assert {"layer1.0.conv1.weight", "layer2.0.downsample.0.weight", "fc.bias"} <= set(net.state_dict())
    assert [step.name for step in net.steps if step.tops][-3:] == ["avgpool", "fc_flatten", "fc"]


class MobileNetV3(nn.Module):
    """Howard et al., Searching for MobileNetV3."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 8, 3, 2, act=nn.Hardswish),
            InvertedResidual(8, 16, 8, 3, 1, nn.ReLU6, SqueezeExcitation(16)),
            InvertedResidual(8, 16, 12, 5, 2, nn.Hardswish, SqueezeExcitation(16)),
        )
        self.classifier = nn.Sequential(nn.Linear(12, 16), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(16, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


@pytest.mark.parametrize("target", ["bvlc", "bvlc-1.0"])
def test_mobilenet_v3(target: str, tmp_path: Path) -> None:
    proven(MobileNetV3(), torch.randn(2, 3, 33, 40), tmp_path=tmp_path, target=target)


class ShuffleUnit(nn.Module):
    """Ma et al., ShuffleNet V2."""

    def __init__(self, channels: int, stride: int):
        super().__init__()
        half = channels // 2 if stride == 1 else channels
        self.stride = stride
        self.branch1 = nn.Sequential(conv(half, half, 3, stride, half, nn.Identity), conv(half, half, 1))
        self.branch2 = nn.Sequential(conv(half, half, 1), conv(half, half, 3, stride, half, nn.Identity))

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            left, right = x.chunk(2, 1)
            out = torch.cat((left, self.branch2(right)), 1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), 1)
        batch, channels, height, width = out.shape
        out = out.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        return out.view(batch, channels, height, width)


def test_shufflenet_v2(tmp_path: Path) -> None:
    module = nn.Sequential(conv(3, 8, 3, 2), nn.MaxPool2d(3, 2, 1), ShuffleUnit(8, 2), ShuffleUnit(16, 1))
    proven(module, torch.randn(2, 3, 33, 40), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class DenseLayer(nn.Module):
    """Huang et al."""

    def __init__(self, channels: int, growth: int):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 2 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(2 * growth), nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        bottleneck = self.conv1(F.relu(self.norm1(torch.cat(features, 1))))
        return self.conv2(F.relu(self.norm2(bottleneck)))


class DenseNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv0 = conv(3, 8, 7, 2)
        self.layers = nn.ModuleList(DenseLayer(8 + 4 * index, 4) for index in range(3))
        self.transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        features = [self.conv0(x)]
        for layer in self.layers:
            features.append(layer(features))
        return self.transition(torch.cat(features, 1)).mean((2, 3))


def test_densenet(tmp_path: Path) -> None:
    proven(DenseNet(), torch.randn(2, 3, 31, 38), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class UNet(nn.Module):
    """Ronneberger et al., with both ways of going up, and a crop by padding."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.down3 = conv(3, 4), conv(4, 8), conv(8, 16)
        self.up2, self.up1 = nn.ConvTranspose2d(16, 8, 2, 2), nn.Upsample(scale_factor=2, mode="bilinear")
        self.merge2, self.merge1, self.head = conv(16, 8), conv(12, 4), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.up2(self.down3(F.max_pool2d(b, 2)))
        c = F.pad(c, (0, b.shape[3] - c.shape[3], 0, b.shape[2] - c.shape[2]))
        b = self.up1(self.merge2(torch.cat([b, c], 1)))
        b = F.pad(b, (0, a.shape[3] - b.shape[3], 0, a.shape[2] - b.shape[2]))
        return self.head(self.merge1(torch.cat([a, b], 1))).softmax(1)


def test_unet(tmp_path: Path) -> None:
    proven(UNet(), torch.randn(2, 3, 31, 38), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class YoloHead(nn.Module):
    """The anchors' boxes of YOLOv5, in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 3 * 7, 1)
        self.register_buffer("anchors", torch.rand(1, 3, 1, 1, 2) * 30)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        y = self.conv(x).view(batch, 3, 7, height, width).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack((columns, rows), 2).expand(1, 3, height, width, 2) - 0.5
        xy, wh, conf = y.split((2, 2, 3), 4)
        return torch.cat(((xy * 2 + grid) * 8, (wh * 2) ** 2 * self.anchors, conf), 4).view(batch, -1, 7)


def test_yolo_head(tmp_path: Path) -> None:
    proven(YoloHead(), torch.randn(2, 8, 5, 6), tmp_path=tmp_path)


class Crnn(nn.Module):
    """Shi et al.: columns of a feature map as a sequence."""

    def __init__(self) -> None:
        super().__init__()
        pools = nn.MaxPool2d(2), nn.MaxPool2d((2, 1))
        self.cnn = nn.Sequential(conv(1, 8), pools[0], conv(8, 12), pools[1], nn.Conv2d(12, 12, (4, 1)))
        self.rnn = nn.LSTM(12, 6, bidirectional=True, num_layers=2)
        self.fc = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        sequence = self.cnn(x).squeeze(2).permute(2, 0, 1)
        return self.fc(self.rnn(sequence)[0]).log_softmax(2)


def test_crnn(tmp_path: Path) -> None:
    proven(Crnn(), torch.randn(2, 1, 16, 21), tmp_path=tmp_path)
