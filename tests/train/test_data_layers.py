"""Data layers beside what Caffe's made of the same files, and beside other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fcnkit.caffe import prototxt
from fcnkit.caffe.schema import TEST
from fcnkit.train.data.sources import Sources

CASES = ["floats", "mean_file_crop", "mean_value_scale", "one_mean_value_crop", "plain"]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_data_is_caffes(name: str, workers: int, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data / "data")
    net = prototxt.read(f"{name}.prototxt")
    net.layer[0].phase = TEST
    (feed,) = Sources(workers=workers).feeds(net)
    golden = np.load(f"{name}.npz")
    for number in range(4):
        batch = feed()
        for top in ("data", "label"):
            expected = golden[f"{number}/{top}"]
            assert batch[top].shape == feed.shapes[top] == expected.shape
            # The decoders are two, the arithmetic is float32 in both.
            np.testing.assert_allclose(batch[top].numpy(), expected, rtol=1e-6, atol=1e-5)
