"""What the tests of the export share: a module is converted, written, read anew, and run by everything that can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

import fcnkit
from fcnkit import CaffeNet


def randomized(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in eval mode, with statistics and affine weights as a trained net has them."""
    generator = torch.Generator().manual_seed(seed)
    for each in module.modules():
        for name, values in [*each.named_parameters(recurse=False), *each.named_buffers(recurse=False)]:
            if values.dim() == 1 and values.is_floating_point():
                noise = torch.rand(values.shape, generator=generator)
                values.data.copy_(0.5 + noise if name in ("weight", "running_var") else noise - 0.5)
    return module.eval()


def expected(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    with torch.no_grad():
        return [each for each in pytree.tree_leaves(module(*inputs)) if isinstance(each, Tensor)]


def assert_equal(found: Any, wanted: Tensor, tolerance: float = 1e-5) -> None:
    values = wanted.detach().double().numpy()
    np.testing.assert_allclose(found, values, rtol=0, atol=tolerance * max(abs(values).max(), 1e-3))


def proven(
    module: nn.Module,
    *inputs: Tensor,
    tmp_path: Path,
    target: str = "bvlc",
    opencv: bool = False,
    tolerance: float = 1e-5,
    **options: Any,
) -> CaffeNet:
    """Convert a module; write the net, read it anew and compare its outputs with the module's.

    Args:
        opencv: compare with OpenCV's outputs too.
    """
    net = fcnkit.from_torch(randomized(module), inputs, target=target, verify=True, **options)
    fcnkit.save(net, tmp_path / "net.caffemodel")
    again = fcnkit.load(tmp_path / "net.caffemodel")
    assert again.outputs == net.outputs
    wanted = expected(module, inputs)
    with torch.no_grad():
        results = module(*inputs)
        found = again.forward_blobs(*inputs)
    names = list(results) if isinstance(results, dict) else net.outputs
    for name, values in zip(names, wanted, strict=True):
        assert_equal(found[name], values, tolerance)
    if opencv:
        cv2 = pytest.importorskip("cv2")
        other = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"))
        for name, values in zip(net.inputs, inputs, strict=True):
            other.setInput(values.numpy(), name)
        # OpenCV finds an output by the name of its layer, which for some layers it takes from the blob.
        layers = {top: step.name for step in net.steps for top in step.tops}
        for name, values in zip(names, wanted, strict=True):
            found_by = name if name in other.getLayerNames() else layers[name]
            assert_equal(other.forward(found_by), values, tolerance)
    return net
