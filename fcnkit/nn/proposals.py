"""Modules that propose regions of an image: boxes in pixels where a first stage of a detector finds an object."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import best, moved, without_overlaps

Box = tuple[float, float, float, float]


def anchors(base: int, ratios: Sequence[float], scales: Sequence[float], up: bool = False) -> list[Box]:
    """Boxes of several shapes and sizes around a square of base x base pixels, ends included: shape by shape.

    The width and height of a shape are rounded before they are scaled.

    Args:
        base: the side of the square, whose first pixel is 0.
        ratios: of height to width.
        scales: of the sides.
        up: whether halves are rounded up; else to the nearest even number.

    Source: rbgirshick/py-faster-rcnn lib/rpn/generate_anchors.py; sanghoon/caffe (branch dev_pvanet)
    src/caffe/layers/proposal_layer.cpp, which rounds halves up.
    """

    def rounded(value: float) -> int:
        return math.floor(value + 0.5) if up else round(value)

    centre = (base - 1) / 2
    boxes = []
    for ratio in ratios:
        width = rounded(math.sqrt(base * base / ratio))
        height = rounded(width * ratio)
        for scale in scales:
            x, y = (width * scale - 1) / 2, (height * scale - 1) / 2
            boxes.append((centre - x, centre - y, centre + x, centre + y))
    return boxes


class Proposals(nn.Module):
    """Regions of interest by the scores and offsets of anchors at each place: rows (image, xmin, ymin, xmax, ymax).

    Of each image they are the best that do not overlap, the best first. The second top has their scores.

    Args:
        anchors: the boxes at the first place, in pixels of the image.
        stride: pixels of the image between places.
        before: the number of best boxes that are compared, or None for all.
        after: the number of boxes that are kept in each image, or None for all.
        overlap: the largest overlap of two boxes, or None if they may overlap as they like.
        least: the least width and height in pixels of the image before it was scaled.
        pair: height and width of the image may have been scaled by two factors; else the first is that of both.
        drop: drop smaller boxes; else their score becomes 0.
        empty: the box that stands for an image without boxes, or None for no box.
        scores: whether there is a second top.
        axes: the axes of the second top, 1 or 2.

    Source: rbgirshick/py-faster-rcnn lib/rpn/proposal_layer.py; sanghoon/caffe (branch dev_pvanet)
    src/caffe/layers/proposal_layer.cpp, which does not drop small boxes.
    """

    def __init__(
        self,
        anchors: Sequence[Box],
        stride: int,
        before: int | None = 6000,
        after: int | None = 300,
        overlap: float | None = 0.7,
        least: float = 16,
        pair: bool = False,
        drop: bool = True,
        empty: Box | None = None,
        scores: bool = False,
        axes: int = 2,
    ):
        super().__init__()
        self.anchors, self.stride = [tuple(box) for box in anchors], stride
        self.before, self.after, self.overlap = before, after, overlap
        self.least, self.pair, self.drop, self.empty, self.scores, self.axes = least, pair, drop, empty, scores, axes

    @torch.no_grad()
    def forward(self, probabilities: Tensor, offsets: Tensor, info: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The regions, and with `scores` their scores.

        Args:
            probabilities: (images, 2 * anchors, height, width): of no object by anchor, then of an object.
            offsets: (images, 4 * anchors, height, width), anchor by anchor.
            info: (images or 1, 3 or more): height and width of the image, and the factor or the two factors (of height
                and width) by which it was scaled. Further numbers are not read.

        No gradient passes.
        """
        count, (images, channels, height, width) = len(self.anchors), probabilities.shape
        if channels != 2 * count or offsets.shape != (images, 4 * count, height, width):
            raise RuntimeError(f"{count} anchors need {2 * count} channels of scores and {4 * count} of offsets")
        info = info.flatten(1) if info.dim() > 1 else info[None]
        if info.shape[1] < 3 or len(info) not in (1, images):
            raise RuntimeError("an image's size has 3 or more numbers: height, width, and the scale or two scales")
        if probabilities.is_meta:
            rows = images * (self.after or 1)
            found = [probabilities.new_empty(rows, 5)], [probabilities.new_empty(rows)]
        else:
            boxes = moved(self._placed(height, width, offsets), _by_place(offsets, 4))
            scores = _by_place(probabilities[:, count:], 1)[..., 0]
            info = info.expand(images, -1).cpu()
            each = [self._best(boxes[i].cpu(), scores[i].cpu(), info[i]) for i in range(images)]
            numbered = [(box.new_full((len(box), 1), i), box) for i, (box, _) in enumerate(each)]
            found = [torch.cat(pair, 1) for pair in numbered], [score for _, score in each]
        rois = torch.cat(found[0]).to(offsets)
        if not self.scores:
            return rois
        scores = torch.cat(found[1]).to(probabilities)
        return rois, scores[:, None] if self.axes == 2 else scores

    def _placed(self, height: int, width: int, like: Tensor) -> Tensor:
        """The anchors at all places, row by row: (places * anchors, 4)."""
        y, x = (torch.arange(size, device=like.device, dtype=like.dtype) * self.stride for size in (height, width))
        shifts = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1).repeat(1, 1, 2)
        return (shifts.reshape(-1, 1, 4) + like.new_tensor(self.anchors)).reshape(-1, 4)

    def _best(self, boxes: Tensor, scores: Tensor, info: Tensor) -> tuple[Tensor, Tensor]:
        """The regions of one image and their scores."""
        boxes, scores = self._inside(boxes, scores, info)
        order = best(scores, self.before)
        boxes, scores = boxes[order], scores[order]
        if self.overlap is not None:
            kept = without_overlaps(boxes, self.overlap, limit=self.after, pixel=1)
            boxes, scores = boxes[kept], scores[kept]
        if not len(boxes) and self.empty is not None:
            boxes = boxes.new_tensor([self.empty])
        return boxes[: self.after], scores[: self.after]

    def _inside(self, boxes: Tensor, scores: Tensor, info: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes that are cut to the image and large enough there, and their scores."""
        last = info[[1, 0, 1, 0]] - 1
        boxes = boxes.minimum(last).clamp(min=0)
        scales = info[[3, 2]] if self.pair and len(info) > 3 else info[2]
        large = (boxes[:, 2:] - boxes[:, :2] + 1 >= self.least * scales).all(1)
        if self.drop:
            return boxes[large], scores[large]
        return boxes, scores * large

    def extra_repr(self) -> str:
        choice = f"before={self.before}, after={self.after}, overlap={self.overlap}, least={self.least}"
        return f"{len(self.anchors)} anchors, stride={self.stride}, {choice}, drop={self.drop}, scores={self.scores}"


class WideProposals(Proposals):
    """The same, but a box must be large enough before it is cut, and may end one pixel behind the image.

    Source: xyfer17/faster-rcnn-caffe src/caffe/layers/rpn_layer.cpp, filter_boxs.
    """

    def _inside(self, boxes: Tensor, scores: Tensor, info: Tensor) -> tuple[Tensor, Tensor]:
        large = (boxes[:, 2:] - boxes[:, :2] >= self.least * info[2]).all(1)
        return boxes[large].minimum(info[[1, 0, 1, 0]]).clamp(min=0), scores[large]


class PoseRegions(nn.Module):
    """A region of one size around a joint of each pose, moved into the image: rows (pose, xmin, ymin, xmax, ymax).

    Poses are rows of x, y and depth of each joint, from -1 to 1 over the width and the height of the image.

    Args:
        joint: its number.
        size, image: (height, width) in pixels of the image, of the regions and of the image.

    Source: xinghaochen/Pose-REN src/libs/python_layers/py_generate_roi_layer.py, forward.
    """

    def __init__(self, joint: int, size: tuple[float, float], image: tuple[float, float]):
        super().__init__()
        self.joint, self.size, self.image = joint, size, image

    def forward(self, poses: Tensor) -> Tensor:
        joint = poses.flatten(1)[:, 3 * self.joint : 3 * self.joint + 2]
        image, size = poses.new_tensor(self.image[::-1]), poses.new_tensor(self.size[::-1])
        middle = (joint + 1) * image / 2
        low, high = middle - size / 2, middle + size / 2
        low, high = torch.where(low < 0, 0, low), torch.where(low < 0, size, high)
        low, high = (
            torch.where(high >= image - 1, image - 1 - size, low),
            torch.where(high >= image - 1, image - 1, high),
        )
        return torch.cat([torch.arange(len(poses)).to(poses)[:, None], low, high], 1)

    def extra_repr(self) -> str:
        return f"joint={self.joint}, size={self.size}, image={self.image}"


def _by_place(values: Tensor, size: int) -> Tensor:
    """(images, anchors * size, height, width) as (images, height * width * anchors, size)."""
    return values.permute(0, 2, 3, 1).reshape(len(values), -1, size)
