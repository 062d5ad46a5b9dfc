"""Mean-field inference with learned weights: conditional random fields as recurrent networks (CRF-RNN)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.crf.mean_field import Kernels, check_image, map_from_rows, mean_field, rows_from_map


class CRFRNN(nn.Module):
    """Iterations of mean field whose weights between classes and compatibility are learned.

    The kernels are normalized by the sums of their weights after filtering.

    Attributes:
        spatial_weight, bilateral_weight, compatibility: (classes, classes).

    Source: Zheng et al., "Conditional Random Fields as Recurrent Neural Networks", ICCV 2015; torrvision/caffe-tvg
    src/caffe/layers/multi_stage_meanfield.cpp and meanfield_iteration.cpp.
    """

    spatial_weight: Tensor
    bilateral_weight: Tensor
    compatibility: Tensor

    def __init__(
        self,
        classes: int,
        iterations: int = 10,
        theta_alpha: float = 160,
        theta_beta: float = 3,
        theta_gamma: float = 3,
        spatial: Sequence[float] | float = 3,
        bilateral: Sequence[float] | float = 5,
    ):
        """Choose the kernels and the weights before training; the compatibility starts as Potts'.

        Args:
            classes: their number.
            iterations: of mean field.
            theta_alpha, theta_beta: standard deviations of the bilateral kernel, in pixels and in units of the image.
            theta_gamma: standard deviation of the spatial kernel, in pixels.
            spatial, bilateral: the weight of each class with itself, or one for all; those between classes are 0.

        Raises:
            ValueError: a deviation is not positive.
        """
        super().__init__()
        if min(theta_alpha, theta_beta, theta_gamma) <= 0:
            raise ValueError("theta_alpha, theta_beta and theta_gamma must be positive")
        self.iterations = iterations
        self.theta_alpha, self.theta_beta, self.theta_gamma = theta_alpha, theta_beta, theta_gamma
        for name, diagonal in (("spatial_weight", spatial), ("bilateral_weight", bilateral), ("compatibility", -1)):
            matrix = torch.diag(torch.as_tensor(diagonal, dtype=torch.float32).expand(classes))
            self.register_parameter(name, nn.Parameter(matrix))
        self._kernels = Kernels("after")

    def forward(self, scores: Tensor, start: Tensor, image: Tensor) -> Tensor:
        """Refine scores.

        Args:
            scores: (N, classes, height, width).
            start: the scores of the first iteration, often the same.
            image: (N, channels, height, width).

        Returns:
            Refined scores, (N, classes, height, width); their softmax are the probabilities.
        """
        check_image(scores, image)
        if start.shape != scores.shape:
            raise RuntimeError(
                f"the bottoms must have equal shapes, not {tuple(scores.shape)} and {tuple(start.shape)}"
            )
        found = [self._refined(*item) for item in zip(scores, start, image, strict=True)]
        return torch.stack(found) if found else scores

    def _refined(self, scores: Tensor, start: Tensor, image: Tensor) -> Tensor:
        [spatial] = self._kernels.of_positions(scores, [self.theta_gamma])
        [bilateral] = self._kernels.of_image(image, scores, [(self.theta_alpha, self.theta_beta)])
        unary = rows_from_map(scores)

        def update(probabilities: Tensor) -> Tensor:
            passed = (
                spatial(probabilities) @ self.spatial_weight.t() + bilateral(probabilities) @ self.bilateral_weight.t()
            )
            return unary - passed @ self.compatibility.t()

        return map_from_rows(mean_field(rows_from_map(start), update, self.iterations), scores)
