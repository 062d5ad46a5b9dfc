"""torchvision's residual nets under the names of the published ones.

Sources: pytorch/vision torchvision/models/resnet.py; KaimingHe/deep-residual-networks prototxt/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

_BLOCK = re.compile(r"layer(\d)\.(\d+)\.(?:(conv|bn)(\d)|downsample\.(\d))")
# From this number of blocks on, the blocks of a stage are a, b1, b2, ..., in nets where the third stage is longer.
_LETTERS, _DEEP = 3, 6


def is_resnet(state: Iterable[str]) -> bool:
    """Whether the names of tensors are torchvision's names for a ResNet of 50, 101 or 152 layers."""
    names = set(state)
    return {"conv1.weight", "bn1.running_mean", "layer1.0.conv3.weight", "fc.weight"} <= names


def caffes_resnet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a ResNet under Caffe's names: a normalization becomes a BatchNorm and a Scale."""
    counts: dict[str, int] = {}
    for name in state:
        if match := _BLOCK.match(name):
            counts[match[1]] = max(counts.get(match[1], 0), int(match[2]) + 1)
    deep = counts["3"] > _DEEP
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer, _, part = name.rpartition(".")
        if layer in ("conv1", "fc"):
            found[f"{'fc1000' if layer == 'fc' else layer}.{part}"] = tensor
            continue
        match = _BLOCK.fullmatch(layer)
        if layer != "bn1" and match is None:
            found[name] = tensor  # of no ResNet; the net has no such layer, and reports it
            continue
        end, norm = "_conv1", True
        if match is not None:
            stage, block = int(match[1]) + 1, int(match[2])
            letter = f"b{block}" if deep and block and counts[match[1]] > _LETTERS else chr(ord("a") + block)
            end = f"{stage}{letter}_branch{'1' if match[5] else '2' + 'abc'[int(match[4]) - 1]}"
            norm = (match[5] or str(int(match[3] == "bn"))) == "1"
        if not norm:
            found[f"res{end}.{part}"] = tensor
        elif part in ("weight", "bias"):
            found[f"scale{end}.{part}"] = tensor
        elif part in ("running_mean", "running_var"):
            found[f"bn{end}.{'mean' if part == 'running_mean' else 'variance'}"] = tensor
            if part == "running_var":
                found[f"bn{end}.scale_factor"] = torch.ones(1)
    return found
