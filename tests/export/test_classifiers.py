"""Classifiers in the wiring of published ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.blocks import InvertedResidual, SqueezeExcitation, conv
from tests.export.proving import proven


class Classifier(nn.Module):
    """Features, their mean, and scores."""

    def __init__(self, *features: nn.Module, channels: int):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.avgpool, self.dropout, self.fc = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Linear(channels, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(torch.flatten(self.avgpool(self.features(x)), 1)))


def image(*shape: int) -> Tensor:
    return torch.randn(shape or (2, 3, 33, 38), generator=torch.Generator().manual_seed(3))


def test_alexnet(tmp_path: Path) -> None:
    features = nn.Sequential(
        nn.Conv2d(3, 6, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(6, 8, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
    )  # fmt: skip
    classifier = [nn.Dropout(), nn.Linear(8 * 9, 12), nn.ReLU(inplace=True), nn.Linear(12, 5)]
    module = nn.Sequential(features, nn.AdaptiveAvgPool2d((3, 3)), nn.Flatten(), *classifier)
    proven(module, image(2, 3, 71, 85), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


def test_local_response_normalization(tmp_path: Path) -> None:
    """As the first AlexNet and GoogLeNet have it."""
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.LocalResponseNorm(5, 1e-2, 0.75, 1.0), nn.MaxPool2d(3, 2))
    proven(module, image(), tmp_path=tmp_path, target="opencv", opencv=True)


@pytest.mark.parametrize("sides", [(33, 38), (57, 64)])
def test_vgg(sides: tuple[int, int], tmp_path: Path) -> None:
    """The adaptive pooling before its classifier enlarges small planes, and averages uneven windows of larger ones."""
    features = [conv(3, 4), nn.MaxPool2d(2, 2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2, 2)]
    classifier = [nn.Linear(6 * 49, 10), nn.ReLU(True), nn.Dropout(), nn.Linear(10, 5)]
    module = nn.Sequential(*features, nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(), *classifier)
    proven(module, image(2, 3, *sides), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class Fire(nn.Module):
    """Iandola et al., SqueezeNet."""

    def __init__(self, channels: int, squeezed: int, out: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(squeezed, out, 1), nn.Conv2d(squeezed, out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x), inplace=True)
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


def test_squeezenet(tmp_path: Path) -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(6, 3, 4),
        nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 4, 6), nn.Dropout(), nn.Conv2d(12, 5, 1), nn.ReLU(True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    proven(module, image(2, 3, 36, 41), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class Inception(nn.Module):
    """Szegedy et al., GoogLeNet."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch1 = conv(channels, 4, 1)
        self.branch2 = nn.Sequential(conv(channels, 3, 1), conv(3, 5))
        self.branch3 = nn.Sequential(conv(channels, 2, 1), conv(2, 3, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(channels, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class TransformedInput(nn.Module):
    """Images normalized as the published weights of GoogLeNet and Inception expect them."""

    def forward(self, x: Tensor) -> Tensor:
        red = torch.unsqueeze(x[:, 0], 1) * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
        green = torch.unsqueeze(x[:, 1], 1) * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
        blue = torch.unsqueeze(x[:, 2], 1) * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
        return torch.cat((red, green, blue), 1)


def test_googlenet(tmp_path: Path) -> None:
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    module = Classifier(TransformedInput(), conv(3, 6, 7, 2), pool, Inception(6), pool, Inception(16), channels=16)
    proven(module, image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class InceptionC(nn.Module):
    """Szegedy et al., Rethinking the Inception Architecture: 7 x 7 filters as 1 x 7 and 7 x 1."""

    def __init__(self, channels: int, include_pad: bool):
        super().__init__()
        self.branch1x1 = conv(channels, 4, 1)
        self.branch7x7 = nn.Sequential(conv(channels, 3, 1), conv(3, 3, (1, 7)), conv(3, 4, (7, 1)))
        self.branch_pool = conv(channels, 4, 1)
        self.include_pad = include_pad

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.avg_pool2d(x, 3, 1, 1, count_include_pad=self.include_pad)
        return torch.cat([self.branch1x1(x), self.branch7x7(x), self.branch_pool(pooled)], 1)


class InceptionE(nn.Module):
    """The same, with forks inside of a branch, and behind a reduction that pools without a pad."""

    def __init__(self, channels: int):
        super().__init__()
        self.reduce = nn.Conv2d(channels, 6, 3, 2)
        self.fork = conv(channels, 4, 1)
        self.fork_a, self.fork_b = conv(4, 3, (1, 3)), conv(4, 3, (3, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.fork(x)
        forks = torch.cat([self.fork_a(y), self.fork_b(y)], 1)
        return torch.cat([F.max_pool2d(x, 3, 2), self.reduce(x), F.max_pool2d(forks, 3, 2)], 1)


@pytest.mark.parametrize("include_pad", [True, False])
def test_inception_v3(include_pad: bool, tmp_path: Path) -> None:
    module = Classifier(nn.Conv2d(3, 6, 3, 2), InceptionC(6, include_pad), InceptionE(12), channels=24)
    proven(module, image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class Bottleneck(nn.Module):
    """Xie et al., ResNeXt; with an excitation, RegNet (Radosavovic et al.)."""

    def __init__(self, channels: int, out: int, stride: int, group: int, excitation: nn.Module | None = None):
        super().__init__()
        self.block = nn.Sequential(
            conv(channels, out, 1),
            conv(out, out, 3, stride, group),
            excitation or nn.Identity(),
            conv(out, out, 1, act=nn.Identity),
        )
        plain = stride == 1 and channels == out
        self.downsample = nn.Identity() if plain else conv(channels, out, 1, stride, act=nn.Identity)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.downsample(x) + self.block(x))


def test_resnext(tmp_path: Path) -> None:
    module = Classifier(
        conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1), Bottleneck(8, 16, 1, 4), Bottleneck(16, 16, 2, 8), channels=16
    )
    proven(module, image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


def test_regnet(tmp_path: Path) -> None:
    def excitation() -> nn.Module:
        return SqueezeExcitation(12, gate=nn.Sigmoid)

    stages = Bottleneck(8, 12, 2, 3, excitation()), Bottleneck(12, 12, 1, 3, excitation())
    proven(
        Classifier(conv(3, 8, 3, 2), *stages, channels=12), image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True
    )


def test_mobilenet_v1(tmp_path: Path) -> None:
    separable = [conv(6, 6, 3, 2, 6), conv(6, 10, 1), conv(10, 10, 3, 1, 10), conv(10, 12, 1)]
    module = Classifier(conv(3, 6, 3, 2), *separable, channels=12)
    proven(module, image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


def test_mobilenet_v2(tmp_path: Path) -> None:
    blocks = InvertedResidual(6, 12, 8, stride=2), InvertedResidual(8, 16, 8), conv(8, 12, 1, act=nn.ReLU6)
    module = Classifier(conv(3, 6, 3, 2, act=nn.ReLU6), *blocks, channels=12)
    proven(module, image(), tmp_path=tmp_path, target="opencv", opencv=True)


@pytest.mark.parametrize("target", ["bvlc-1.0", "opencv"])
def test_efficientnet(target: str, tmp_path: Path) -> None:
    def excitation(channels: int) -> nn.Module:
        return SqueezeExcitation(channels, nn.SiLU, nn.Sigmoid)

    blocks = [
        InvertedResidual(6, 12, 8, 5, 2, nn.SiLU, excitation(12)),
        InvertedResidual(8, 16, 8, 3, 1, nn.SiLU, excitation(16)),
    ]
    module = Classifier(conv(3, 6, 3, 2, act=nn.SiLU), *blocks, conv(8, 12, 1, act=nn.SiLU), channels=12)
    proven(module, image(), tmp_path=tmp_path, target=target, opencv=True)


class Siamese(nn.Module):
    """One branch for two inputs, and how far apart its results are."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(conv(3, 6, 3, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        a, b = F.normalize(self.branch(left)), F.normalize(self.branch(right))
        return {
            "embedding": a,
            "cosine": (a * b).sum(1, keepdim=True),
            "distance": F.pairwise_distance(a, b, keepdim=True),
        }


def test_siamese(tmp_path: Path) -> None:
    left, right = image(2, 3, 15, 17), image(2, 3, 15, 17) ** 2
    net = proven(Siamese(), left, right, tmp_path=tmp_path, target="opencv", opencv=True)
    assert net.inputs == ("left", "right")
    layers = [step.name for step in net.steps if step.kind == "InnerProduct"]
    first, second = (net.get_submodule(name) for name in layers[:2])
    assert first.weight is second.weight
