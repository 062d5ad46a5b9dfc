"""HardSwish stands in one record and one rule; whatever asks about it finds that there."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fcnkit
from fcnkit.caffe import caffemodel, prototxt
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.inspect.drawing import diagram
from fcnkit.inspect.summary import summarize
from fcnkit.segment import Segmenter
from tests.layers.build import apply

NET = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 40, 44] } } }
layer { name: "first" type: "HardSwish" bottom: "data" top: "first" }
layer { name: "conv" type: "Convolution" bottom: "first" top: "conv"
        convolution_param { num_output: 6 kernel_size: 3 pad: 10 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "act" type: "HardSwish" bottom: "conv" top: "act" }
layer { name: "up" type: "Deconvolution" bottom: "act" top: "up" convolution_param {
        num_output: 6 kernel_size: 3 stride: 2 group: 6 weight_filler { type: "bilinear" } } }
layer { name: "score" type: "Crop" bottom: "up" bottom: "data" top: "score" crop_param { axis: 2 offset: 10 } }"""


@pytest.fixture
def net() -> fcnkit.CaffeNet:
    torch.manual_seed(0)
    return fcnkit.CaffeNet(NET).eval()


def test_values_by_hand() -> None:
    x = np.array([[-4, -3, -1.5, 0, 1, 3, 5]], np.float32)
    assert np.allclose(apply("HardSwish", "", x), [[0, 0, -0.375, 0, 2 / 3, 3, 5]])


def test_summary_has_its_receptive_field_and_work(net: fcnkit.CaffeNet) -> None:
    rows = {row.name: row for row in summarize(net).rows}
    assert rows["act"].receptive_field == (Fraction(3), Fraction(3))
    assert rows["act"].multiply_adds == 6 * 29 * 31
    assert rows["score"].stride == (Fraction(1), Fraction(1))


def test_crop_offsets_are_derived_through_it() -> None:
    (crop,) = Coordinates(prototxt.parse(NET)).crops
    assert crop.derived == (10, 10)


def test_it_runs_in_tiles(net: fcnkit.CaffeNet) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8))
    net.preprocessing = fcnkit.convert(None, prototxt_of(NET)).preprocessing
    whole = Segmenter(net, mean=[0], scores=True)([image])[0].scores
    tiled = Segmenter(net, mean=[0], scores=True, tile=32)([image])[0].scores
    assert whole is not None
    assert tiled is not None
    assert np.abs(whole - tiled).max() < 1e-3 * np.abs(whole).max()


def prototxt_of(text: str) -> Path:
    path = Path("hard_swish.prototxt")
    path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_channels_are_inferred_through_it(net: fcnkit.CaffeNet) -> None:
    fcnkit.save(net, "net.npz")
    unknown = prototxt_of(NET.replace("dim: [1, 3, 40, 44]", "dim: [1, 0, 40, 44]"))
    assert fcnkit.load("net.npz", unknown).shapes["data"] == (1, 3, 40, 44)


def test_it_is_drawn(net: fcnkit.CaffeNet) -> None:
    boxes = {box.lines[0]: box for box in diagram(net).boxes}
    assert boxes["act"].lines == ["act", "HardSwish"]
    assert boxes["act"].kind == "plain"


def test_a_binary_file_with_it_is_read(net: fcnkit.CaffeNet) -> None:
    """It has no settings, so that no number in the file can be misread."""
    blobs = {name: [blob.numpy() for blob in blobs] for name, blobs in net.blobs().items()}
    caffemodel.write("net.caffemodel", net.definition(), blobs)
    assert fcnkit.convert("net.caffemodel").shapes["score"] == (1, 6, 40, 44)
