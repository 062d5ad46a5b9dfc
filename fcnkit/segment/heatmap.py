"""Heatmaps: the dense scores of a class, drawn over the image."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import ArgumentError, DefinitionError, InputError
from fcnkit.fast import optimized
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.net import CaffeNet
from fcnkit.segment.preprocessing import image_preprocessing
from fcnkit.segment.segmenter import input_from_image
from fcnkit.segment.tiled import Division, Tile, Tiles
from fcnkit.surgery.dense import dense_net

# From cold to hot, in equal steps: RGB.
_COLOURS = np.array([(0, 0, 128), (0, 160, 255), (255, 255, 0), (255, 0, 0)], np.float32)
_OPACITY = 0.6


class Heat(NamedTuple):
    """The probability of a class: at each score, and interpolated at each pixel of the image, both (height, width)."""

    scores: np.ndarray
    pixels: np.ndarray
    strides: tuple[Fraction, Fraction]

    @property
    def peak(self) -> tuple[int, int]:
        """Row and column of the pixel where the class is most probable, the first of several."""
        row, column = np.unravel_index(int(self.pixels.argmax()), self.pixels.shape)
        return int(row), int(column)


def classes_of(net: CaffeNet) -> int:
    """The number of classes of a net of one image and one score.

    Raises:
        DefinitionError: the net is none.
    """
    if len(net.inputs) != 1 or len(net.outputs) != 1 or net.inputs[0] not in net.preprocessing:
        ends = f"{', '.join(net.inputs)} to {', '.join(net.outputs)}"
        raise DefinitionError(f"the net maps {ends}; a heatmap needs one image and one score")
    shape = net.shapes[net.outputs[0]]
    return shape[1] if len(shape) > 1 else 1


# Not inference mode: the dense net that is made here could not run with prepared weights.
@torch.no_grad()
def heat(
    net: CaffeNet,
    image: Image.Image,
    label: int,
    *,
    mean: Sequence[float] | None = None,
    scale: float | None = None,
    rgb: bool = False,
    tile: Tile | None = None,
    memory: int | None = None,
    watch: Callable[[Division], object] | None = None,
    device: torch.device | str = "cpu",
    fast: bool = True,
) -> Heat:
    """The probability of a class at each pixel of an image.

    A classifier is evaluated densely: it is cast, and scores every window of the image. A global average before the
    scores is removed, since scores and averages are both linear. Between the centres of windows the probabilities are
    interpolated. Outside of them each pixel has the probability of the nearest centre.

    Args:
        net: a classifier or an FCN, of one image and one score.
        image: any mode, at least as large as the net's window.
        label: the class, counted from 0.
        mean, scale, rgb, tile, memory, watch, device, fast: as for `Segmenter`.

    Raises:
        ArgumentError: image or label is of another type.
        DefinitionError: the net does not map one image to scores on a grid of its pixels.
        InputError: the net states neither mean nor scale, there is no such class, the image is too small, or scores
            are infinite or not numbers.
    """
    if not isinstance(image, Image.Image) or not isinstance(label, int):
        raise ArgumentError("give an image that Pillow opened, and a class by its number")
    classes = classes_of(net)
    net = _dense(net)
    definition = net.definition()
    coordinates = Coordinates(definition)
    grids = coordinates.blobs[net.outputs[0]].get(net.inputs[0])
    if grids is None:
        reason = next((layer.reason for layer in coordinates.layers if layer.reason and layer.bottoms), "")
        raise DefinitionError(f"the scores have no grid in the image's pixels: {reason}")
    if not 0 <= label < classes:
        raise InputError(f"there is no class {label}; the net has {classes}, counted from 0")
    preprocessing, place = image_preprocessing(net, mean, scale, rgb), torch.device(device)
    net = net.to(place).eval()
    prepared = optimized(net) if fast else None
    forward: Any = prepared or net
    tiles = tile and Tiles(net, net.outputs[0], tile, memory=memory, prepared=prepared, coarse=True, watch=watch)

    def read(batch: Sequence[Image.Image]) -> Tensor:
        return input_from_image(batch[0], preprocessing).to(place)

    scores = forward(read([image])) if not tiles else _from_tiles(tiles, image, read, forward)
    scores = scores.cpu()
    if definition.layer[-1].type != "Softmax":
        scores = scores.softmax(1)
    if not torch.isfinite(scores).all():
        raise InputError("the scores of the image are infinite or not numbers; check the weights")
    probable = scores[0, label].numpy()
    rows = _between(image.height, grids[0].start, grids[0].stride, probable.shape[0])
    columns = _between(image.width, grids[1].start, grids[1].stride, probable.shape[1])
    return Heat(probable, rows @ probable @ columns.T, (grids[0].stride, grids[1].stride))


def _from_tiles(
    tiles: Tiles,
    image: Image.Image,
    read: Callable[[Sequence[Image.Image]], Tensor],
    run: Callable[[Tensor], Tensor],
) -> Tensor:
    division = tiles.plan((image.height, image.width))
    if division is None:
        return run(read([image]))
    parts = list(tiles.parts(division, [image], read, run))
    scores = parts[0][2].new_empty(1, parts[0][2].shape[1], *division.output)
    for rows, columns, part in parts:
        scores[:, :, rows, columns] = part
    return scores


def draw(image: Image.Image, heat: Heat) -> Image.Image:
    """The image with the heat laid over it: from blue, where it is 0, to red, where it is largest."""
    pixels = np.asarray(image.convert("RGB"), np.float32)
    share = heat.pixels / max(float(heat.pixels.max()), np.finfo(np.float32).tiny)
    steps = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(share, steps, _COLOURS[:, channel]) for channel in range(3)], axis=-1)
    return Image.fromarray(((1 - _OPACITY) * pixels + _OPACITY * colours).round().astype(np.uint8))


def _between(size: int, start: Fraction, stride: Fraction, count: int) -> np.ndarray:
    """(size, count): the weight of each of `count` scores, the first at `start`, at each of `size` pixels."""
    at = np.clip((np.arange(size) - float(start)) / float(stride), 0, count - 1)
    shares: np.ndarray = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(count)))
    return shares.astype(np.float32)


def _dense(net: CaffeNet) -> CaffeNet:
    """The net without the layers that require one input size."""
    layers = net.definition().layer
    if any(layer.type == "InnerProduct" for layer in layers):
        net, _ = dense_net(net)
    definition = copy.deepcopy(net.definition())
    averages = [layer for layer in definition.layer if _is_global_average(layer)]
    if not averages:
        return net
    for pool in averages:
        definition.layer.remove(pool)
        for layer in definition.layer:
            layer.bottom[:] = [pool.bottom[0] if bottom == pool.top[0] else bottom for bottom in layer.bottom]
    return net.rebuilt(definition, net.arrays()).eval()


def _is_global_average(layer: LayerParameter) -> bool:
    p = layer.pooling_param
    return bool(layer.type == "Pooling" and p.global_pooling and p.pool == p.AVE)
