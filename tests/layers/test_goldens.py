"""Every layer type against what BVLC Caffe 1.0 computed, through the public API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from tests.paths import LAYERS

CASES = sorted(path.name for path in LAYERS.iterdir())


def errors(folder: Path) -> dict[str, float]:
    """The largest error of every blob of a golden case, relative to the blob's largest value."""
    weights = folder / "net.caffemodel"
    net = fcnkit.convert(weights if weights.exists() else None, prototxt=folder / "net.prototxt", deploy=False)
    golden = np.load(folder / "blobs.npz")
    inputs = {key.removeprefix("in/"): torch.from_numpy(golden[key]) for key in golden if key.startswith("in/")}
    with torch.no_grad():
        blobs = net.forward_blobs(**inputs)
    found = {}
    for key in golden:
        if key.startswith("out/"):
            name, expected = key.removeprefix("out/"), golden[key]
            value = blobs[name].numpy()
            assert value.shape == expected.shape, name
            largest = np.abs(expected).max(initial=0)
            found[name] = float(np.abs(value - expected).max(initial=0) / (largest or 1))
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_blob_equals_caffes(case: str) -> None:
    found = errors(LAYERS / case)
    assert found
    assert max(found.values()) <= 1e-5, found
