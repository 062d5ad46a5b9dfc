"""PyTorch modules written for targets: by other layers of the same values, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import fcnkit
from fcnkit.errors import InputError
from fcnkit.export import OutsideTargetError, Verdict, check
from fcnkit.export.targets import TARGETS
from tests.export.proving import proven, randomized


class Wide(nn.Module):
    """A kernel that is not square, ReLU6, floor pooling at an odd size, a difference and a resize."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, (3, 5), (2, 1), (1, 2)), nn.BatchNorm2d(8), nn.ReLU6())
        self.pool = nn.MaxPool2d(2)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.up = nn.Upsample(scale_factor=2)
        self.act = nn.Hardswish()
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        x = self.up(x - self.act(self.depthwise(x)))
        out: Tensor = self.head(x.mean((2, 3)))
        return out


@pytest.mark.parametrize("target", TARGETS)
def test_a_module_for_every_target(target: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = proven(Wide(), torch.randn(1, 3, 26, 11), tmp_path=tmp_path, target=target, opencv=target == "opencv")
    assert all(each.verdict is Verdict.NOT_KNOWN for each in check(net, target))
    kinds = {step.kind for step in net.steps}
    assert ("Clip" in kinds) == TARGETS[target].has("Clip")
    assert ("ReLU6" in kinds) == (target in ("rknn", "sophgo", "ncnn", "opencv"))
    assert ("Power" in kinds) == TARGETS[target].has("Power")
    text = (tmp_path / "net.prototxt").read_text()
    assert "kernel_h: 3" in text
    assert ("round_mode: FLOOR" in text) == (target == "bvlc")
    assert ("torch_pooling: true" in text) == (target == "tensorrt")
    assert ("ceil_mode: false" in text) == (target == "opencv")
    assert ("coeff: -1" in text) == TARGETS[target].has("eltwise_param.coeff")


class Shuffled(nn.Module):
    """Channels of groups interleaved, by PyTorch's operation and by views, as in ShuffleNet."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, channels, height, width = x.shape
        grid = x.view(batch, 3, channels // 3, height, width).transpose(1, 2).contiguous()
        return F.channel_shuffle(x, 2), grid.view(batch, channels, height, width)


@pytest.mark.parametrize("target", TARGETS)
def test_channels_are_shuffled_for_every_target(target: str, tmp_path: Path) -> None:
    x = torch.randn(1, 6, 7, 5)
    net = proven(Shuffled(), x, tmp_path=tmp_path, target=target, opencv=target == "opencv")
    if TARGETS[target].has("Permute"):
        assert sorted(step.kind for step in net.steps) == ["Permute"] * 2 + ["Reshape"] * 4
    assert all(found.equal(wanted) for found, wanted in zip(net(x).values(), Shuffled()(x), strict=True))


class Aligned(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        sizes = [(13, 9), (4, 3), (7, 10)]
        return tuple(F.interpolate(x, size=size, mode="bilinear", align_corners=True) for size in sizes)


@pytest.mark.parametrize("target", ["ascend", "sophgo", "opencv"])
def test_resizing_with_aligned_corners_is_an_interp_where_there_is_one(target: str, tmp_path: Path) -> None:
    net = proven(Aligned(), torch.randn(1, 6, 7, 5), tmp_path=tmp_path, target=target, opencv=target == "opencv")
    assert [step.kind for step in net.steps] == ["Interp"] * 3


@pytest.mark.parametrize(
    ("target", "module", "shape", "problem"),
    [
        ("sigmastar", nn.Conv2d(1, 1, 9), (1, 1, 9, 9), r"height x width of the kernel 81 \(limit: at most 63\)"),
        ("ascend", nn.ReLU(), (1, 1, 1, 4097), r"height, width 4097 \(limit: at most 4096\)"),
        ("ncnn", nn.ReLU(), (2, 1, 3, 4), r"batch 2 \(limit: 1\)"),
        ("ncnn", nn.AvgPool2d(3, 2, 1), (1, 1, 5, 5), r"pad 1 \(limit: 0\)"),
        ("tensorrt", nn.PReLU(), (1, 1, 3, 4), "has no such type of layer"),
    ],
)
def test_nets_outside_of_limits(
    target: str, module: nn.Module, shape: tuple[int, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OutsideTargetError, match=problem) as caught:
        fcnkit.from_torch(module, torch.randn(shape), target=target)
    assert TARGETS[target].title in str(caught.value)
    assert {each.verdict for each in caught.value.problems} == {Verdict.REFUSED}
    assert not capsys.readouterr().err


def test_limits_that_only_slow_a_net_are_remarked(capsys: pytest.CaptureFixture[str]) -> None:
    module = randomized(nn.Conv2d(1, 1, 9))
    net = fcnkit.from_torch(module, torch.randn(1, 1, 9, 9), target="horizon")
    (found,) = check(net, "horizon")
    assert found.verdict is Verdict.SLOW
    remark = capsys.readouterr().err.splitlines()[0]
    assert remark == f"Horizon X3: slow: layer '{found.layer}' (Convolution): kernel 9 (limit: 1 to 7)"


def test_an_exported_program(tmp_path: Path) -> None:
    module: Any = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU6())
    torch.export.save(torch.export.export(randomized(module), (torch.randn(1, 3, 4, 5),)), tmp_path / "net.pt2")
    kinds = {
        target: [step.kind for step in fcnkit.load(tmp_path / "net.pt2", target=target).steps]
        for target in ("bvlc", "rknn")
    }
    assert kinds == {"bvlc": ["Convolution", "Clip"], "rknn": ["Convolution", "ReLU6"]}


def test_an_unknown_target() -> None:
    with pytest.raises(InputError, match=r"^unknown `target` 'chip'; the targets are bvlc, "):
        fcnkit.from_torch(nn.ReLU(), torch.randn(1, 1, 3, 4), target="chip")
