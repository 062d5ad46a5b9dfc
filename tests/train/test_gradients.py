"""The gradients that Caffe computed, of inputs and weights, beside PyTorch's on the converted nets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fcnkit
from tests.paths import ROOT

CASES = sorted(path.stem for path in (ROOT / "tests" / "data" / "gradients").glob("*.npz"))
# Of the largest value in a blob: float32 sums in another order.
CLOSE = 1e-4


def assert_gradient(found: torch.Tensor | None, expected: np.ndarray) -> None:
    own = np.zeros_like(expected) if found is None else found.detach().numpy()
    assert own.shape == expected.shape
    assert np.abs(own - expected).max(initial=0) <= CLOSE * max(np.abs(expected).max(initial=0), 1e-6)


def test_there_are_all_of_them() -> None:
    assert len(CASES) == 102


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_caffes(name: str, data: Path) -> None:
    folder = data / "layers" / name
    weights = folder / "net.caffemodel"
    blobs = np.load(folder / "blobs.npz")
    given = {key.removeprefix("in/"): blobs[key] for key in blobs if key.startswith("in/")}
    shapes = {blob: array.shape for blob, array in given.items()}
    net = fcnkit.convert(
        weights if weights.is_file() else None, folder / "net.prototxt", input_shape=shapes or None, deploy=False
    )
    net.requires_grad_(True)
    inputs = {blob: torch.from_numpy(array.copy()).requires_grad_() for blob, array in given.items()}
    found = net.forward_blobs(**inputs)
    golden = np.load(data / "gradients" / f"{name}.npz")
    tops = {key.removeprefix("top/"): torch.from_numpy(golden[key]) for key in golden if key.startswith("top/")}
    learns = {blob: top for blob, top in found.items() if blob in tops and top.requires_grad}
    if learns:
        torch.autograd.backward(list(learns.values()), [tops[blob].reshape(top.shape) for blob, top in learns.items()])
    for blob, tensor in inputs.items():
        assert_gradient(tensor.grad, golden[f"bottom/{blob}"])
    memory = {parameter.untyped_storage().data_ptr(): parameter for parameter in net.parameters()}
    for layer, tensors in net.blobs().items():
        for index, blob in enumerate(tensors):
            key, owner = f"param/{layer}/{index}", memory.get(blob.untyped_storage().data_ptr())
            if key in golden and owner is not None:
                own = owner.grad
                assert_gradient(None if own is None else own.as_strided(blob.shape, blob.stride()), golden[key])
