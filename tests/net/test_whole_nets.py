"""Whole nets with the wiring of well-known ones, narrower, against OpenCV's own reader and runtime."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from tests.paths import DATA

NETS = DATA / "nets"
# Layers with filters in each: what its paper counts.
FILTERS = {"alexnet": 8, "googlenet": 58, "resnet50": 54, "mobilenet": 28, "squeezenet": 26, "enet": 23}


def render(name: str) -> str:
    """The net's prototxt, at an eighth of its width."""
    environment = Environment(loader=FileSystemLoader(NETS), undefined=StrictUndefined)
    environment.globals["thin"] = 8
    return environment.get_template(f"{name}.j2").render()


def seeded_blobs(net: fcnkit.CaffeNet) -> dict[str, list[np.ndarray]]:
    """Weights that keep the spread of the values on their way through the net; statistics as training leaves them."""
    random = np.random.default_rng(0)
    kinds = {layer.name: layer.type for layer in net.definition().layer}
    blobs: dict[str, list[np.ndarray]] = {}
    for name, tensors in net.blobs().items():
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if kinds[name] == "BatchNorm":
            arrays = [random.normal(0, 9, shapes[0]), random.uniform(500, 1500, shapes[1]), np.array([999.0])]
        elif kinds[name] in ("Scale", "PReLU"):
            arrays = [random.uniform(0.2, 1.2, shape) for shape in shapes]
        else:
            arrays = [
                random.normal(0, (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1, shape) for shape in shapes
            ]
        blobs[name] = [array.astype(np.float32) for array in arrays]
    return blobs


@pytest.mark.parametrize("name", FILTERS)
def test_scores_equal_opencvs(name: str, tmp_path: Path) -> None:
    text = render(name)
    definition, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    definition.write_text(text)
    blobs = seeded_blobs(fcnkit.CaffeNet(text))
    caffemodel.write(weights, prototxt.parse(text), blobs)
    net = fcnkit.convert(weights)
    filters = [step for step in net.steps if step.kind in ("Convolution", "Deconvolution", "InnerProduct")]
    assert len(filters) == FILTERS[name]
    image = np.random.default_rng(1).normal(0, 50, net.shapes["data"]).astype(np.float32)
    other = cv2.dnn.readNetFromCaffe(str(definition), str(weights))
    other.setInput(image)
    expected = other.forward()
    with torch.no_grad():
        found = net(torch.from_numpy(image)).numpy()
    assert found.shape == expected.shape
    assert expected.std() > 0
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", FILTERS)
def test_simplified_nets_are_written_for_opencv(name: str, tmp_path: Path) -> None:
    text = render(name)
    net = fcnkit.CaffeNet(text, seeded_blobs(fcnkit.CaffeNet(text))).eval()
    simplified = fcnkit.simplify(net).net
    kinds = {step.kind for step in simplified.steps}
    assert not kinds & {"BatchNorm", "BN", "Scale", "Dropout", "Split"}
    fcnkit.save(simplified, tmp_path / "net.caffemodel")
    # A trained net's scores are not so far apart that the softmax behind them would hide a difference.
    image = np.random.default_rng(1).normal(0, 1, net.shapes["data"]).astype(np.float32)
    other = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel"))
    other.setInput(image)
    with torch.no_grad():
        expected, found = net(torch.from_numpy(image)).numpy(), simplified(torch.from_numpy(image)).numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    assert np.abs(other.forward() - expected).max() <= 1e-4 * np.abs(expected).max()
