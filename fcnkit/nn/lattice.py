"""The features that place pixels on a lattice."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PixelFeatures(nn.Module):
    """The row and column of each pixel, its values, or both: (images, features, height, width).

    Args:
        kind: "POSITION", "POSITION_AND_RGB", "RGB_AND_POSITION" or "RGB".
        position, color: factors of the positions and of the values.
        offset: (height, width), added to the scaled positions.

    Source: MPI-IS/bilateralNN bilateralnn_code/src/caffe/layers/pixel_feature_layer.cpp, Forward_cpu.
    """

    def __init__(
        self, kind: str = "POSITION", position: float = 1, color: float = 1, offset: tuple[float, float] = (0, 0)
    ):
        super().__init__()
        self.kind, self.position, self.color, self.offset = kind, position, color, tuple(offset)

    def forward(self, bottom: Tensor) -> Tensor:
        images, _, height, width = bottom.shape
        y, x = (torch.arange(size, device=bottom.device, dtype=bottom.dtype) for size in (height, width))
        rows, columns = self.position * y + self.offset[0], self.position * x + self.offset[1]
        places = torch.stack([rows[:, None].expand(height, width), columns.expand(height, width)])
        parts = {"POSITION": places.expand(images, -1, -1, -1), "RGB": self.color * bottom.detach()}
        return torch.cat([parts[part] for part in self.kind.split("_AND_")], 1)

    def extra_repr(self) -> str:
        return f"{self.kind}, position={self.position}, color={self.color}, offset={self.offset}"
