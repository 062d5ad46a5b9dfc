"""Drawn images of circles, squares and triangles, with their label maps: data of one's own for fcnkit train.

As a program it writes them to a folder: python shapes.py DIR --count 300
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from fcnkit.palette import IGNORE, label_image

CLASSES = ("background", "circle", "square", "triangle")
SIDE = 64


def draw(random: np.random.Generator, height: int, width: int) -> tuple[Image.Image, np.ndarray]:
    """One shape of each class on noise.

    Returns:
        An RGB image, and its labels: (height, width) uint8, the indices of CLASSES.
    """
    noise = random.normal(random.uniform(60, 200, 3), 20, (height, width, 3)).clip(0, 255).astype(np.uint8)
    image, labels = Image.fromarray(noise), Image.new("L", (width, height))
    smallest, largest = (part * min(height, width) // 64 for part in (14, 30))
    for label in random.permutation([1, 2, 3]):
        size, colour = int(random.integers(smallest, largest)), tuple(int(c) for c in random.integers(0, 256, 3))
        x, y = (int(random.integers(0, side - size)) for side in (width, height))
        for canvas, fill in ((image, colour), (labels, int(label))):
            pen = ImageDraw.Draw(canvas)
            if label == 1:
                pen.ellipse((x, y, x + size, y + size), fill=fill)
            elif label == 2:
                pen.rectangle((x, y, x + size, y + size), fill=fill)
            else:
                pen.polygon(((x, y + size), (x + size, y + size), (x + size // 2, y)), fill=fill)
    return image, np.asarray(labels)


def with_border(labels: np.ndarray) -> np.ndarray:
    """The labels with 255, which is ignored, at the pixels of shapes that touch the background."""
    padded = np.pad(labels, 1, mode="edge")
    neighbours = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    touching = np.any([neighbour == 0 for neighbour in neighbours], axis=0)
    return np.where((labels > 0) & touching, IGNORE, labels).astype(np.uint8)


class Shapes:
    """Pairs of an image (3, 64, 64), from -2 to 2, and its labels, (1, 64, 64): 0 background, 1 to 3 the shapes."""

    def __init__(self, seed: int, count: int):
        self.seed, self.count = seed, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        image, labels = draw(np.random.default_rng([self.seed, index]), SIDE, SIDE)
        pixels = np.asarray(image, np.float32)[:, :, ::-1] / 64 - 2
        return pixels.transpose(2, 0, 1), labels[None]


def samples(phase: str) -> Shapes:
    """What `--data data=shapes:samples` takes: other images in training than in testing."""
    return Shapes(0, 4000) if phase == "train" else Shapes(1, 64)


def write(folder: Path, count: int, seed: int) -> None:
    """Write images/, labels/ (indexed PNG in VOC's colours, with white borders) and classes.txt to a folder.

    The sides of the images are 64 to 128 pixels long.
    """
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        random = np.random.default_rng([seed, index])
        height, width = map(int, random.integers(64, 129, 2))
        image, labels = draw(random, height, width)
        image.save(folder / "images" / f"{index:04}.jpg", quality=90)
        label_image(with_border(labels)).save(folder / "labels" / f"{index:04}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write drawn images and their label maps to a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=300, help="number of images (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other images (default: 0)")
    options = parser.parse_args()
    write(options.folder, options.count, options.seed)


if __name__ == "__main__":
    main()
