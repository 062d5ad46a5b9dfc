"""Modules that make objects of YOLO's maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import best, without_overlaps

# (width, height)
Size = tuple[float, float]


class YoloDetections(nn.Module):
    """The objects in YOLO's maps: a row (image, class, score, xmin, ymin, xmax, ymax) for each: (1, 1, objects, 7).

    Corners are in widths and heights of the image, and may lie outside of it. Classes count from 1. The objects of an
    image follow each other, the best first; no two overlap, whatever their classes. If no object is found in any
    image, there is a row for each image, with -1 for all but the image.

    Args:
        classes: the number of classes.
        anchors: for each map the boxes at a place, in pixels.
        strides: for each map the pixels between places.
        threshold: the score from which on a box is an object.
        overlap: the largest overlap of two objects.
        softmax: the scores of classes are a softmax, and only the best class of a box counts; else each class has a
            score of its own, which must be above the threshold.

    Source: eric612/MobileNet-YOLO src/caffe/layers/yolov3_detection_output_layer.cpp, and with softmax
    src/caffe/layers/yolo_detection_output_layer.cpp; Forward_cpu of both. They compare the objects of all images, and
    number all images 0.
    """

    def __init__(
        self,
        classes: int,
        anchors: Sequence[Sequence[Size]],
        strides: Sequence[int],
        threshold: float = 0.01,
        overlap: float = 0.45,
        softmax: bool = False,
    ):
        super().__init__()
        self.classes, self.anchors, self.strides = classes, [tuple(sizes) for sizes in anchors], list(strides)
        self.threshold, self.overlap, self.softmax = threshold, overlap, softmax

    @torch.no_grad()
    def forward(self, *maps: Tensor) -> Tensor:
        """The objects. No gradient passes.

        Args:
            maps: (images, anchors * (5 + classes), height, width): for each anchor offsets of x, y, the width and the
                height, the score of an object, and those of the classes.
        """
        for blob, sizes in zip(maps, self.anchors, strict=True):
            if blob.shape[1] != len(sizes) * (5 + self.classes):
                raise RuntimeError(
                    f"{len(sizes)} anchors of {self.classes} classes need {len(sizes)} times 5 + classes"
                )
        if maps[0].is_meta:
            # The number of objects depends on the values; this is Caffe's shape before it has them.
            return maps[0].new_empty(1, 1, 1, 7)
        each = [self._placed(*level) for level in zip(maps, self.anchors, self.strides, strict=True)]
        boxes, scores = (torch.cat(parts, 1).cpu() for parts in zip(*each, strict=True))
        rows = torch.cat([self._objects(image, *pair) for image, pair in enumerate(zip(boxes, scores, strict=True))])
        if not len(rows):
            rows = torch.full((len(maps[0]), 7), -1.0)
            rows[:, 0] = torch.arange(len(rows))
        return rows.to(maps[0])[None, None]

    def _placed(self, blob: Tensor, sizes: Sequence[Size], stride: int) -> tuple[Tensor, Tensor]:
        """Boxes (images, boxes, 4) and the scores of their classes (images, boxes, classes), place by place."""
        height, width = blob.shape[2:]
        # To (images, height, width, anchors, 5 + classes).
        parts = blob.reshape(len(blob), len(sizes), -1, height, width).permute(0, 3, 4, 1, 2)
        extent = blob.new_tensor([width, height])
        y, x = (torch.arange(size, device=blob.device, dtype=blob.dtype) for size in (height, width))
        corner = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)[:, :, None]
        centre = (corner + parts[..., :2].sigmoid()) / extent
        half = parts[..., 2:4].exp() * blob.new_tensor(sizes) / (extent * stride) / 2
        classes = parts[..., 5:].softmax(-1) if self.softmax else parts[..., 5:].sigmoid()
        scores = parts[..., 4:5].sigmoid() * classes
        return torch.cat([centre - half, centre + half], -1).flatten(1, 3), scores.flatten(1, 3)

    def _objects(self, image: int, boxes: Tensor, scores: Tensor) -> Tensor:
        if self.softmax:
            score, label = scores.max(1)
            places = (score >= self.threshold).nonzero()[:, 0]
            score, label = score[places], label[places]
        else:
            places, label = (scores > self.threshold).nonzero().unbind(1)
            score = scores[places, label]
        return self._rows(image, boxes[places], score, label)

    def _rows(self, image: int, boxes: Tensor, score: Tensor, label: Tensor) -> Tensor:
        order = best(score)
        order = order[without_overlaps(boxes[order], self.overlap)]
        names = torch.stack([torch.full_like(label, image), label + 1], 1)[order]
        return torch.cat([names.to(boxes), score[order, None], boxes[order]], 1)

    def extra_repr(self) -> str:
        choice = f"threshold={self.threshold}, overlap={self.overlap}, softmax={self.softmax}"
        return f"{self.classes}, {self.anchors}, {self.strides}, {choice}"


class YoloRegions(YoloDetections):
    """The same objects as rows (image, class, score, x, y, width, height), classes counting from 0.

    They are in the order of places, and of two that overlap the first is kept, whatever their scores.

    Source: gklz1982/caffe-yolov2 src/caffe/layers/detection_output_layer.cpp, Forward_cpu; include/caffe/util/
    bbox_util.hpp, ApplyNms. It takes one image.
    """

    def _rows(self, image: int, boxes: Tensor, score: Tensor, label: Tensor) -> Tensor:
        kept = without_overlaps(boxes, self.overlap)
        low, high = boxes[kept].chunk(2, -1)
        names = torch.stack([torch.full_like(label, image), label], 1)[kept]
        return torch.cat([names.to(boxes), score[kept, None], (low + high) / 2, high - low], 1)


class RegionScores(nn.Module):
    """The numbers of each box: sigmoids of x and y and of the score of an object, a softmax of those of the classes.

    Args:
        classes: the number of classes.
        boxes: the number of boxes at a place.
        coords: the numbers before the score of an object; all but the first two stay.

    Source: openvinotoolkit/training_toolbox_caffe, former history, src/caffe/layers/region_yolo_layer.cpp, Forward_cpu.
    """

    def __init__(self, classes: int, boxes: int = 1, coords: int = 4):
        super().__init__()
        self.classes, self.boxes, self.coords = classes, boxes, coords

    def forward(self, bottom: Tensor) -> Tensor:
        numbers = self.coords + 1 + self.classes
        if bottom.shape[1] != self.boxes * numbers:
            raise RuntimeError(f"{self.boxes} boxes of {numbers} numbers need {self.boxes * numbers} channels")
        parts = bottom.reshape(len(bottom), self.boxes, numbers, *bottom.shape[2:])
        offsets, sizes, score, classes = torch.split(parts, [2, self.coords - 2, 1, self.classes], 2)
        found = torch.cat([offsets.sigmoid(), sizes, score.sigmoid(), classes.softmax(2)], 2)
        return found.reshape(bottom.shape)

    def extra_repr(self) -> str:
        return f"{self.classes}, boxes={self.boxes}, coords={self.coords}"
