"""Small images with scores, and the dense matrices of the Gaussians that a CRF approximates."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

HEIGHT, WIDTH, CLASSES = 20, 27, 4


def scene(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> tuple[Tensor, Tensor]:
    """Scores (1, CLASSES, height, width) and an image (1, 3, height, width) of coloured regions, both float64.

    The scores are those of the regions, smeared and noisy, as of a net with coarse outputs.
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    labels = (x > width / 2).astype(int) + 2 * ((y - 9) ** 2 + (x - 10) ** 2 < 36)
    colours = np.array([[60, 90, 40], [200, 180, 160], [30, 40, 120], [220, 60, 50]])
    image = colours[labels] + random.normal(0, 6, (height, width, 3))
    near = (np.roll(np.eye(CLASSES)[labels], 2, (0, 1)) + np.eye(CLASSES)[labels]).transpose(2, 0, 1)
    scores = 1.5 * near + random.normal(0, 1, near.shape)
    return torch.from_numpy(scores)[None], torch.from_numpy(image.clip(0, 255).transpose(2, 0, 1))[None]


def gaussian(height: int, width: int, xy_std: float, image: Tensor | None = None, rgb_std: float = 1) -> np.ndarray:
    """exp(-distance^2 / 2) between all pairs of pixels, (pixels, pixels), written out pair by pair."""
    y, x = np.mgrid[:height, :width]
    features = [x.ravel() / xy_std, y.ravel() / xy_std]
    if image is not None:
        features += [channel.ravel() / rgb_std for channel in image[0].numpy()]
    squares = sum(np.subtract.outer(feature, feature) ** 2 for feature in features)
    return np.asarray(np.exp(-squares / 2))


def normalized(matrix: np.ndarray, how: str) -> np.ndarray:
    """A matrix of weights, normalized by the sums of its rows."""
    sums = matrix.sum(1)
    if how == "symmetric":
        return matrix / np.sqrt(np.outer(sums, sums))
    return matrix / sums[:, None] if how == "after" else matrix / sums[None] if how == "before" else matrix
