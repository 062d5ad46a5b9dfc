"""DenseBlock against its steps as layers of PyTorch, and the rules of its blobs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import fcnkit
from fcnkit.errors import DefinitionError
from tests.layers.build import definition, layer, net, values

BLOCK = "denseblock_param { numTransition: 2 growthRate: 3 %s }"


def blobs_of(channels: int, steps: int, growth: int, bottleneck: bool) -> list[np.ndarray]:
    """Those of a file, in its order: filters, scales, biases, means, variances; of bottlenecks; the divisor."""
    reads = [channels + step * growth for step in range(steps)]
    inner = [4 * growth] * steps if bottleneck else reads
    blobs = [values(growth, read, 3, 3, seed=read) for read in inner]
    for seed, positive in ((1, False), (2, False), (3, False), (4, True)):
        blobs += [abs(values(1, read, 1, 1, seed=seed + read)) + positive for read in reads]
    if bottleneck:
        blobs += [values(4 * growth, read, 1, 1, seed=read) for read in reads]
        for seed, positive in ((5, False), (6, False), (7, False), (8, True)):
            blobs += [abs(values(1, 4 * growth, 1, 1, seed=seed + step)) + positive for step in range(steps)]
    return [*blobs, np.array([2.0], np.float32)]


def stepwise(bottom: torch.Tensor, blobs: list[torch.Tensor], steps: int, bottleneck: bool) -> torch.Tensor:
    """BatchNorm of PyTorch with halved sums, ReLU, and a convolution as a correlation of flipped filters."""

    def part(kind: int, step: int) -> torch.Tensor:
        return blobs[kind * steps + step]

    def normalized(x: torch.Tensor, first: int, step: int) -> torch.Tensor:
        scale, bias, mean, variance = (part(first + kind, step).flatten() for kind in range(4))
        return F.relu(F.batch_norm(x, mean / 2, variance / 2, scale, bias, eps=1e-5))

    for step in range(steps):
        made = normalized(bottom, 1, step)
        if bottleneck:
            made = normalized(F.conv2d(made, part(5, step)), 6, step)
        flipped = part(0, step)[:, :, [2, 1, 0]][:, :, :, [2, 1, 0]]
        bottom = torch.cat([bottom, F.conv2d(made, flipped, padding=1)], 1)
    return bottom


@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_block_is_its_steps(bottleneck: bool) -> None:
    bottom, blobs = values(2, 4, 5, 6), blobs_of(4, 2, 3, bottleneck)
    it = net(layer("DenseBlock", "a", BLOCK % f"use_BC: {str(bottleneck).lower()}"), [bottom], {"it": blobs})
    top = it(torch.from_numpy(bottom))
    assert isinstance(top, torch.Tensor)
    assert top.shape == (2, 10, 5, 6)
    expected = stepwise(torch.from_numpy(bottom), list(map(torch.from_numpy, blobs)), 2, bottleneck)
    assert torch.allclose(top, expected, atol=1e-5)
    assert [blob.shape for blob in it.blobs()["it"]] == [blob.shape for blob in blobs]
    assert all(np.array_equal(a, b) for a, b in zip(it.blobs()["it"], blobs, strict=True))


def test_training_updates_the_sums_and_passes_gradients() -> None:
    """From nothing: sums of one batch's means and unbiased variances, whose divisor is 1."""
    bottom = values(3, 4, 5, 6)
    fillers = 'Filler { type: "msra" }'.replace("Filler", "Filter_Filler") + " BN_Scaler_Filler { value: 1 }"
    it = fcnkit.CaffeNet(definition(layer("DenseBlock", "a", BLOCK % fillers), {"a": bottom.shape})).train()
    top = it(torch.from_numpy(bottom))
    assert isinstance(top, torch.Tensor)
    top.square().sum().backward()
    blobs = it.blobs()["it"]
    assert np.allclose(blobs[6].ravel(), bottom.mean((0, 2, 3)), atol=1e-5)
    expected = 0.1 + bottom.var((0, 2, 3), ddof=1)
    assert np.allclose(blobs[8].ravel(), expected, atol=1e-5)
    assert blobs[-1].tolist() == [1]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in it.parameters())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("numTransition: 0", "numTransition and growthRate must be positive"),
        ("filter_H: 5", "a step has filters of 3 x 3 pixels, a pad and a stride of 1"),
    ],
)
def test_refused_blocks(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        net(layer("DenseBlock", "a", f"denseblock_param {{ {settings} }}"), [values(1, 4, 5, 6)])
