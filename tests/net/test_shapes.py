"""The sample model, from Caffe's own file to every format, against the scores that Caffe computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fcnkit
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.segment.segmenter import input_from_image, label_map

IMAGES = range(6)


@pytest.fixture(scope="module")
def nets(sample: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, fcnkit.CaffeNet]:
    folder = tmp_path_factory.mktemp("shapes")
    net = fcnkit.convert(sample)
    fcnkit.save(net, folder / "net.safetensors")
    fcnkit.save(net, folder / "net.pth")
    fcnkit.save(net, folder / "net.caffemodel")
    deploy = data / "shapes" / "deploy.prototxt"
    return {
        "caffemodel": net,
        "caffemodel and prototxt": fcnkit.convert(sample, prototxt=deploy),
        "safetensors": fcnkit.load(folder / "net.safetensors"),
        "pth": fcnkit.load(folder / "net.pth", prototxt=deploy),
        "caffemodel written back": fcnkit.load(folder / "net.caffemodel"),
    }


@pytest.mark.parametrize(
    "way", ["caffemodel", "caffemodel and prototxt", "safetensors", "pth", "caffemodel written back"]
)
@pytest.mark.parametrize("index", IMAGES)
def test_scores_and_labels_equal_caffes(
    nets: dict[str, fcnkit.CaffeNet], way: str, index: int, examples: Path, data: Path
) -> None:
    net = nets[way]
    expected = np.load(data / "shapes" / f"caffe{index}.npz")["score"]
    image = Image.open(examples / f"image{index}.png")
    # A deploy prototxt tells no mean; the sample was trained with that of the published nets, rounded.
    preprocessing = nets["caffemodel"].preprocessing["data"]
    with torch.no_grad():
        scores = net(input_from_image(image, preprocessing)).numpy()
    assert scores.shape == expected.shape
    assert np.abs(scores - expected).max() <= 1e-5 * np.abs(expected).max()
    labels = np.asarray(Image.open(data / "shapes" / f"caffe{index}.png"))
    assert np.array_equal(scores[0].argmax(0), labels)
    if way == "pth":
        net.preprocessing["data"] = preprocessing
    assert np.array_equal(label_map(net, image), labels)


def test_preprocessing_is_read_from_the_data_layer(nets: dict[str, fcnkit.CaffeNet]) -> None:
    mean = (104.00699, 116.66877, 122.67892)
    assert nets["safetensors"].preprocessing == {"data": Preprocessing("BGR", mean=mean, source="data layer 'data'")}
