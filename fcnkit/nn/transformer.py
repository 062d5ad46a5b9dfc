"""Modules that sample a map where another blob places the pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.aliases import Pair


class SpatialTransformer(nn.Module):
    """Samples each map at the pixels of a grid that an affine transform places; outside of the map is 0.

    A place is (row, column, 1), where row and column run from -1 up to, without it, 1 over the top, and likewise over
    the bottom that is read. The six numbers of the transform are those that make a row, then those that make a column.

    Args:
        size: (height, width) of the top; None for those of the bottom.
        fixed: the six numbers; None for those that the second bottom has, in order.

    Source: daerduoCarey/SpatialTransformerLayer src/caffe/layers/st_layer.cpp, LayerSetUp, and st_layer.cu,
    SpatialTransformerForwardGPU.
    """

    def __init__(self, size: Pair | None = None, fixed: Sequence[float | None] = (None,) * 6):
        super().__init__()
        self.size, self.fixed = size, tuple(fixed)

    def forward(self, maps: Tensor, transforms: Tensor) -> Tensor:
        free = self.fixed.count(None)
        transforms = transforms.flatten(1)
        if transforms.shape != (len(maps), free):
            raise RuntimeError(f"each map needs {free} numbers of its transform, not {transforms.shape[1]}")
        given = iter(transforms.unbind(1))
        numbers = [next(given) if each is None else maps.new_full((len(maps),), each) for each in self.fixed]
        matrix = torch.stack(numbers, 1).reshape(-1, 2, 3)
        height, width = self.size or maps.shape[2:]
        rows, columns = (
            torch.arange(side, device=maps.device, dtype=maps.dtype) / side * 2 - 1 for side in (height, width)
        )
        places = torch.stack([rows[:, None].expand(height, width), columns.expand(height, width)], -1)
        # Of a map of H rows the place p is the row (p + 1) / 2 * H; F.grid_sample reads ((p + 1) * H - 1) / 2.
        sides = maps.new_tensor(maps.shape[2:])
        found = places.reshape(1, -1, 2) @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2] + 1 / sides
        grid = found.flip(-1).reshape(len(maps), height, width, 2)
        return F.grid_sample(maps, grid, padding_mode="zeros", align_corners=False)

    def extra_repr(self) -> str:
        return f"size={self.size}, fixed={self.fixed}"


class RightAngles(nn.Module):
    """Maps mirrored horizontally and then turned clockwise; or the way back.

    Args:
        mirror: whether they are mirrored.
        turns: the number of right angles.
        back: whether the same is undone.

    Source: nian-liu/DSCLRCN caffe-master/src/caffe/layers/spatialtransformer_layer.cpp, transform_cpu.
    """

    def __init__(self, mirror: bool, turns: int, back: bool):
        super().__init__()
        self.mirror, self.turns, self.back = mirror, turns, back

    def forward(self, bottom: Tensor) -> Tensor:
        if self.back:
            turned = bottom.rot90(self.turns, (2, 3))
            return turned.flip(3) if self.mirror else turned
        return (bottom.flip(3) if self.mirror else bottom).rot90(-self.turns, (2, 3))

    def extra_repr(self) -> str:
        return f"mirror={self.mirror}, turns={self.turns}, back={self.back}"
