"""The colours of label maps, PASCAL VOC's by default: lossless conversion between labels and colours.

Source: the colour map of the PASCAL VOC development kit (VOCcode/VOClabelcolormap.m).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from fcnkit.errors import FileFormatError

IGNORE = 255
# The colours of the borders around objects: in VOC's masks, and in masks that others draw after them.
_BORDERS = np.array([[224, 224, 192], [255, 255, 255]], np.uint8)


def voc_palette() -> np.ndarray:
    """(256, 3) uint8 RGB: a label's bits, three at a time from the lowest, go to R, G and B from the highest on."""
    labels = np.arange(256, dtype=np.uint8)
    palette = np.zeros((256, 3), np.uint8)
    for triplet in range(3):
        for channel in range(3):
            palette[:, channel] |= (labels >> (3 * triplet + channel) & 1) << (7 - triplet)
    return palette


def label_image(labels: np.ndarray, palette: np.ndarray | None = None) -> Image.Image:
    """An indexed image that shows each label in its colour.

    Args:
        labels: (height, width) uint8.
        palette: (n, 3) uint8 RGB; VOC's by default.
    """
    image = Image.fromarray(labels)
    image.putpalette((voc_palette() if palette is None else palette).tobytes())
    return image


def colours_from_labels(labels: np.ndarray, palette: np.ndarray | None = None) -> np.ndarray:
    """The colour of each label: (..., 3) uint8 RGB for labels of any shape."""
    colours: np.ndarray = (voc_palette() if palette is None else palette)[labels]
    return colours


def labels_from_colours(
    colours: np.ndarray, palette: np.ndarray | None = None, ignore: int = IGNORE
) -> tuple[np.ndarray, int]:
    """The label of each colour. A colour that is not in the palette gets the label `ignore`, never background.

    White borders are no unknown colours: VOC's, which is its palette's last colour, and pure white.

    Args:
        colours: (..., 3) uint8 RGB.
        palette: (n, 3) uint8 RGB without repetition; VOC's by default.
        ignore: the label for colours that are not in the palette, and for label 255, VOC's white border.

    Returns:
        The labels, (...) uint8, and the number of pixels whose colour is neither in the palette nor a white border's.

    Raises:
        FileFormatError: two labels have one colour.
    """
    codes = _codes(voc_palette() if palette is None else palette)
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    same = np.flatnonzero(codes[1:] == codes[:-1])
    if same.size:
        one, other = order[same[0]], order[same[0] + 1]
        raise FileFormatError(
            f"the palette has the same colour for labels {one} and {other}, so that colours do not determine labels"
        )
    wanted = _codes(colours)
    places = np.searchsorted(codes, wanted).clip(max=len(codes) - 1)
    known = codes[places] == wanted
    labels = np.where(known & (order[places] != IGNORE), order[places], ignore).astype(np.uint8)
    return labels, int(np.isin(wanted[~known], _codes(_BORDERS), invert=True).sum())


def _codes(colours: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(colours.astype(np.int32), -1, 0)
    codes: np.ndarray = red << 16 | green << 8 | blue
    return codes
