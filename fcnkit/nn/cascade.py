"""Modules of MS-CNN and Cascade R-CNN: boxes in pixels from several maps, refined stage by stage."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import best, moved, without_overlaps

# A mean and a standard deviation for the centre's x and y, the width and the height.
Four = tuple[float, float, float, float]
NO_MEANS, NO_STDS = (0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0)


class FieldBoxes(nn.Module):
    """Regions of interest from maps whose places each stand for boxes of fixed sizes: (regions, 5, 1, 1).

    The numbers of a region are its image, xmin, ymin, xmax and ymax. Of each image they are the best that do not
    overlap, the best first. If there is none in any image, the box from 1 to 10 of image 0 stands for it. The second
    top is (regions, 6, 1, 1), with the scores.

    Args:
        fields: for each map, the (width, height) of the boxes of its places.
        strides: for each map, the pixels of the image between its places.
        shift: the largest distance that a centre moves, in widths and heights of its box.
        growth: the largest factor by which a box grows or shrinks.
        means, stds: of the net's offsets.
        threshold: boxes of a lower score are dropped.
        least: the least width and height, in pixels.
        before: the number of best boxes that are compared, or None for all.
        after: the number of boxes that are kept in each image, or None for all.
        overlap: the largest overlap of two boxes.
        over: see `overlaps`.
        scores: whether there is a second top.

    Source: zhaoweicai/mscnn src/caffe/layers/box_output_layer.cpp, Forward_cpu.
    """

    # The ends of a box are its last pixels.
    pixel = 0

    def __init__(
        self,
        fields: Sequence[Sequence[tuple[int, int]]],
        strides: Sequence[int],
        shift: float = 0.5,
        growth: float = 2,
        means: Four = NO_MEANS,
        stds: Four = NO_STDS,
        threshold: float = 0,
        least: float = 15,
        before: int | None = None,
        after: int | None = None,
        overlap: float = 0.5,
        over: str = "UNION",
        scores: bool = False,
    ):
        super().__init__()
        self.fields, self.strides = [tuple(sizes) for sizes in fields], list(strides)
        self.shift, self.growth, self.means, self.stds = shift, growth, means, stds
        self.threshold, self.least, self.before, self.after = threshold, least, before, after
        self.overlap, self.over, self.scores = overlap, over, scores

    @torch.no_grad()
    def forward(self, *maps: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The regions. No gradient passes.

        Args:
            maps: (images, classes + 4, height, width), scores with those of no object first, then offsets.
        """
        images, found = len(maps[0]), []
        for blob in maps:
            if blob.shape[1] < 6:
                raise RuntimeError("a map has at least 2 scores and 4 offsets")
        if not maps[0].is_meta:
            scores = [(blob[:, 1:-4].amax(1) - blob[:, 0]).flatten(1) for blob in maps]
            found = self._regions(scores, self._boxes([blob[:, None, -4:] for blob in maps]))
        return self._tops(maps[0], images, found)

    def _boxes(self, offsets: Sequence[Tensor]) -> Tensor:
        """The boxes of all maps, images, sizes and places, from offsets (images, sizes, 4, height, width)."""
        placed = []
        for each, sizes, stride in zip(offsets, self.fields, self.strides, strict=True):
            height, width = each.shape[3:]
            along = each.new_tensor
            scaled = each * along(self.stds)[:, None, None] + along(self.means)[:, None, None]
            shift = scaled[:, :, :2].clamp(-self.shift, self.shift)
            scale = scaled[:, :, 2:].clamp(-math.log(self.growth), math.log(self.growth))
            field = along(sizes)[:, :, None, None]
            x, y = (torch.arange(size, device=each.device, dtype=each.dtype) + 0.5 for size in (width, height))
            centres = torch.stack([x.expand(height, width), y[:, None].expand(height, width)]) * stride
            size = field * scale.exp()
            low = shift * field + centres - size / 2
            boxes = self._clipped(low, size, along([width * stride, height * stride])[:, None, None])
            placed.append(boxes.transpose(2, 3).transpose(3, 4).reshape(len(each), -1, 4))
        return torch.cat(placed, 1)

    def _clipped(self, low: Tensor, size: Tensor, image: Tensor) -> Tensor:
        """Corners of boxes within the image. Clipping at the left and upper edge keeps their sizes, as in the fork."""
        low = low.clamp(min=0)
        return torch.cat([low, low + size.minimum(image - low)], 2)

    def _regions(self, scores: Sequence[Tensor], boxes: Tensor) -> list[Tensor]:
        """The regions of each image: (regions, 6), the image, the corners and the score."""
        found = []
        for image, (score, box) in enumerate(zip(torch.cat(list(scores), 1).cpu(), boxes.cpu(), strict=True)):
            sides = box[:, 2:] - box[:, :2] + self.pixel
            usable = (score >= self.threshold) & (sides >= self.least).all(1)
            score, box = score[usable], box[usable]
            # Of equal scores the last is the first, as in the fork.
            order = len(score) - 1 - best(score.flip(0), self.before)
            score, box = score[order], box[order]
            kept = without_overlaps(box, self.overlap, limit=self.after, pixel=self.pixel, over=self.over)
            found.append(torch.cat([box.new_full((len(kept), 1), image), box[kept], score[kept, None]], 1))
        return found

    def _tops(self, like: Tensor, images: int, found: Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        rows = torch.cat([like.new_empty(0, 6), *(each.to(like) for each in found)])
        if like.is_meta:
            rows = like.new_empty(images * (self.after or 1), 6)
        elif not len(rows):
            rows = like.new_zeros(1, 6)
        regions = rows[:, :5]
        if not like.is_meta and not sum(map(len, found)):
            regions = like.new_tensor([[0, 1, 1, 10, 10]])
        tops = regions[:, :, None, None], rows[:, :, None, None]
        return tops if self.scores else tops[0]

    def extra_repr(self) -> str:
        limits = f"shift={self.shift}, growth={self.growth:g}, threshold={self.threshold}, least={self.least}"
        choice = f"before={self.before}, after={self.after}, overlap={self.overlap}, over={self.over}"
        return f"{self.fields}, {self.strides}, {limits}, {choice}, scores={self.scores}"


class GroupedFieldBoxes(FieldBoxes):
    """The same from maps in which each size of box has scores and offsets of its own.

    Boxes end with their last pixels, and are clipped at all edges.

    Source: zhaoweicai/cascade-rcnn src/caffe/layers/box_group_output_layer.cpp, Forward_cpu;
    src/caffe/util/bbox_util.cpp, DecodeGroupBBoxes.
    """

    pixel = 1

    @torch.no_grad()
    def forward(self, *maps: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The regions. No gradient passes.

        Args:
            maps: for each map, the probabilities (images * sizes, classes, height, width), those of no object first,
                and the offsets (images * sizes, 4, height, width).
        """
        images, found = len(maps[0]) // len(self.fields[0]), []
        for probability, offset, sizes in zip(maps[::2], maps[1::2], self.fields, strict=True):
            if len(probability) != images * len(sizes) or offset.shape[:2] != (images * len(sizes), 4):
                raise RuntimeError("each size of box has an item for each image, of probabilities and of 4 offsets")
            if probability.shape[2:] != offset.shape[2:]:
                raise RuntimeError("probabilities and offsets must have equal heights and widths")
        if not maps[0].is_meta:
            scores = [1 - blob[:, 0].reshape(images, -1) for blob in maps[::2]]
            offsets = [blob.reshape(images, -1, *blob.shape[1:]) for blob in maps[1::2]]
            found = self._regions(scores, self._boxes(offsets))
        return self._tops(maps[0], images, found)

    def _clipped(self, low: Tensor, size: Tensor, image: Tensor) -> Tensor:
        return torch.cat([low.clamp(min=0), (low + size - 1).minimum(image)], 2)


class RefineBoxes(nn.Module):
    """Regions of interest after a net's offsets: (regions, 5, 1, 1).

    Args:
        means, stds: of the net's offsets.

    Source: zhaoweicai/mscnn src/caffe/layers/decode_bbox_layer.cpp, Forward_cpu.
    """

    def __init__(self, means: Four = NO_MEANS, stds: Four = NO_STDS):
        super().__init__()
        self.means, self.stds = means, stds

    def forward(self, offsets: Tensor, regions: Tensor) -> Tensor:
        """The regions.

        Args:
            offsets: (regions, 8), those of no object, then those of an object.
            regions: (regions, 5), the image, xmin, ymin, xmax and ymax, ends included.
        """
        offsets, regions = offsets.flatten(1), regions.flatten(1)
        if offsets.shape[1] != 8 or regions.shape[1] != 5 or len(offsets) != len(regions):
            raise RuntimeError("each region has 8 offsets and 5 numbers: image, xmin, ymin, xmax, ymax")
        boxes = refined(regions[:, 1:], offsets[:, 4:], self.means, self.stds)
        return torch.cat([regions[:, :1], boxes], 1)[:, :, None, None]

    def extra_repr(self) -> str:
        return f"{self.means}, {self.stds}"


def refined(boxes: Tensor, offsets: Tensor, means: Four, stds: Four) -> Tensor:
    """Boxes (..., 4) in pixels, ends included, after a net's offsets (..., 4).

    Source: zhaoweicai/cascade-rcnn src/caffe/util/bbox_util.cpp, DecodeBBoxesWithPrior.
    """
    found = moved(boxes, offsets * offsets.new_tensor(stds) + offsets.new_tensor(means))
    return found - found.new_tensor([0, 0, 1, 1])


class RegionDetections(nn.Module):
    """The objects in one image: a row (image, xmin, ymin, xmax, ymax, class, score) for each: (objects + 1, 7, 1, 1).

    The first row is no object: it has -1 for all but the image. The others are in the order of classes, and the best
    of a class first. Class 0 is no object.

    Args:
        means, stds: of the net's offsets.
        aware: each class has offsets of its own; else there are those of no object and those of an object.
        threshold: objects of a lower score are dropped.
        overlap: the largest overlap of two objects of a class.
        over: see `overlaps`.
        keep: the number of objects that are kept, or None for all.

    Source: zhaoweicai/cascade-rcnn src/caffe/layers/frcnn_output_layer.cpp, Forward_cpu.
    """

    def __init__(
        self,
        means: Four = NO_MEANS,
        stds: Four = NO_STDS,
        aware: bool = True,
        threshold: float = 0,
        overlap: float = 0.5,
        over: str = "UNION",
        keep: int | None = None,
    ):
        super().__init__()
        self.means, self.stds, self.aware, self.threshold = means, stds, aware, threshold
        self.overlap, self.over, self.keep = overlap, over, keep

    def forward(self, scores: Tensor, offsets: Tensor, regions: Tensor, size: Tensor) -> Tensor:
        """The objects.

        Args:
            scores: (regions, classes).
            offsets: (regions, 4 * classes), or 8 where they are not those of classes.
            regions: (regions, 5 or 6), the image, xmin, ymin, xmax, ymax, and perhaps a score.
            size: (1, 2), height and width of the image.
        """
        scores, offsets, regions, size = (blob.flatten(1) for blob in (scores, offsets, regions, size))
        count, classes = scores.shape
        located = 4 * classes if self.aware else 8
        if offsets.shape != (count, located) or len(regions) != count or regions.shape[1] not in (5, 6):
            raise RuntimeError(f"each region has {classes} scores, {located} offsets and 5 or 6 numbers")
        if size.shape != (1, 2):
            raise RuntimeError("the image's size is its height and width")
        if scores.is_meta:
            return scores.new_empty(1, 7, 1, 1)
        boxes = refined(regions[:, None, 1:5], offsets.reshape(count, -1, 4), self.means, self.stds)
        boxes = torch.cat([boxes[..., :2].clamp(min=0), boxes[..., 2:].minimum(size[0].flip(0))], -1).cpu()
        scores = scores.cpu()
        rows = [boxes.new_empty(0, 7)]
        for label in range(1, classes):
            chosen = (scores[:, label] >= self.threshold).nonzero()[:, 0]
            chosen = chosen[best(scores[chosen, label])]
            places = boxes[chosen, label if self.aware else 1]
            kept = without_overlaps(places, self.overlap, pixel=1, over=self.over)
            zero = places.new_zeros(len(kept), 1)
            rows.append(torch.cat([zero, places[kept], zero + label, scores[chosen[kept], label, None]], 1))
        objects = torch.cat(rows)
        objects = objects[best(objects[:, 6], self.keep).sort().values]
        first = objects.new_tensor([[0, -1, -1, -1, -1, -1, -1]])
        return torch.cat([first, objects]).to(offsets)[:, :, None, None]

    def extra_repr(self) -> str:
        settings = f"{self.means}, {self.stds}, aware={self.aware}, threshold={self.threshold}"
        return f"{settings}, overlap={self.overlap}, over={self.over}, keep={self.keep}"
