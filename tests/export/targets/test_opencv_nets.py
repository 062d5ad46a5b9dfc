"""Whole nets in the form of the target "opencv": OpenCV computes what PyTorch does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.export.blocks import conv
from tests.export.proving import proven
from tests.export.test_detectors import PyramidNet, Res2Net
from tests.export.test_nets import DenseNet, MobileNetV3, ResNet, ShuffleUnit, UNet, YoloHead
from tests.export.test_segmenters import DeepLabV3, DeepLabV3Plus, HighResolution, PSPNet

pytest.importorskip("cv2")

NETS = {
    "resnet": (ResNet, (2, 3, 61, 64)),
    "mobilenet_v3": (MobileNetV3, (2, 3, 33, 40)),
    "shufflenet_v2": (lambda: nn.Sequential(conv(3, 8, 3, 2), ShuffleUnit(8, 2), ShuffleUnit(16, 1)), (2, 3, 33, 40)),
    "densenet": (DenseNet, (2, 3, 31, 38)),
    "res2net": (lambda: nn.Sequential(conv(3, 8, 3, 2), Res2Net(8), Res2Net(8, stride=2)), (2, 3, 33, 40)),
    "unet": (UNet, (2, 3, 31, 38)),
    "pspnet": (PSPNet, (2, 3, 33, 40)),
    "deeplab_v3": (DeepLabV3, (2, 3, 33, 40)),
    "deeplab_v3_plus": (DeepLabV3Plus, (2, 3, 36, 44)),
    "hrnet": (lambda: HighResolution("bilinear"), (2, 3, 35, 42)),
    "pyramid": (PyramidNet, (2, 3, 33, 47)),
    "yolo_head": (YoloHead, (2, 8, 5, 6)),
}


@pytest.mark.parametrize("name", NETS)
def test_nets(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, shape = NETS[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    proven(make(), x, tmp_path=tmp_path, target="opencv", opencv=True)
