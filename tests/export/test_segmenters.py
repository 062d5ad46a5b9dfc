"""Nets with a value for each pixel, in the wiring of published ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.blocks import InvertedResidual, SqueezeExcitation, conv
from tests.export.proving import proven


def image(*shape: int) -> Tensor:
    return torch.randn(shape or (2, 3, 33, 38), generator=torch.Generator().manual_seed(3))


def bilinear(x: Tensor, like: Tensor, align_corners: bool = False) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=align_corners)


class PSPNet(nn.Module):
    """Zhao et al.: means over a pyramid of windows."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 8, 3, 2), conv(8, 8, dilation=2))
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), nn.Conv2d(8, 3, 1, bias=False), nn.ReLU())
            for size in (1, 2, 3, 6)
        )
        self.head = nn.Sequential(conv(20, 6), nn.Dropout2d(0.1), nn.Conv2d(6, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        features = self.backbone(x)
        pyramid = [bilinear(stage(features), features, align_corners=True) for stage in self.stages]
        return bilinear(self.head(torch.cat([features, *pyramid], 1)), x, align_corners=True)


def test_pspnet(tmp_path: Path) -> None:
    proven(PSPNet(), image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class ImagePooling(nn.Sequential):
    def __init__(self, channels: int, out: int):
        super().__init__(nn.AdaptiveAvgPool2d(1), conv(channels, out, 1))

    def forward(self, x: Tensor) -> Tensor:
        return bilinear(super().forward(x), x)


class Aspp(nn.Module):
    """Chen et al., Rethinking Atrous Convolution: filters of several dilations, and the mean of the image."""

    def __init__(self, channels: int, out: int):
        super().__init__()
        dilated = [conv(channels, out, dilation=dilation) for dilation in (2, 4, 6)]
        self.convs = nn.ModuleList([conv(channels, out, 1), *dilated, ImagePooling(channels, out)])
        self.project = nn.Sequential(conv(5 * out, out, 1), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.project(torch.cat([each(x) for each in self.convs], 1))


class DeepLabV3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(conv(3, 6, 7, 2), nn.MaxPool2d(3, 2, 1), conv(6, 8, dilation=2))
        self.classifier = nn.Sequential(Aspp(8, 5), conv(5, 5), nn.Conv2d(5, 4, 1))
        self.aux_classifier = nn.Sequential(conv(6, 4), nn.Dropout(0.1), nn.Conv2d(4, 4, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        low = self.backbone[:2](x)
        return {
            "out": bilinear(self.classifier(self.backbone[2](low)), x),
            "aux": bilinear(self.aux_classifier(low), x),
        }


def test_deeplab_v3(tmp_path: Path) -> None:
    net = proven(DeepLabV3(), image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)
    assert net.outputs == ("out", "aux")


class DeepLabV3Plus(nn.Module):
    """Chen et al., Encoder-Decoder with Atrous Separable Convolution: finer features join behind the pyramid."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = conv(3, 6, 3, 2), nn.Sequential(conv(6, 8, 3, 2), conv(8, 8, dilation=2))
        self.aspp, self.up = Aspp(8, 6), nn.UpsamplingBilinear2d(scale_factor=2)
        self.project = conv(6, 3, 1)
        self.fuse = nn.Sequential(conv(9, 9, group=9, act=nn.Identity), conv(9, 6, 1), nn.Conv2d(6, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        low = self.low(x)
        high = self.up(self.aspp(self.high(low)))
        fused = self.fuse(torch.cat([self.project(low), bilinear(high, low)], 1))
        return F.interpolate(fused, scale_factor=2, mode="bilinear", align_corners=False).softmax(1)


def test_deeplab_v3_plus(tmp_path: Path) -> None:
    proven(DeepLabV3Plus(), image(2, 3, 36, 44), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class LrAspp(nn.Module):
    """Howard et al., the head of MobileNetV3 for segmentation: the mean of the image gates its features."""

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Sequential(conv(3, 6, 3, 2, act=nn.Hardswish), InvertedResidual(6, 12, 8, 3, 2))
        self.high = InvertedResidual(8, 16, 10, 5, 2, nn.Hardswish, SqueezeExcitation(16))
        self.cbr = conv(10, 6, 1)
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(10, 6, 1, bias=False), nn.Sigmoid())
        self.low_classifier, self.high_classifier = nn.Conv2d(8, 4, 1), nn.Conv2d(6, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low(x)
        high = self.high(low)
        gated = bilinear(self.cbr(high) * self.scale(high), low)
        return bilinear(self.low_classifier(low) + self.high_classifier(gated), x)


@pytest.mark.parametrize("target", ["bvlc", "opencv"])
def test_lr_aspp(target: str, tmp_path: Path) -> None:
    proven(LrAspp(), image(), tmp_path=tmp_path, target=target, opencv=target == "opencv")


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.block = nn.Sequential(conv(channels, channels), conv(channels, channels, act=nn.Identity))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.block(x))


class HighResolution(nn.Module):
    """Wang et al., HRNet: three resolutions side by side, each summed with all others."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode
        widths = (4, 6, 8)
        self.stem = conv(3, 4, 3, 2)
        self.transitions = nn.ModuleList([nn.Identity(), conv(4, 6, 3, 2), conv(6, 8, 3, 2)])
        self.branches = nn.ModuleList(Residual(width) for width in widths)
        self.fuse = nn.ModuleList(
            nn.ModuleList(self.path(widths, source, into) for source in range(3)) for into in range(3)
        )
        self.head = nn.Conv2d(sum(widths), 5, 1)

    @staticmethod
    def path(widths: tuple[int, ...], source: int, into: int) -> nn.Module:
        if source == into:
            return nn.Identity()
        if source > into:
            return conv(widths[source], widths[into], 1, act=nn.Identity)
        steps = [conv(widths[source], widths[source], 3, 2) for _ in range(into - source - 1)]
        return nn.Sequential(*steps, conv(widths[source], widths[into], 3, 2, act=nn.Identity))

    def resized(self, x: Tensor, like: Tensor) -> Tensor:
        corners = None if self.mode == "nearest" else True
        return F.interpolate(x, size=like.shape[2:], mode=self.mode, align_corners=corners)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        features = []
        for transition, branch in zip(self.transitions, self.branches, strict=True):
            x = transition(x)
            features.append(branch(x))
        fused = []
        for into, paths in enumerate(self.fuse):
            total = None
            for source, path in enumerate(paths):
                part = path(features[source])
                part = self.resized(part, features[into]) if source > into else part
                total = part if total is None else total + part
            fused.append(F.relu(total))
        return self.head(torch.cat([fused[0], *(self.resized(each, fused[0]) for each in fused[1:])], 1))


@pytest.mark.parametrize(("mode", "sides"), [("nearest", (32, 40)), ("bilinear", (35, 42))])
def test_hrnet(mode: str, sides: tuple[int, int], tmp_path: Path) -> None:
    proven(HighResolution(mode), image(2, 3, *sides), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class Autoencoder(nn.Module):
    """Transposed convolutions with the output_padding that brings back the sizes before the strides."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(conv(3, 6, 3, 2), conv(6, 8, 3, 2))
        self.squeezed, self.back = nn.Linear(8 * 9 * 10, 7), nn.Linear(7, 8 * 9 * 10)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(8, 6, 3, 2, 1, output_padding=(0, 1)), nn.BatchNorm2d(6), nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(6, 6, 3, 2, 1, output_padding=(0, 1), groups=3), nn.Tanh(),
            nn.ConvTranspose2d(6, 3, 3, padding=2, dilation=2), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.squeezed(self.encoder(x).flatten(1))
        return self.decoder(self.back(code).unflatten(1, (8, 9, 10))), code


@pytest.mark.parametrize("target", ["bvlc-1.0", "opencv"])
def test_autoencoder(target: str, tmp_path: Path) -> None:
    module = Autoencoder()
    if target == "opencv":  # which reads no dilated Deconvolution
        module.decoder[5] = nn.ConvTranspose2d(6, 3, 3, padding=1)
    proven(module, image(2, 3, 33, 40), tmp_path=tmp_path, target=target, opencv=target == "opencv")


def test_espcn(tmp_path: Path) -> None:
    """Shi et al.: pixels out of channels."""
    module = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.Conv2d(6, 4, 3, padding=1), nn.Tanh(),
        nn.Conv2d(4, 9, 3, padding=1), nn.PixelShuffle(3), nn.Hardtanh(0, 1),
    )  # fmt: skip
    proven(module, image(2, 1, 11, 14), tmp_path=tmp_path, target="bvlc-1.0")
    proven(module[:-1], image(2, 1, 11, 14), tmp_path=tmp_path, target="opencv", opencv=True)
