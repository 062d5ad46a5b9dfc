"""Images of a circle, a square and a triangle, and their label maps: data of one's own for fcnkit train."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

SIDE = 64


class Shapes:
    """Pairs of an image (3, 64, 64), from -2 to 2, and its labels, (1, 64, 64): 0 background, 1 to 3 the shapes."""

    def __init__(self, seed: int, count: int):
        self.seed, self.count = seed, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([self.seed, index])
        noise = random.normal(random.uniform(60, 200, 3), 20, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
        image, labels = Image.fromarray(noise), Image.new("L", (SIDE, SIDE))
        for label in random.permutation([1, 2, 3]):
            size, colour = int(random.integers(14, 30)), tuple(int(c) for c in random.integers(0, 256, 3))
            x, y = (int(v) for v in random.integers(0, SIDE - size, 2))
            for canvas, fill in ((image, colour), (labels, int(label))):
                pen = ImageDraw.Draw(canvas)
                if label == 1:
                    pen.ellipse((x, y, x + size, y + size), fill=fill)
                elif label == 2:
                    pen.rectangle((x, y, x + size, y + size), fill=fill)
                else:
                    pen.polygon(((x, y + size), (x + size, y + size), (x + size // 2, y)), fill=fill)
        pixels = np.asarray(image, np.float32)[:, :, ::-1] / 64 - 2
        return pixels.transpose(2, 0, 1), np.asarray(labels)[None]


def samples(phase: str) -> Shapes:
    """What `--data data=shapes:samples` takes: other images in training than in testing."""
    return Shapes(0, 4000) if phase == "train" else Shapes(1, 64)
