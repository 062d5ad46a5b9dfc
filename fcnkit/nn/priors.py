"""Default boxes of single-shot detectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

Pair = tuple[float, float]


class Box(NamedTuple):
    """A default box, in pixels of the image.

    Attributes:
        width, height: its size.
        x, y: its centre, from the centre of its step.
        inset: the share of the image's width and height that is cut off at each side.
    """

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    inset: float = 0.0


class PriorBox(nn.Module):
    """Default boxes of fixed sizes around each position of a feature map, and the variances of their coordinates.

    The top has shape (1, 2, positions * boxes * 4): first the boxes as (xmin, ymin, xmax, ymax) in widths and heights
    of the image, row by row, then the variances. It is the same for all images of the batch.

    Args:
        boxes: see `Box`; trailing numbers may be left out.
        variances: of the four coordinates.
        image: (height, width) of the image in pixels, or None for those of the second bottom.
        step: (height, width) in pixels between positions, or None for the image's size divided by the map's.
        offset: position of the box centre within a step, as a fraction of it.
        clip: clip the boxes to the image.
        denser: each box is followed by the same box at the lower edge of the step.
        rows_first: boxes are (ymin, xmin, ymax, xmax).

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, Forward_cpu; for denser
    MhLiao/TextBoxes_plusplus, the same file, and for insets and rows_first
    foss-for-synopsys-dwc-arc-processors/synopsys-caffe, the same file.
    """

    boxes: Tensor
    variances: Tensor

    def __init__(
        self,
        boxes: Sequence[Sequence[float]],
        variances: Sequence[float],
        image: Pair | None = None,
        step: Pair | None = None,
        offset: float = 0.5,
        clip: bool = False,
        denser: bool = False,
        rows_first: bool = False,
    ):
        super().__init__()
        self.register_buffer("boxes", torch.tensor([Box(*box) for box in boxes]), persistent=False)
        self.register_buffer("variances", torch.tensor(variances), persistent=False)
        self.image, self.step, self.offset, self.clip = image, step, offset, clip
        self.denser, self.rows_first = denser, rows_first

    def forward(self, features: Tensor, data: Tensor) -> Tensor:
        rows, columns = features.shape[2:]
        height, width = self.image or data.shape[2:]
        step_h, step_w = self.step or (height / rows, width / columns)
        y = (torch.arange(rows, device=self.boxes.device) + self.offset) * step_h
        x = (torch.arange(columns, device=self.boxes.device) + self.offset) * step_w
        centres = torch.stack([x.expand(rows, columns), y[:, None].expand(rows, columns)], -1)[:, :, None]
        boxes = self.boxes
        if self.denser:
            down = centres.new_tensor([[0, 0], [0, (1 - self.offset) * step_h]])
            centres = (centres + down).repeat(1, 1, len(boxes), 1)
            boxes = boxes.repeat_interleave(2, 0)
        sizes, shifts, insets = boxes[:, :2], boxes[:, 2:4], boxes[:, 4:]
        centres = centres + shifts
        corners = torch.cat([centres - sizes / 2, centres + sizes / 2], -1)
        placed = corners / corners.new_tensor([width, height, width, height])
        placed = placed + insets * insets.new_tensor([1, 1, -1, -1])
        if self.rows_first:
            placed = placed[..., [1, 0, 3, 2]]
        if self.clip:
            placed = placed.clamp(0, 1)
        return torch.stack([placed, self.variances.expand_as(placed)]).reshape(1, 2, -1).to(features.dtype)

    def stated(self) -> Tensor:
        """The boxes without the columns that are 0 in all of them."""
        return self.boxes if self.boxes[:, 2:].any() else self.boxes[:, :2]

    def extra_repr(self) -> str:
        settings = f"image={self.image}, step={self.step}, offset={self.offset}, clip={self.clip}"
        more = f"denser={self.denser}, rows_first={self.rows_first}"
        return f"{self.stated().tolist()}, {self.variances.tolist()}, {settings}, {more}"
