"""Detectors, pyramids and blocks with several branches, in the wiring of published ones."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import fcnkit
from tests.export.blocks import conv
from tests.export.proving import assert_equal, proven, randomized


def image(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(shape or (2, 3, 33, 38), generator=torch.Generator().manual_seed(seed))


class Pyramid(nn.Module):
    """Lin et al., FPN: coarse features enlarged and added to finer ones, with one level more by pooling."""

    def __init__(self, *widths: int, out: int):
        super().__init__()
        self.inner = nn.ModuleList(nn.Conv2d(width, out, 1) for width in widths)
        self.layers = nn.ModuleList(nn.Conv2d(out, out, 3, padding=1) for _ in widths)

    def forward(self, features: list[Tensor]) -> dict[str, Tensor]:
        total = self.inner[-1](features[-1])
        results = [self.layers[-1](total)]
        for level in reversed(range(len(features) - 1)):
            lateral = self.inner[level](features[level])
            total = lateral + F.interpolate(total, size=lateral.shape[-2:], mode="nearest")
            results.insert(0, self.layers[level](total))
        results.append(F.max_pool2d(results[-1], 1, 2, 0))
        return {str(level): values for level, values in enumerate(results)}


class PyramidNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([conv(3, 4, 3, 2), conv(4, 6, 3, 2), conv(6, 8, 3, 2)])
        self.fpn = Pyramid(4, 6, 8, out=5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.fpn(features)


@pytest.mark.parametrize("sides", [(33, 38), (64, 48)])
def test_fpn(sides: tuple[int, int], tmp_path: Path) -> None:
    net = proven(PyramidNet(), image(2, 3, *sides), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)
    assert set(net.outputs) == {"0", "1", "2", "3"}


class C2f(nn.Module):
    """YOLOv8's block: half of the channels pass bottlenecks, and all results are joined."""

    def __init__(self, channels: int, out: int):
        super().__init__()
        half = out // 2
        self.cv1, self.cv2 = conv(channels, out, 1, act=nn.SiLU), conv(4 * half, out, 1, act=nn.SiLU)
        self.m = nn.ModuleList(
            nn.Sequential(conv(half, half, act=nn.SiLU), conv(half, half, act=nn.SiLU)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.cv1(x).chunk(2, 1))
        for bottleneck in self.m:
            parts.append(parts[-1] + bottleneck(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Sppf(nn.Module):
    """Pooling in steps instead of with larger and larger windows."""

    def __init__(self, channels: int):
        super().__init__()
        self.cv1, self.cv2 = conv(channels, channels // 2, 1, act=nn.SiLU), conv(2 * channels, channels, 1, act=nn.SiLU)
        self.m = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        results = [self.cv1(x)]
        results.extend(self.m(results[-1]) for _ in range(3))
        return self.cv2(torch.cat(results, 1))


class Detect(nn.Module):
    """YOLOv8's head: each side of a box is the mean of a distribution (Li et al., Generalized Focal Loss)."""

    bins, classes = 4, 3

    def __init__(self, *widths: int):
        super().__init__()
        self.cv2 = nn.ModuleList(
            nn.Sequential(conv(width, 6, act=nn.SiLU), nn.Conv2d(6, 4 * self.bins, 1)) for width in widths
        )
        self.cv3 = nn.ModuleList(
            nn.Sequential(conv(width, 5, act=nn.SiLU), nn.Conv2d(5, self.classes, 1)) for width in widths
        )
        self.dfl = nn.Conv2d(self.bins, 1, 1, bias=False)
        self.dfl.weight.data[:] = torch.arange(self.bins).view(1, -1, 1, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        batch = features[0].shape[0]
        joined, anchors, strides = [], [], []
        for level, x in enumerate(features):
            height, width = x.shape[2:]
            joined.append(torch.cat((self.cv2[level](x), self.cv3[level](x)), 1).view(batch, -1, height * width))
            rows, columns = torch.arange(height) + 0.5, torch.arange(width) + 0.5
            rows, columns = torch.meshgrid(rows, columns, indexing="ij")
            anchors.append(torch.stack((columns, rows), -1).view(-1, 2))
            strides.append(torch.full((height * width, 1), 8.0 * 2**level))
        box, scores = torch.cat(joined, 2).split((4 * self.bins, self.classes), 1)
        box = box.view(batch, 4, self.bins, -1).transpose(2, 1).softmax(1)
        left_top, right_bottom = self.dfl(box).view(batch, 4, -1).chunk(2, 1)
        points = torch.cat(anchors).transpose(0, 1).unsqueeze(0)
        first, second = points - left_top, points + right_bottom
        boxes = torch.cat(((first + second) / 2, second - first), 1) * torch.cat(strides).transpose(0, 1)
        return torch.cat((boxes, scores.sigmoid()), 1)


class YoloV8(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 4, 3, 2, act=nn.SiLU), conv(4, 8, 3, 2, act=nn.SiLU), C2f(8, 8))
        self.deeper, self.up = nn.Sequential(conv(8, 12, 3, 2, act=nn.SiLU), Sppf(12)), nn.Upsample(scale_factor=2)
        self.top_down, self.down, self.bottom_up = C2f(20, 8), conv(8, 8, 3, 2, act=nn.SiLU), C2f(20, 12)
        self.detect = Detect(8, 12)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.stem(x)
        coarse = self.deeper(fine)
        fine = self.top_down(torch.cat([self.up(coarse), fine], 1))
        return self.detect([fine, self.bottom_up(torch.cat([self.down(fine), coarse], 1))])


@pytest.mark.parametrize("target", ["bvlc", "opencv"])
def test_yolo_v8(target: str, tmp_path: Path) -> None:
    proven(YoloV8(), image(1, 3, 32, 48), tmp_path=tmp_path, target=target, opencv=target == "opencv")


class RepVgg(nn.Module):
    """Ding et al.: three branches in training, one convolution when deployed."""

    def __init__(self, channels: int, out: int, stride: int = 1, group: int = 1):
        super().__init__()
        self.rbr_dense = conv(channels, out, 3, stride, group, nn.Identity)
        self.rbr_1x1 = conv(channels, out, 1, stride, group, nn.Identity)
        self.rbr_identity = nn.BatchNorm2d(channels) if stride == 1 and channels == out else None

    def forward(self, x: Tensor) -> Tensor:
        identity = 0 if self.rbr_identity is None else self.rbr_identity(x)
        return F.relu(self.rbr_dense(x) + self.rbr_1x1(x) + identity)

    def deployed(self) -> nn.Module:
        """One convolution with the sum of the branches' filters."""
        convolution = self.rbr_dense[0]
        one = nn.Conv2d(
            convolution.in_channels, convolution.out_channels, 3, convolution.stride, 1, groups=convolution.groups
        )
        unit = torch.zeros_like(convolution.weight)
        per_group = convolution.in_channels // convolution.groups
        for channel in range(len(unit)):
            unit[channel, channel % per_group, 1, 1] = 1
        branches = [(convolution.weight, self.rbr_dense[1]), (F.pad(self.rbr_1x1[0].weight, [1] * 4), self.rbr_1x1[1])]
        branches += [(unit, self.rbr_identity)] if self.rbr_identity is not None else []
        scales = [norm.weight / (norm.running_var + norm.eps).sqrt() for _, norm in branches]
        weights = [weight * scale.view(-1, 1, 1, 1) for (weight, _), scale in zip(branches, scales, strict=True)]
        biases = [norm.bias - norm.running_mean * scale for (_, norm), scale in zip(branches, scales, strict=True)]
        one.weight.data, one.bias.data = sum(weights).detach(), sum(biases).detach()
        return nn.Sequential(one, nn.ReLU())


def test_repvgg(tmp_path: Path) -> None:
    """Both forms are converted, and compute the same."""
    blocks = randomized(nn.Sequential(RepVgg(3, 8, 2), RepVgg(8, 8), RepVgg(8, 8, 1, 4)))
    deployed = nn.Sequential(*(block.deployed() for block in copy.deepcopy(blocks))).eval()
    x = image()
    trained = proven(blocks, x, tmp_path=tmp_path, target="bvlc-1.0", opencv=True)
    one = fcnkit.from_torch(deployed, x)
    with torch.no_grad():
        assert_equal(one(x), trained(x))
    assert [step.kind for step in one.steps] == ["Convolution", "ReLU"] * 3


class Tree(nn.Module):
    """Yu et al., Deep Layer Aggregation: a root joins the results of a tree of blocks, and the tree's own input."""

    def __init__(self, levels: int, channels: int, out: int, stride: int = 1, root: int = 0, level_root: bool = False):
        super().__init__()
        root = (root or 2 * out) + (channels if level_root else 0)
        self.level_root, self.levels = level_root, levels
        if levels == 1:
            self.tree1, self.tree2 = conv(channels, out, 3, stride), conv(out, out)
            self.root = conv(root, out, 1)
        else:
            self.tree1 = Tree(levels - 1, channels, out, stride)
            self.tree2 = Tree(levels - 1, out, out, root=root + out)
        self.downsample = nn.MaxPool2d(stride, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor, children: tuple[Tensor, ...] = ()) -> Tensor:
        children = (*children, self.downsample(x)) if self.level_root else children
        first = self.tree1(x)
        if self.levels > 1:
            return self.tree2(first, (*children, first))
        second = self.tree2(first)
        return self.root(torch.cat([second, first, *children], 1))


def test_dla(tmp_path: Path) -> None:
    module = nn.Sequential(conv(3, 4, 7), Tree(1, 4, 6, 2), Tree(2, 6, 8, 2, level_root=True), nn.AvgPool2d(4))
    proven(module, image(2, 3, 36, 40), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class Res2Net(nn.Module):
    """Gao et al.: chunks of the channels, each filtered together with the result of the one before."""

    def __init__(self, channels: int, scale: int = 4, stride: int = 1):
        super().__init__()
        width = channels // scale
        self.conv1, self.conv3 = conv(channels, channels, 1), conv(channels, channels, 1, act=nn.Identity)
        self.convs = nn.ModuleList(conv(width, width, 3, stride) for _ in range(scale - 1))
        self.pool = nn.AvgPool2d(3, stride, 1) if stride > 1 else nn.Identity()
        self.downsample = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        parts = self.conv1(x).chunk(len(self.convs) + 1, 1)
        results: list[Tensor] = []
        for convolution, part in zip(self.convs, parts, strict=False):
            results.append(convolution(part + results[-1] if results and self.stride == 1 else part))
        y = self.conv3(torch.cat([*results, self.pool(parts[-1])], 1))
        return F.relu(y + (x if self.stride == 1 else self.downsample(x)))


def test_res2net(tmp_path: Path) -> None:
    module = nn.Sequential(conv(3, 8, 3, 2), Res2Net(8), Res2Net(8, stride=2))
    proven(module, image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)


class SelectiveKernel(nn.Module):
    """Li et al., SKNet: channels choose between the branches by a softmax over them."""

    def __init__(self, channels: int):
        super().__init__()
        self.branches = nn.ModuleList([conv(channels, channels, group=2), conv(channels, channels, dilation=2)])
        self.fc1, self.fc2 = conv(channels, 4, 1), nn.Conv2d(4, 2 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.stack([branch(x) for branch in self.branches], 1)
        weights = self.fc2(self.fc1(parts.sum(1).mean((2, 3), keepdim=True)))
        weights = weights.view(x.shape[0], 2, x.shape[1], 1, 1).softmax(1)
        return (parts * weights).sum(1)


class Ghost(nn.Module):
    """Han et al., GhostNet: cheap filters of some channels give the others."""

    def __init__(self, channels: int, out: int):
        super().__init__()
        half = (out + 1) // 2
        self.out = out
        self.primary_conv, self.cheap_operation = conv(channels, half, 1), conv(half, half, 3, 1, half)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary_conv(x)
        return torch.cat([x, self.cheap_operation(x)], 1)[:, : self.out, :, :]


def test_selective_kernel_and_ghost_blocks(tmp_path: Path) -> None:
    module = nn.Sequential(conv(3, 6, 3, 2), SelectiveKernel(6), Ghost(6, 9))
    proven(module, image(), tmp_path=tmp_path, target="bvlc-1.0", opencv=True)
