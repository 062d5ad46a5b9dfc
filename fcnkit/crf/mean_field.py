"""Mean-field inference in fully connected conditional random fields (dense CRFs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from fcnkit.crf.lattice import NORMALIZATIONS, Lattice

Numbers = float | Sequence[float]


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


class DenseCRF(nn.Module):
    """Refines the scores of a segmentation by the positions and colours of all pairs of pixels.

    Two pixels with different labels cost the more, the nearer they are and the more their colours agree. The energy of
    a labelling is minus its scores plus, for each pair of pixels, sum_k w_k k(i, j) penalty(label i, label j). The
    kernels k are Gaussians of the positions (smoothness), and of positions and colours (appearance). There may be
    several of each.

    The defaults are DeepLab's for its ResNet-101 on PASCAL VOC 2012.

    Source: Krähenbühl and Koltun, NIPS 2011; TheLegendAli/DeepLab-Context src/caffe/layers/densecrf_layer.cpp for the
    names; kazuto1011/deeplab-pytorch configs/voc12.yaml for the defaults.
    """

    pos_w: Tensor
    bi_w: Tensor
    compatibility: Tensor | None

    def __init__(
        self,
        max_iter: int = 10,
        pos_w: Numbers = 3,
        pos_xy_std: Numbers = 1,
        bi_w: Numbers = 4,
        bi_xy_std: Numbers = 67,
        bi_rgb_std: Numbers = 3,
        compatibility: Tensor | None = None,
        normalization: str = "symmetric",
        learnable: bool = False,
    ):
        """Choose the kernels.

        Args:
            max_iter: iterations of mean-field inference.
            pos_w: weight of the smoothness; several kernels have several weights.
            pos_xy_std: its standard deviation, in pixels.
            bi_w: weight of the appearance.
            bi_xy_std: its standard deviation of positions, in pixels.
            bi_rgb_std: its standard deviation of colours, in the image's units.
            compatibility: (classes, classes), the penalty of a pixel's label (row) beside another's (column);
                None for 1 if they differ, else 0 (Potts).
            normalization: of the kernels: "symmetric" as in pydensecrf, "after" as in DeepLab's and CRF-RNN's Caffe,
                "before" or "none".
            learnable: register weights and compatibility as parameters, which state dicts contain.

        Raises:
            ValueError: a value is out of range, or weights and deviations differ in number.
        """
        super().__init__()
        numbers = {"pos_w": pos_w, "pos_xy_std": pos_xy_std, "bi_w": bi_w, "bi_xy_std": bi_xy_std}
        lists = {name: _listed(value) for name, value in [*numbers.items(), ("bi_rgb_std", bi_rgb_std)]}
        for first, *others in (("pos_w", "pos_xy_std"), ("bi_w", "bi_xy_std", "bi_rgb_std")):
            for other in others:
                if len(lists[other]) != len(lists[first]):
                    raise ValueError(f"{first} has {len(lists[first])} numbers, {other} {len(lists[other])}")
                if not all(0 < std < float("inf") for std in lists[other]):
                    raise ValueError(f"{other} must be positive")
        if max_iter < 0:
            raise ValueError("max_iter must be at least 0")
        if normalization not in NORMALIZATIONS:
            raise ValueError(f"normalization must be one of {', '.join(NORMALIZATIONS)}, not {normalization!r}")
        if compatibility is not None and (compatibility.dim() != 2 or len(compatibility) != len(compatibility.t())):
            raise ValueError(f"compatibility must be classes x classes, not {tuple(compatibility.shape)}")
        self.max_iter, self.normalization, self.learnable = max_iter, normalization, learnable
        self.pos_xy_std = lists["pos_xy_std"]
        self.bi_xy_std, self.bi_rgb_std = lists["bi_xy_std"], lists["bi_rgb_std"]
        learned = {"pos_w": lists["pos_w"], "bi_w": lists["bi_w"], "compatibility": compatibility}
        for name, value in learned.items():
            tensor = None if value is None else torch.as_tensor(value, dtype=torch.float32).detach().clone()
            if learnable and tensor is not None:
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor, persistent=False)
        self._kernels = Kernels(normalization)

    def forward(self, scores: Tensor, image: Tensor | None = None) -> Tensor:
        """Refine scores.

        Args:
            scores: (N, classes, height, width), log-probabilities up to a constant for each pixel.
            image: (N, channels, height, width), by default 0..255; None leaves out the appearance.

        Returns:
            The probabilities, (N, classes, height, width).
        """
        return self.refined(scores, image).softmax(1)

    def refined(self, scores: Tensor, image: Tensor | None = None) -> Tensor:
        """As forward, before the softmax."""
        check_image(scores, image)
        single = scores if scores.dtype == torch.float64 else scores.float()
        images = [None] * len(scores) if image is None else image
        found = [self._refined(each, shown) for each, shown in zip(single, images, strict=True)]
        return torch.stack(found).to(scores.dtype) if found else scores

    def _refined(self, scores: Tensor, image: Tensor | None) -> Tensor:
        kernels = [*self._kernels.of_positions(scores, self.pos_xy_std)]
        weights = [*self.pos_w.to(scores)]
        if image is not None:
            kernels += self._kernels.of_image(image, scores, zip(self.bi_xy_std, self.bi_rgb_std, strict=True))
            weights += self.bi_w.to(scores)
        unary = rows_from_map(scores)
        penalties = None if self.compatibility is None else self.compatibility.to(scores)

        def update(probabilities: Tensor) -> Tensor:
            # Under Potts, a label is rewarded by its own probability instead of punished by all others': for a pixel
            # they have a fixed sum.
            total = unary if penalties is None else torch.zeros_like(unary)
            for kernel, weight in zip(kernels, weights, strict=True):
                total = torch.addcmul(total, weight, kernel(probabilities))
            return total if penalties is None else torch.addmm(unary, total, penalties.t(), alpha=-1)

        return map_from_rows(mean_field(unary, update, self.max_iter), scores)


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


def _listed(numbers: Numbers) -> list[float]:
    return [float(number) for number in ([numbers] if isinstance(numbers, int | float) else numbers)]
