"""Heatmaps: the right probabilities at the right places."""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.errors import ArgumentError, DefinitionError, InputError
from fcnkit.geometry.tile_plans import TilePlan
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import prepare
from fcnkit.segment.heatmap import draw, heat

# Means of 4 x 4 pixels, every 2 pixels, of blue, green and red; the class is the colour.
COLOURS = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } }
        transform_param { mean_value: [104, 116.7, 122.7] } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: AVE kernel_size: 4 stride: 2 } }
"""
CLASSIFIER = 'layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 3 } }'
GLOBAL = """
layer { name: "all" type: "Pooling" bottom: "pool" top: "all" pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "all" top: "fc" inner_product_param { num_output: 3 } }
"""
SOFTMAX = 'layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }'


def colours(text: str = CLASSIFIER) -> CaffeNet:
    definition, preprocessing, *_ = prepare(prototxt.parse(COLOURS + text), None)
    net = CaffeNet(definition)
    net.preprocessing = preprocessing
    weight = net.get_submodule("fc").weight
    columns = weight.shape[1] // 3
    weight.data = torch.eye(3).repeat_interleave(columns, 1) * (0.05 / columns)
    return net.eval()


def image(row: int = 20, column: int = 33, size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Black, with a red square of 8 x 8 pixels whose middle is given."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[row - 4 : row + 4, column - 4 : column + 4, 0] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("text", [CLASSIFIER, CLASSIFIER + SOFTMAX])
def test_the_heat_lies_on_what_is_seen(text: str) -> None:
    """The window of 8 x 8 pixels moves by 2, and fits over the square once."""
    found = heat(colours(text), image(20, 34), 2)
    assert found.scores.shape == (17, 27)
    assert found.pixels.shape == (40, 60)
    assert found.strides == (Fraction(2), Fraction(2))
    row, column = found.peak
    assert abs(row - 19.5) <= 0.5
    assert abs(column - 33.5) <= 0.5
    assert np.isclose(found.pixels[20, 34], found.scores.max(), atol=0.05)
    blue = heat(colours(text), image(20, 34), 0)
    assert blue.pixels[20, 34] < 0.01 < 0.3 < blue.pixels[2, 2]


def test_probabilities_between_and_beyond_the_windows() -> None:
    found = heat(colours(), image(), 2)
    # Window n is centred at 3.5 + 2 n: row 14 is a quarter of the way from window 5 to 6, column 19 three of 7 to 8.
    rows = 0.75 * found.scores[5] + 0.25 * found.scores[6]
    assert np.isclose(found.pixels[14, 19], 0.25 * rows[7] + 0.75 * rows[8], atol=1e-6)
    assert found.pixels[0, 0] == found.scores[0, 0]
    assert found.pixels[-1, -1] == found.scores[-1, -1]


@pytest.mark.parametrize("text", [CLASSIFIER + SOFTMAX, GLOBAL])
def test_tiles_of_coarse_scores_give_the_same(text: str) -> None:
    """The scores have a stride of 2; the last tiles are smaller, and not square."""
    noise = np.random.default_rng(0).integers(0, 256, (61, 87, 3), np.uint8)
    seen: list[TilePlan] = []
    whole, tiled = (heat(colours(text), Image.fromarray(noise), 1, tile=tile, watch=seen.append) for tile in (None, 20))
    assert whole.scores.shape == tiled.scores.shape
    assert np.abs(whole.scores - tiled.scores).max() < 1e-6
    assert [(plan.make, plan.output, plan.tiles) for plan in seen] == [((10, 10), whole.scores.shape, 15)]


def test_bands_of_coarse_scores_give_the_same() -> None:
    """The scores have a stride of 2, and blobs of 31 rows do not fit."""
    noise = np.random.default_rng(0).integers(0, 256, (61, 87, 3), np.uint8)
    seen: list[object] = []
    whole, parts = (
        heat(colours(CLASSIFIER + SOFTMAX), Image.fromarray(noise), 1, tile="auto", memory=memory, watch=seen.append)
        for memory in (10_000_000, 76_000)
    )
    assert whole.scores.shape == parts.scores.shape
    assert np.abs(whole.scores - parts.scores).max() < 1e-6
    assert [str(each).split(" of ")[0] for each in seen] == ["61 x 87 pixels in 4 bands"]


def test_tiles_of_a_padded_net(sample: Path) -> None:
    """Windows of 420 pixels, 32 apart, of a net that pads by 100."""
    full = fcnkit.convert(sample)
    definition = copy.deepcopy(full.definition())
    layers = list(definition.layer)
    end = next(number for number, layer in enumerate(layers) if layer.name == "upscore2")
    del definition.layer[end:]
    net = full.rebuilt(
        definition, {layer.name: blobs for layer in layers[:end] if (blobs := full.arrays().get(layer.name))}
    )
    noise = np.random.default_rng(0).integers(0, 256, (260, 411, 3), np.uint8)
    whole, tiled = (heat(net, Image.fromarray(noise), 1, tile=tile) for tile in (None, 100))
    assert whole.strides == (Fraction(32), Fraction(32))
    assert np.abs(whole.scores - tiled.scores).max() < 1e-5


def test_mean_and_order_of_channels() -> None:
    """A red square seen as blue; a mean that leaves no colour."""
    found = heat(colours(), image(20, 34), 0, rgb=True)
    assert np.allclose(found.scores, heat(colours(), image(20, 34), 2).scores, atol=1e-6)
    brighter = heat(colours(), image(20, 34), 0, mean=[-200, 0, 0])
    assert (brighter.scores > heat(colours(), image(20, 34), 0).scores).all()


def test_a_global_average_is_left_out() -> None:
    found = heat(colours(GLOBAL), image(), 2)
    assert found.scores.shape == (19, 29)
    row, column = found.peak
    assert 16 <= row < 24
    assert 29 <= column < 37


def test_an_fcn(sample: Path, examples: Path) -> None:
    """Its scores lie on the pixels themselves."""
    net = fcnkit.convert(sample)
    with Image.open(examples / "image0.png") as picture:
        found = heat(net, picture, 1)
    assert found.strides == (Fraction(1), Fraction(1))
    assert np.allclose(found.pixels, found.scores, atol=1e-5)


def test_colours_from_cold_to_hot() -> None:
    found = heat(colours(), image(20, 34), 2)
    drawn = np.asarray(draw(image(20, 34), found)).astype(int)
    assert drawn.shape == (40, 60, 3)
    row, column = found.peak
    assert drawn[row, column].tolist() == [255, 0, 0]  # red on red
    corner = drawn[2, 2]  # a third as probable as the most probable: light blue on black
    assert corner[2] > corner[1] > corner[0] == 0


def test_what_has_no_heatmap() -> None:
    for picture, label in (("cat.png", 1), (image(), "cat")):
        with pytest.raises(ArgumentError, match="give an image that Pillow opened, and a class by its number"):
            heat(colours(), picture, label)
    with pytest.raises(InputError, match="there is no class 3; the net has 3, counted from 0"):
        heat(colours(), image(), 3)
    with pytest.raises(InputError, match=r"layer 'pool'|layer 'fc'"):
        heat(colours(), image(4, 4, (5, 5)), 0)
    two = colours(CLASSIFIER + CLASSIFIER.replace('"fc"', '"fc2"'))
    with pytest.raises(DefinitionError, match="the net maps data to fc, fc2; a heatmap needs one image and one score"):
        heat(two, image(), 0)
    flat = colours(CLASSIFIER + 'layer { name: "flat" type: "Flatten" bottom: "fc" top: "flat" }')
    with pytest.raises(DefinitionError, match="the scores have no grid in the image's pixels: Flatten 'flat' keeps"):
        heat(flat, image(), 0)
