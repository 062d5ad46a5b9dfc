"""Every golden net through every format that holds weights, and back to Caffe's files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.errors import BlobShapeError, DefinitionError, OutputError
from tests.paths import LAYERS

CASES = sorted(path.name for path in LAYERS.iterdir())
# Nothing but losses and accuracies: nothing runs on an image.
SINKS = {"accuracy", "euclidean", "sigmoidce", "softmaxloss", "softmaxloss_ignore", "softmaxloss_valid"}


def convert(case: str) -> fcnkit.CaffeNet:
    weights = LAYERS / case / "net.caffemodel"
    return fcnkit.convert(weights if weights.exists() else None, prototxt=LAYERS / case / "net.prototxt")


def inputs_of(case: str, net: fcnkit.CaffeNet) -> dict[str, np.ndarray]:
    with np.load(LAYERS / case / "blobs.npz") as golden:
        return {name: golden[f"in/{name}"] for name in net.inputs}


def bits(path: Path) -> dict[str, list[tuple[tuple[int, ...], bytes]]]:
    return {name: [(b.shape, b.tobytes()) for b in blobs] for name, blobs in caffemodel.read(path).blobs.items()}


@pytest.mark.parametrize("case", [case for case in CASES if case not in SINKS])
def test_every_format_and_back_changes_no_bit(case: str, tmp_path: Path) -> None:
    net = convert(case)
    suffixes = [".safetensors", ".pth", ".h5", ".npz", ".caffemodel"]
    fcnkit.save(net, *(tmp_path / f"a{suffix}" for suffix in suffixes))
    expected = bits(tmp_path / "a.caffemodel")
    original = LAYERS / case / "net.caffemodel"
    if original.exists():
        stored = bits(original)
        assert expected
        assert {name: [payload for _, payload in blobs] for name, blobs in expected.items()} == {
            name: [payload for _, payload in blobs] for name, blobs in stored.items() if name in expected
        }
    inputs = {name: torch.from_numpy(blob) for name, blob in inputs_of(case, net).items()}
    with torch.no_grad():
        blobs = net.forward_blobs(**inputs)
    for suffix in suffixes:
        again = fcnkit.load(tmp_path / f"a{suffix}", prototxt=tmp_path / "a.prototxt")
        assert again.definition() == net.definition()
        fcnkit.save(again, tmp_path / "b.caffemodel")
        assert bits(tmp_path / "b.caffemodel") == expected
        back = fcnkit.load(tmp_path / "b.caffemodel")
        assert back.definition() == net.definition()
        with torch.no_grad():
            for name, blob in back.forward_blobs(**inputs).items():
                assert torch.equal(blob, blobs[name]), name


@pytest.mark.parametrize("case", sorted(SINKS))
def test_nets_of_losses_alone_do_not_run_on_an_image(case: str) -> None:
    with pytest.raises(DefinitionError, match="no layer remains"):
        convert(case)


def opencv(stem: Path, inputs: dict[str, np.ndarray]) -> list[np.ndarray] | None:
    """What OpenCV computes of a net's two files: its last layer's tops; None where it has no such layer."""
    weights = stem.with_suffix(".caffemodel")
    try:
        other = cv2.dnn.readNetFromCaffe(str(stem.with_suffix(".prototxt")), str(weights) if weights.exists() else "")
        other.enableWinograd(False)
        for name, blob in inputs.items():
            other.setInput(blob, name)
        return [np.array(top) for top in other.forwardAndRetrieve([other.getLayerNames()[-1]])[0]]
    except cv2.error:
        return None


@pytest.mark.parametrize("case", [case for case in CASES if case not in SINKS])
def test_opencv_computes_the_same_of_what_was_written(case: str, tmp_path: Path) -> None:
    net = convert(case)
    fcnkit.save(net, tmp_path / "net.caffemodel")
    inputs = inputs_of(case, net)
    expected = opencv(LAYERS / case / "net", inputs)
    if expected is None:
        pytest.skip("OpenCV has no such layer")
    found = opencv(tmp_path / "net", inputs)
    assert found is not None
    for top, other in zip(found, expected, strict=True):
        assert np.array_equal(top, other)


def test_a_net_trained_in_pytorch_runs_in_opencv(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample)
    before = net.conv1_1.weight.detach().clone()
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 1e-4)
    net(torch.randn(1, 3, 32, 48)).square().mean().backward()
    optimizer.step()
    assert not torch.equal(net.conv1_1.weight, before)
    fcnkit.save(net, tmp_path / "net.caffemodel")
    image = np.random.default_rng(0).normal(0, 50, (1, 3, 50, 70)).astype(np.float32)
    (expected,) = opencv(tmp_path / "net", {"data": image}) or ()
    with torch.no_grad():
        found = net(torch.from_numpy(image)).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_what_its_definition_does_not_say_is_not_written(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample)
    net.relu1_1 = torch.nn.GELU()
    path = tmp_path / "net.caffemodel"
    with pytest.raises(
        OutputError, match=rf"^{path}: layer 'relu1_1' is now GELU.*, but its definition states ReLU\(\)"
    ):
        fcnkit.save(net, path)
    net = fcnkit.convert(sample)
    net.conv1_2.weight = torch.nn.Parameter(torch.zeros(8, 8, 5, 5))
    with pytest.raises(BlobShapeError, match=rf"^{path}: layer 'conv1_2': blob 0 has shape \(8, 8, 5, 5\), expected"):
        fcnkit.save(net, path)
    assert not list(tmp_path.iterdir())


def test_the_definition_lies_beside_the_weights(sample: Path, tmp_path: Path) -> None:
    net = fcnkit.convert(sample, input_shape=(1, 3, 64, 96))
    fcnkit.save(net, tmp_path / "net.caffemodel")
    assert prototxt.read(tmp_path / "net.prototxt") == caffemodel.read(tmp_path / "net.caffemodel").net
    with pytest.raises(OutputError, match=r"net.prototxt: exists; replace it with `force`"):
        fcnkit.save(net, tmp_path / "net.pth", tmp_path / "net.prototxt", force=False)
    assert not (tmp_path / "net.pth").exists()
