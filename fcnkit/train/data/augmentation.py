"""Random changes of an image and its label map together."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from PIL import Image, ImageEnhance

from fcnkit.errors import DefinitionError

# Brightness, contrast and saturation are multiplied by a factor from 1 - JITTER to 1 + JITTER.
JITTER = 0.4
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_SCALE = re.compile(r"scale:(\d+(?:\.\d*)?|\.\d+)-(\d+(?:\.\d*)?|\.\d+)")


class Augmentation(NamedTuple):
    """The random changes of a sample; by default none.

    mirror: flip left and right, half of the time.
    scale: the smallest and the largest factor of the size; the logarithm of the factor is uniform.
    color: change brightness, contrast and saturation, of the image only.
    """

    mirror: bool = False
    scale: tuple[float, float] = (1.0, 1.0)
    color: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """The changes in a text such as `mirror,scale:0.5-2,color`.

        Raises:
            DefinitionError: the text has another word, one word twice, or a scale without two positive factors.
        """
        chosen: dict[str, bool | tuple[float, float]] = {}
        for word in (part.strip() for part in text.split(",") if part.strip()):
            scale = _SCALE.fullmatch(word)
            name = "scale" if scale else word
            if name in chosen or (name not in ("mirror", "color") and not scale):
                raise DefinitionError(f"`augment` has {word!r}; give mirror, scale:0.5-2 and color, each once at most")
            low, high = (float(scale[1]), float(scale[2])) if scale else (1.0, 1.0)
            if not 0 < low <= high <= 100:
                raise DefinitionError(
                    f"`augment` has {word!r}; give factors from above 0 to 100, the smaller one first"
                )
            chosen[name] = (low, high) if scale else True
        return cls(**chosen)  # type: ignore[arg-type]

    def __call__(
        self, image: Image.Image, labels: np.ndarray, random: np.random.Generator
    ) -> tuple[Image.Image, np.ndarray]:
        """Change a sample.

        Args:
            image: RGB.
            labels: (height, width) of the image's size, or several such maps: (maps, height, width).
            random: the generator of the changes.

        Returns:
            The image, interpolated bilinearly where it is scaled, and the labels of the nearest pixels.
        """
        if self.color:
            for enhancer in _ENHANCERS:
                image = enhancer(image).enhance(random.uniform(1 - JITTER, 1 + JITTER))
        low, high = self.scale
        if (low, high) != (1, 1):
            image, labels = scaled(image, labels, math.exp(random.uniform(math.log(low), math.log(high))))
        if self.mirror and random.integers(2):
            image, labels = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), labels[..., ::-1]
        return image, labels


def scaled(image: Image.Image, labels: np.ndarray, factor: float) -> tuple[Image.Image, np.ndarray]:
    """An image and its label maps, (..., height, width), scaled by a factor to the nearest size of at least 1 x 1."""
    height, width = (max(1, round(size * factor)) for size in labels.shape[-2:])
    # A pixel of the result lies at the same relative place as the pixel of the source, centre to centre.
    rows, columns = (
        ((np.arange(new) + 0.5) * (old / new)).astype(np.int64).clip(max=old - 1)
        for new, old in zip((height, width), labels.shape[-2:], strict=True)
    )
    return image.resize((width, height), Image.Resampling.BILINEAR), labels[..., rows[:, None], columns]


def patch_place(
    labels: np.ndarray, size: tuple[int, int], rare: Sequence[tuple[int, ...]], random: np.random.Generator
) -> tuple[int, int]:
    """The top and left of a random patch.

    Args:
        labels: (maps, height, width).
        size: (height, width) of the patch; along an axis that is shorter, the patch starts at 0.
        rare: for each map classes of which half of the patches contain a pixel, if a map has one of its classes.
        random: the generator of the place.
    """
    ranges = [(0, max(0, have - want)) for have, want in zip(labels.shape[1:], size, strict=True)]
    wanted = [(own, label) for own, classes in zip(labels, rare, strict=True) for label in classes]
    present = [(own, label) for own, label in wanted if (own == label).any()] if wanted and random.integers(2) else []
    if present:
        own, label = present[random.integers(len(present))]
        pixels = np.flatnonzero(own == label)
        pixel = np.unravel_index(pixels[random.integers(len(pixels))], own.shape)
        # The patches that contain the pixel are equally likely, so that it is not always at their centre.
        ranges = [
            (max(low, int(at) - want + 1), min(high, int(at)))
            for (low, high), at, want in zip(ranges, pixel, size, strict=True)
        ]
    top, left = (int(random.integers(low, high + 1)) for low, high in ranges)
    return top, left
