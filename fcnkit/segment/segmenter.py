"""Segmentation of images with a net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.crf import DenseCRF
from fcnkit.errors import ArgumentError, DefinitionError, InputError, nearest
from fcnkit.fast import optimized
from fcnkit.net import CaffeNet
from fcnkit.segment.classes import MOST
from fcnkit.segment.preprocessing import image_preprocessing
from fcnkit.segment.tiled import Division, Tile, Tiles


def input_from_image(image: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """The input of a net for an image: not resized, 0..255 unless the net's preprocessing specifies another scale.

    Args:
        image: any mode; it is converted to RGB, or to grey for a net of one channel.
        preprocessing: of the net's input, as in `CaffeNet.preprocessing`.

    Returns:
        (1, channels, height, width) float32.
    """
    order = preprocessing.channel_order
    pixels = np.array(image.convert("RGB" if order else "L"), np.float32).reshape(image.height, image.width, -1)
    if order == "BGR":
        pixels = pixels[:, :, ::-1]
    low, high = preprocessing.range
    # In place: large images take much memory.
    pixels *= (high - low) / 255
    pixels += low
    if preprocessing.mean:
        pixels -= np.array(preprocessing.mean, np.float32)
    pixels *= preprocessing.scale
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).unsqueeze(0)


class Prediction(NamedTuple):
    """The results of a net for an image.

    labels: (height, width) uint8, the class with the highest score at each pixel.
    scores: (classes, height, width) float32, or None if they were not requested; with a CRF, its probabilities.
    heat: (height, width) float32, the probability of one class, or None.
    """

    labels: np.ndarray
    scores: np.ndarray | None = None
    heat: np.ndarray | None = None


class Segmenter:
    """Maps images to label maps with a net.

    Attributes:
        net: the net, on its device.
        preprocessing: how images become the net's input.
        classes: the number of classes of the net.
        heat: class whose probabilities are kept, or None.
    """

    heat: int | None = None

    def __init__(
        self,
        net: CaffeNet,
        *,
        output: str | None = None,
        mean: Sequence[float] | None = None,
        scale: float | None = None,
        rgb: bool = False,
        tile: Tile | None = None,
        memory: int | None = None,
        watch: Callable[[Division], object] | None = None,
        scores: bool = False,
        crf: DenseCRF | None = None,
        device: torch.device | str = "cpu",
        fast: bool = True,
    ):
        """Prepare a net for segmentation.

        Args:
            net: maps one image to scores.
            output: name of the scores, for a net of several outputs.
            mean, scale, rgb: as in `image_preprocessing`; they override the net's own.
            tile: run the net on tiles of the image that make label maps of this height and width, in pixels; "auto"
                for the whole image where memory allows, else for parts of it that fit (see `Tiles`).
            memory: the most bytes that the net's blobs take, for "auto"; by default half of what is free.
            watch: is called with the division of each size of image that runs in parts.
            scores: keep the scores.
            crf: refines the scores by the image, RGB 0..255.
            device: where the net runs.
            fast: run the net with prepared weights, and only on the pixels that an image reaches (see `fcnkit.fast`).
                It takes as much memory as the weights once more, and pays from the second image on.

        Raises:
            ArgumentError: net, tile or memory is of another type.
            DefinitionError: the net does not map one image to scores of up to 256 classes, or not by tiles.
            InputError: output, mean or scale does not fit the net, or the net states neither mean nor scale.
        """
        if not isinstance(net, CaffeNet):
            raise ArgumentError(f"a {type(net).__name__} is not a CaffeNet; fcnkit.load returns one")
        if len(net.inputs) != 1 or net.inputs[0] not in net.preprocessing:
            raise DefinitionError(f"the net reads {', '.join(net.inputs)}; segmenting needs one image and nothing else")
        if output is None and len(net.outputs) > 1:
            raise DefinitionError(f"the net has several outputs, {', '.join(net.outputs)}; choose one with `output`")
        self._output = output or net.outputs[0]
        if self._output not in net.outputs:
            hint = nearest(self._output, net.outputs)
            raise InputError(f"the net has no output {self._output!r}{hint}; it has {', '.join(net.outputs)}")
        shape = net.shapes[self._output]
        if len(shape) != 4 or not 2 <= shape[1] <= MOST:
            raise DefinitionError(
                f"the output {self._output!r} has shape {shape}, not N x classes x height x width "
                f"with 2 to {MOST} classes"
            )
        self.classes = shape[1]
        self.preprocessing = image_preprocessing(net, mean, scale, rgb)
        self._scores = scores
        makers = [step.kind for step in net.steps if self._output in step.tops]
        self._probable = makers[-1:] == ["Softmax"]
        self._device = torch.device(device)
        self._crf = None if crf is None else crf.to(self._device).eval()
        self.net = net.to(self._device).eval()
        prepared = optimized(self.net) if fast else None
        self._forward: Any = prepared or self.net
        self._tiles = None
        if tile is not None:
            self._tiles = Tiles(self.net, self._output, tile, memory=memory, prepared=prepared, watch=watch)

    def __call__(self, batch: Sequence[Image.Image]) -> list[Prediction]:
        """Segment images of one size.

        Args:
            batch: the images.

        Raises:
            ArgumentError: it is not a sequence of images.
            InputError: the net cannot work with their size, or its scores are no numbers.
        """
        if not isinstance(batch, Sequence) or not batch or not all(isinstance(each, Image.Image) for each in batch):
            raise ArgumentError("give a list of images that Pillow opened, such as [image]")
        if len(sizes := {each.size for each in batch}) > 1:
            shown = ", ".join(f"{height} x {width}" for width, height in sorted(sizes))
            raise ArgumentError(f"the images have {len(sizes)} sizes, {shown}; give those of one size together")
        width, height = batch[0].size
        division = None if self._tiles is None else self._tiles.plan((height, width), len(batch))
        if self._tiles is None or division is None:
            return [Prediction(*arrays) for arrays in zip(*self._whole(batch), strict=True)]
        whole = [
            Prediction(
                np.empty((height, width), np.uint8),
                np.empty((self.classes, height, width), np.float32) if self._scores or self._crf is not None else None,
                np.empty((height, width), np.float32) if self.heat is not None else None,
            )
            for _ in batch
        ]
        for rows, columns, scores in self._tiles.parts(division, batch, self._read, self._run):
            parts = self._results(scores, self._probable, self._scores or self._crf is not None)
            for prediction, arrays in zip(whole, zip(*parts, strict=True), strict=True):
                for array, part in zip(prediction, arrays, strict=True):
                    if array is not None:
                        array[..., rows, columns] = part
        if self._crf is None:
            return whole
        kept = torch.stack([torch.from_numpy(prediction.scores) for prediction in whole]).to(self._device)
        return [Prediction(*arrays) for arrays in zip(*self._refined(kept, batch), strict=True)]

    def _whole(self, batch: Sequence[Image.Image]) -> list[Sequence[Any]]:
        """Labels, scores and heat of images that run in one piece, each with one item per image."""
        scores = self._run(self._read(batch))
        return (
            self._results(scores, self._probable, self._scores) if self._crf is None else self._refined(scores, batch)
        )

    def _read(self, batch: Sequence[Image.Image]) -> Tensor:
        """The net's input."""
        inputs = [input_from_image(image, self.preprocessing) for image in batch]
        return (torch.cat(inputs) if len(inputs) > 1 else inputs[0]).to(self._device)

    @torch.inference_mode()
    def _run(self, inputs: Tensor) -> Tensor:
        """The scores of the net."""
        scores: Tensor | dict[str, Tensor] = self._forward(inputs)
        return scores[self._output] if isinstance(scores, dict) else scores

    @torch.inference_mode()
    def _refined(self, scores: Tensor, batch: Sequence[Image.Image]) -> list[Any]:
        """As `_whole`, of scores, after the CRF."""
        assert self._crf is not None
        if scores.shape[2:] != (batch[0].height, batch[0].width):
            raise InputError(
                f"the output has {_times(scores)} pixels for an image of {batch[0].height} x {batch[0].width};"
                " run it without `crf`, which needs scores for each pixel"
            )
        pixels = torch.stack([torch.from_numpy(np.array(image.convert("RGB"))) for image in batch]).permute(0, 3, 1, 2)
        logs = scores.clamp_min(torch.finfo(scores.dtype).tiny).log() if self._probable else scores
        try:
            probabilities = self._crf(logs, pixels.to(self._device))
        except ValueError as error:
            raise InputError(f"`crf`: {error}") from None
        return self._results(probabilities, True, self._scores)

    @torch.inference_mode()
    def _results(self, scores: Tensor, probable: bool, keep: bool) -> list[Any]:
        nothing = [None] * len(scores)
        best, labels = scores.max(1)
        _require_numbers(best)
        heat = None
        if self.heat is not None:
            heat = (scores if probable else scores.softmax(1))[:, self.heat]
        return [
            labels.to(torch.uint8).cpu().numpy(),
            scores.cpu().numpy() if keep else nothing,
            nothing if heat is None else heat.cpu().numpy(),
        ]


def label_map(net: CaffeNet, image: Image.Image) -> np.ndarray:
    """The class with the highest score at each pixel: (height, width) uint8.

    Raises:
        DefinitionError: the net does not map one image to one score map.
    """
    return Segmenter(net, fast=False)([image])[0].labels


def _require_numbers(best: Tensor) -> None:
    """Refuse scores of which the largest of a pixel is infinite or not a number: no class follows from them."""
    wrong = int((~torch.isfinite(best)).sum())
    if wrong:
        raise InputError(
            f"the scores are infinite or not numbers at {wrong:,} of {best.numel():,} pixels;"
            " check the weights, and the mean and scale of the images"
        )


def _times(blob: Tensor) -> str:
    return f"{blob.shape[2]} x {blob.shape[3]}"
