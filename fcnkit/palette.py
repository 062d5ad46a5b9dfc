"""The colours of PASCAL VOC's label maps.

Source: the colour map of the PASCAL VOC development kit (VOCcode/VOClabelcolormap.m).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

IGNORE = 255


def voc_palette() -> np.ndarray:
    """(256, 3) uint8 RGB: a label's bits, three at a time from the lowest, go to R, G and B from the highest on."""
    labels = np.arange(256, dtype=np.uint8)
    palette = np.zeros((256, 3), np.uint8)
    for triplet in range(3):
        for channel in range(3):
            palette[:, channel] |= (labels >> (3 * triplet + channel) & 1) << (7 - triplet)
    return palette


def label_image(labels: np.ndarray) -> Image.Image:
    """An indexed image that shows each label in its colour.

    Args:
        labels: (height, width) uint8.
    """
    image = Image.fromarray(labels)
    image.putpalette(voc_palette().tobytes())
    return image


def overlay(image: Image.Image, labels: np.ndarray, opacity: float = 0.5) -> Image.Image:
    """The image with the colours of its labels laid over it wherever the label is not background.

    Args:
        image: any mode, of the labels' size.
        labels: (height, width) uint8.
        opacity: share of the label's colour, 0 to 1.
    """
    pixels = np.asarray(image.convert("RGB"), np.float32)
    colours = voc_palette()[labels].astype(np.float32)
    mixed = (1 - opacity) * pixels + opacity * colours
    return Image.fromarray(np.where(labels[..., None] > 0, mixed, pixels).round().astype(np.uint8))
