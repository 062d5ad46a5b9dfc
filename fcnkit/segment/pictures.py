"""Pictures of label maps and scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fcnkit.palette import colours_from_labels, voc_palette

# Sizes in the legend, in pixels.
_TEXT, _MARGIN = 14, 6
# A contour is one pixel wide, and one more for each so many pixels of the image's shorter side.
_CONTOUR = 400


def overlay(
    image: Image.Image,
    labels: np.ndarray,
    opacity: float = 0.5,
    palette: np.ndarray | None = None,
    background: int | None = 0,
    *,
    contours: bool = False,
) -> Image.Image:
    """The image with the colours of its labels laid over it.

    Args:
        image: any mode, of the labels' size.
        labels: (height, width) uint8.
        opacity: share of the label's colour, 0 to 1.
        palette: (n, 3) uint8 RGB; VOC's by default.
        background: the label whose pixels are left unchanged, or None.
        contours: draw the borders of the labels' areas, inside of each area, in full colour.
    """
    pixels = np.asarray(image.convert("RGB"), np.float32)
    share = np.where(borders(labels), 1, opacity)[..., None] if contours else opacity
    mixed = (1 - share) * pixels + share * colours_from_labels(labels, palette).astype(np.float32)
    if background is not None:
        mixed = np.where(labels[..., None] == background, pixels, mixed)
    return Image.fromarray(mixed.round().astype(np.uint8))


def borders(labels: np.ndarray) -> np.ndarray:
    """The pixels near a pixel of another label, in the same row or column: (height, width) bool.

    Args:
        labels: (height, width).
    """
    near = np.zeros(labels.shape, bool)
    for step in range(1, 2 + min(labels.shape) // _CONTOUR):
        for seen, turned in ((near, labels), (near.T, labels.T)):  # views: down the columns, then along the rows
            different = turned[step:] != turned[:-step]
            seen[step:] |= different
            seen[:-step] |= different
    return near


def beside(picture: Image.Image, legend: Image.Image) -> Image.Image:
    """A picture with its legend to the right."""
    both = Image.new("RGB", (picture.width + legend.width, max(picture.height, legend.height)), "white")
    both.paste(picture, (0, 0))
    both.paste(legend, (picture.width, 0))
    return both


def heatmap(probabilities: np.ndarray) -> Image.Image:
    """An indexed image of probabilities: index 0 to 255 is 0 to 1, in colours from black through red to white.

    Args:
        probabilities: (height, width), 0 to 1.
    """
    image = Image.fromarray((probabilities * 255).round().astype(np.uint8))
    ramp = np.linspace(0, 3, 256)[:, None] - np.arange(3)
    image.putpalette((ramp.clip(0, 1) * 255).round().astype(np.uint8).tobytes())
    return image


def legend(labels: np.ndarray, names: Sequence[str], palette: np.ndarray | None = None) -> Image.Image:
    """The legend of a label map, one line per class, the largest first: colour, name and share of the pixels.

    Args:
        labels: (height, width) uint8.
        names: of the classes.
        palette: (n, 3) uint8 RGB; VOC's by default.
    """
    colours = voc_palette() if palette is None else palette
    font = ImageFont.load_default(_TEXT)
    lines = [(label, f"{names[label]}  {share:.1%}") for label, share in shares(labels)]
    step = _TEXT + _MARGIN
    width = max(round(font.getlength(text)) for _, text in lines) + _TEXT + 3 * _MARGIN
    image = Image.new("RGB", (width, step * len(lines) + _MARGIN), "white")
    draw = ImageDraw.Draw(image)
    for row, (label, text) in enumerate(lines):
        top = row * step + _MARGIN
        box = (_MARGIN, top, _MARGIN + _TEXT, top + _TEXT)
        draw.rectangle(box, fill=tuple(map(int, colours[label])), outline="grey")
        draw.text((_TEXT + 2 * _MARGIN, top + _TEXT // 2), text, fill="black", font=font, anchor="lm")
    return image


def shares(labels: np.ndarray) -> list[tuple[int, float]]:
    """The labels in a label map and their shares of its pixels, the largest first."""
    counts = np.bincount(labels.ravel())
    order = np.argsort(-counts, kind="stable")
    return [(int(label), float(counts[label] / labels.size)) for label in order if counts[label]]
