"""Mean-field inference between all pairs of pixels of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from fcnkit.crf.lattice import Lattice


class Kernels:
    """The kernels of images; those of positions alone are kept for the next image of the same size."""

    def __init__(self, normalization: str):
        self._normalization = normalization
        self._kept: tuple[object, list[Lattice]] = None, []

    def of_positions(self, like: Tensor, deviations: Sequence[float]) -> list[Lattice]:
        """A kernel for each deviation in pixels.

        Args:
            like: (channels, height, width), with the dtype and device of the values.
            deviations: of x and y.
        """
        key = like.shape[1:], like.dtype, like.device, *deviations
        if self._kept[0] != key:
            points = _positions(like)
            self._kept = key, [Lattice(points / std, self._normalization, like.dtype) for std in deviations]
        return self._kept[1]

    def of_image(self, image: Tensor, like: Tensor, deviations: Iterable[tuple[float, float]]) -> list[Lattice]:
        """A kernel for each pair of deviations, of the positions in pixels and of the channels of the image.

        Args:
            image: (channels, height, width).
            like: (channels, height, width), with the dtype and device of the values.
        """
        points, colours = _positions(like), image.detach().flatten(1).t().double()
        features = (torch.cat([points / xy, colours / rgb], 1) for xy, rgb in deviations)
        return [Lattice(each, self._normalization, like.dtype) for each in features]


def _positions(like: Tensor) -> Tensor:
    """x and y of each pixel, (pixels, 2)."""
    height, width = like.shape[1:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1).to(like.device, torch.float64)


def mean_field(scores: Tensor, update: Callable[[Tensor], Tensor], iterations: int) -> Tensor:
    """The scores after some iterations of mean-field inference.

    Args:
        scores: (pixels, classes), to start from.
        update: from probabilities to the next scores, both (pixels, classes).
        iterations: their number.

    Returns:
        (pixels, classes); their softmax are the probabilities.

    Source: Krähenbühl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", NIPS
    2011, algorithm 1.
    """
    for _ in range(iterations):
        scores = update(scores.softmax(1))
    return scores


def rows_from_map(scores: Tensor) -> Tensor:
    """(classes, height, width) to (pixels, classes)."""
    return scores.flatten(1).t().contiguous()


def map_from_rows(rows: Tensor, like: Tensor) -> Tensor:
    """(pixels, classes) to the shape of `like`, (classes, height, width)."""
    return rows.t().reshape(like.shape)


def check_image(scores: Tensor, image: Tensor | None) -> None:
    """Check that an image fits its scores.

    Raises:
        RuntimeError: it does not.
    """
    if scores.dim() != 4:
        raise RuntimeError(f"the scores must have 4 axes, not the shape {tuple(scores.shape)}")
    if image is not None and (image.dim() != 4 or len(image) != len(scores) or image.shape[2:] != scores.shape[2:]):
        raise RuntimeError(f"an image of shape {tuple(image.shape)} does not fit scores of {tuple(scores.shape)}")
