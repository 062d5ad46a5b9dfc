"""Modules that move a camera: pixels become points in space, and points become pixels of another image.

A camera is (batch, 4, ...): the focal lengths in pixels of its columns and rows, and the column and row of its centre.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fcnkit.nn.warping import read_bilinearly

# The squared angle below which a rotation is the identity and its first-order term.
_SMALL = 1e-12
# Added to depths that divide.
_EPS = 1e-12


class Motion(nn.Module):
    """The motion of a camera as a matrix (batch, 1, 4, 4), from an axis times an angle and a shift that it turns too.

    Source: Huangying-Zhan/Depth-VO-Feat caffe/python/pygeometry.py, SE3_Generator_KITTI, forward.
    """

    def forward(self, bottom: Tensor) -> Tensor:
        if bottom.shape[1:].numel() != 6:
            raise RuntimeError(f"a motion has six numbers, not {bottom.shape[1:].numel()}")
        turn, shift = bottom.reshape(-1, 6).chunk(2, 1)
        x, y, z = turn.unbind(1)
        zero = torch.zeros_like(x)
        cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
        angle = turn.norm(dim=1)[:, None, None]
        large = angle**2 >= _SMALL
        safe = torch.where(large, angle, 1)
        first = torch.where(large, safe.sin() / safe, 1)
        second = torch.where(large, 2 * (safe / 2).sin() ** 2 / safe**2, 0)
        rotation = torch.eye(3, dtype=bottom.dtype, device=bottom.device) + first * cross + second * (cross @ cross)
        last = bottom.new_tensor([0, 0, 0, 1]).expand(len(turn), 1, 4)
        return torch.cat([torch.cat([rotation, rotation @ shift[:, :, None]], 2), last], 1)[:, None]


class MovedPoints(nn.Module):
    """The points that pixels of a depth map show, after a motion: (batch, 3, height, width).

    Source: Huangying-Zhan/Depth-VO-Feat caffe/src/caffe/layers/geometry_transformation.cu, GeoTransform.
    """

    def forward(self, depth: Tensor, motion: Tensor, camera: Tensor) -> Tensor:
        across, down, column, row = _camera(camera)
        height, width = depth.shape[2:]
        x = (torch.arange(width, device=depth.device) - column) / across
        y = (torch.arange(height, device=depth.device)[:, None] - row) / down
        depth = depth[:, 0]
        points = torch.stack([x * depth, y * depth, depth], 1)
        matrix = motion.reshape(-1, 4, 4)
        moved = torch.einsum("bij,bjhw->bihw", matrix[:, :3, :3], points)
        return moved + matrix[:, :3, 3, None, None]


class Projection(nn.Module):
    """The pixels at which a camera shows points (batch, 3, height, width): how far they are from their own, and where.

    Source: Huangying-Zhan/Depth-VO-Feat caffe/src/caffe/layers/pin_hole_layer.cu, PinHoleProjection.
    """

    def forward(self, points: Tensor, camera: Tensor) -> tuple[Tensor, Tensor]:
        across, down, column, row = _camera(camera)
        height, width = points.shape[2:]
        depth = points[:, 2] + _EPS
        places = torch.stack([across * points[:, 0] / depth + column, down * points[:, 1] / depth + row], 1)
        x = torch.arange(width, device=points.device).expand(height, width)
        y = torch.arange(height, device=points.device)[:, None].expand(height, width)
        return places - torch.stack([x, y]), places


class InverseWarp(nn.Module):
    """An image read, bilinearly, at the places that each pixel states; 0 outside.

    Source: Huangying-Zhan/Depth-VO-Feat caffe/src/caffe/layers/inverse_warping_layer.cu, InverseWarping.
    """

    def forward(self, image: Tensor, places: Tensor) -> Tensor:
        if places.shape != (len(image), 2, *image.shape[2:]):
            raise RuntimeError("each pixel needs a place of two numbers, x and y")
        return read_bilinearly(image, places[:, 0], places[:, 1])


def _camera(camera: Tensor) -> tuple[Tensor, ...]:
    """The four numbers of each camera, to be combined with (batch, height, width)."""
    return camera.reshape(-1, 4, 1, 1).unbind(1)
