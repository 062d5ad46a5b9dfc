"""Fully connected conditional random fields with given kernels (dense CRFs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fcnkit.crf.lattice import NORMALIZATIONS
from fcnkit.crf.mean_field import Kernels, check_image, map_from_rows, mean_field, rows_from_map

Numbers = float | Sequence[float]


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


class PaddedDenseCRF(DenseCRF):
    """A dense CRF on images of different sizes in a batch, padded at the bottom and right.

    Source: TheLegendAli/DeepLab-Context and itlab-vision/ITLab-Vision-deeplab src/caffe/layers/densecrf_layer.cpp.
    """

    def __init__(self, probabilities: bool = True, **settings: Any):
        """Choose the kernels.

        Args:
            probabilities: return them, else their logarithms.
            settings: as of DenseCRF.
        """
        super().__init__(**settings)
        self.probabilities = probabilities

    def forward(self, scores: Tensor, sizes: Tensor, image: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Refine scores.

        Args:
            scores: (N, classes, height, width).
            sizes: (N, ...), of which the first two numbers of each item are the height and width of its image; a
                cropped image may be larger than the scores.
            image: (N, channels, height, width); None leaves out the appearance.

        Returns:
            (N, classes, height, width), zeros in the padding.
        """
        check_image(scores, image)
        found = torch.zeros_like(scores)
        for item, (height, width) in enumerate(sizes.flatten(1)[:, :2].long().tolist()):
            part = slice(item, item + 1), slice(None), slice(height), slice(width)
            refined = self.refined(scores[part], None if image is None else image[part]).softmax(1)
            found[part] = refined if self.probabilities else refined.clamp_min(torch.finfo(torch.float32).tiny).log()
        return found


def _listed(numbers: Numbers) -> list[float]:
    return [float(number) for number in ([numbers] if isinstance(numbers, int | float) else numbers)]
