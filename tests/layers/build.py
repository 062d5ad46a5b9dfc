"""Nets of one layer, for the tests of layer types."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

import fcnkit


def layer_net(kind: str, settings: str, bottoms: Sequence[Sequence[int]], tops: int = 1) -> fcnkit.CaffeNet:
    """A net of inputs b0, b1, ... of these shapes and a layer "l" with tops t0, t1, ..., in eval mode."""
    text = "".join(
        f'layer {{ name: "i{i}" type: "Input" top: "b{i}" input_param {{ shape {{ dim: {list(shape)} }} }} }}\n'
        for i, shape in enumerate(bottoms)
    )
    names = " ".join([f'bottom: "b{i}"' for i in range(len(bottoms))] + [f'top: "t{i}"' for i in range(tops)])
    return fcnkit.CaffeNet(f'{text}layer {{ name: "l" type: "{kind}" {names} {settings} }}').eval()


def tops_of(net: fcnkit.CaffeNet, *bottoms: np.ndarray) -> list[np.ndarray]:
    """The tops of the layer, as arrays."""
    with torch.no_grad():
        blobs = net.forward_blobs(*map(torch.from_numpy, bottoms))
    return [blobs[name].numpy() for name in net.steps[-1].tops]


def apply(kind: str, settings: str, *bottoms: np.ndarray) -> np.ndarray:
    """The one top of a layer."""
    (top,) = tops_of(layer_net(kind, settings, [bottom.shape for bottom in bottoms]), *bottoms)
    return top


def values(*shape: int, seed: int = 0) -> np.ndarray:
    """Normally distributed float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
