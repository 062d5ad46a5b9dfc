"""Diagnosis of a net in training: the first blob that is not finite, and the magnitudes of blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fcnkit.net import CaffeNet
from fcnkit.train.nets import Learnable


@torch.no_grad()
def first_not_finite(net: CaffeNet, inputs: Sequence[Tensor]) -> str:
    """Describe the first blob of a net that is not finite on a batch."""
    for name, blob in zip(net.inputs, inputs, strict=True):
        if not torch.isfinite(blob).all():
            return f"the first blob that is not finite is {name!r}, which the data gives"
    weights = net.blobs()
    for step, tops in net.walk(*inputs):
        for name, top in zip(step.tops, tops, strict=True):
            if not torch.isfinite(top).all():
                words = f"the first blob that is not finite is {name!r}, of layer {step.name!r} ({step.kind})"
                if any(not torch.isfinite(blob).all() for blob in weights.get(step.name, ())):
                    words += ", whose weights are not finite"
                return words
    return "every blob was finite when the net ran once more"


def blob_numbers(blobs: Sequence[Learnable]) -> dict[str, Any]:
    """The mean absolute value of each blob that learns and of its gradient, as Caffe's debug_info logs them.

    Source: BVLC/caffe src/caffe/net.cpp, BackwardDebugInfo and UpdateDebugInfo.
    """
    found = {}
    for blob in blobs:
        gradient = blob.tensor.grad
        found[blob.name] = {
            "data": blob.tensor.detach().abs().mean().item(),
            "diff": 0.0 if gradient is None else gradient.abs().mean().item(),
        }
    return found


def top_numbers(tops: Sequence[tuple[str, str, Tensor]]) -> dict[str, Any]:
    """The mean absolute value of each top and of its gradient, by layer and blob."""
    found: dict[str, Any] = {}
    for layer, name, top in tops:
        entry = {"data": top.detach().float().abs().mean().item()}
        if top.grad is not None:
            entry["diff"] = top.grad.float().abs().mean().item()
        found.setdefault(layer, {})[name] = entry
    return found
