"""Modules of single-shot detectors: default boxes, and objects from scores and boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import decoded, decoded_corners, without_overlaps

Pair = tuple[float, float]


class PriorBox(nn.Module):
    """Default boxes of fixed sizes around each position of a feature map, and the variances of their coordinates.

    The top has shape (1, 2, positions * sizes * 4): first the boxes as (xmin, ymin, xmax, ymax) in widths and heights
    of the image, row by row, then the variances. It is the same for all images of the batch.

    Args:
        sizes: (width, height) of the boxes at a position, in pixels of the image.
        variances: of the four coordinates.
        image: (height, width) of the image in pixels, or None for those of the second bottom.
        step: (height, width) in pixels between positions, or None for the image's size divided by the map's.
        offset: position of the box centre within a step, as a fraction of it.
        clip: clip the boxes to the image.
        denser: each box is followed by the same box at the lower edge of the step.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/prior_box_layer.cpp, Forward_cpu; for denser
    MhLiao/TextBoxes_plusplus, the same file.
    """

    sizes: Tensor
    variances: Tensor

    def __init__(
        self,
        sizes: Sequence[Pair],
        variances: Sequence[float],
        image: Pair | None = None,
        step: Pair | None = None,
        offset: float = 0.5,
        clip: bool = False,
        denser: bool = False,
    ):
        super().__init__()
        self.register_buffer("sizes", torch.tensor(sizes), persistent=False)
        self.register_buffer("variances", torch.tensor(variances), persistent=False)
        self.image, self.step, self.offset, self.clip, self.denser = image, step, offset, clip, denser

    def forward(self, features: Tensor, data: Tensor) -> Tensor:
        rows, columns = features.shape[2:]
        height, width = self.image or data.shape[2:]
        step_h, step_w = self.step or (height / rows, width / columns)
        y = (torch.arange(rows, device=self.sizes.device) + self.offset) * step_h
        x = (torch.arange(columns, device=self.sizes.device) + self.offset) * step_w
        centres = torch.stack([x.expand(rows, columns), y[:, None].expand(rows, columns)], -1)[:, :, None]
        sizes = self.sizes
        if self.denser:
            down = centres.new_tensor([[0, 0], [0, (1 - self.offset) * step_h]])
            centres = (centres + down).repeat(1, 1, len(sizes), 1)
            sizes = sizes.repeat_interleave(2, 0)
        corners = torch.cat([centres - sizes / 2, centres + sizes / 2], -1)
        boxes = corners / corners.new_tensor([width, height, width, height])
        if self.clip:
            boxes = boxes.clamp(0, 1)
        return torch.stack([boxes, self.variances.expand_as(boxes)]).reshape(1, 2, -1).to(features.dtype)

    def extra_repr(self) -> str:
        settings = f"image={self.image}, step={self.step}, offset={self.offset}, clip={self.clip}, denser={self.denser}"
        return f"{self.sizes.tolist()}, {self.variances.tolist()}, {settings}"


class DetectionOutput(nn.Module):
    """The objects that a net finds: a row (image, class, score, xmin, ymin, xmax, ymax) for each.

    The top has shape (1, 1, objects, 7), image by image, class by class, and the best first. If no object is found
    in any image, it has a row for each image, with -1 for all but the image.

    Args:
        classes: number of classes, background included.
        background: the class that is no object.
        shared: one box for all classes, else one for each class.
        code, scaled: see `decoded`.
        threshold: scores up to it are ignored.
        overlap, eta: threshold and eta of `without_overlaps`.
        best: the number of best scores considered in each class, or None for all.
        keep: the number of objects kept in each image, or None for all.
        objectness: default boxes of a lower score of being an object count as class 0; None without such scores.
        corners: a location has 12 numbers, and an object 8 more: x and y of its four corners, clockwise from the upper
            left one.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/detection_output_layer.cpp, Reshape and Forward_cpu; with
    objectness sfzhang15/RefineDet, the same file, and src/caffe/util/bbox_util.cpp, OSGetConfidenceScores and
    CasRegDecodeBBoxesAll; with corners MhLiao/TextBoxes_plusplus, the same file, DecodeBBoxPolygon.
    """

    def __init__(
        self,
        classes: int,
        background: int = 0,
        shared: bool = True,
        code: str = "CORNER",
        scaled: bool = False,
        threshold: float = -math.inf,
        overlap: float = 0.3,
        eta: float = 1,
        best: int | None = None,
        keep: int | None = None,
        objectness: float | None = None,
        corners: bool = False,
    ):
        super().__init__()
        self.classes, self.background, self.shared, self.code, self.scaled = classes, background, shared, code, scaled
        self.threshold, self.overlap, self.eta, self.best, self.keep = threshold, overlap, eta, best, keep
        self.objectness, self.corners = objectness, corners

    def forward(self, offsets: Tensor, scores: Tensor, priors: Tensor, *more: Tensor) -> Tensor:
        """The objects.

        Args:
            offsets: (images, priors * located * 4), located being 1 or the number of classes; with corners 12 for 4.
            scores: (images, priors * classes).
            priors: (1, 2, priors * 4), the default boxes and their variances.
            more: with objectness the scores of no object and of an object, (images, priors * 2), and perhaps offsets of
                the default boxes, (images, priors * 4); else they are not read.
        """
        count, images = priors.shape[2] // 4, len(offsets)
        numbers = (1 if self.shared else self.classes) * (12 if self.corners else 4)
        if offsets[0].numel() != count * numbers or scores[0].numel() != count * self.classes:
            raise RuntimeError(
                f"{count} default boxes need {count * numbers} locations and {count * self.classes} scores"
            )
        for blob, size in zip(more if self.objectness is not None else (), (2, 4), strict=False):
            if blob[0].numel() != count * size:
                raise RuntimeError(f"{count} default boxes need {count * 2} scores of objects and {count * 4} offsets")
        if offsets.is_meta:
            # The number of objects depends on the values; this is Caffe's shape before it has them.
            return offsets.new_empty((1, 1, 1, 15 if self.corners else 7))
        scores, priors = scores.reshape(images, count, self.classes), priors[0].reshape(2, 1, count, 4)
        if self.objectness is not None:
            nothing = (torch.arange(self.classes, device=scores.device) == 0).to(scores)
            aside = more[0].reshape(images, count, 2)[..., 1:] < self.objectness
            scores = torch.where(aside, nothing, scores)
            for refinement in more[1:]:
                refined = decoded(refinement.reshape(images, count, 1, 4), priors, self.code, self.scaled)[:, :, 0]
                priors = torch.stack([refined, priors[1].expand_as(refined)])
        located = offsets.reshape(images, count, -1, 12 if self.corners else 4)
        boxes = decoded(located[..., :4], priors, self.code, self.scaled)
        if self.corners:
            boxes = torch.cat([boxes, decoded_corners(located[..., 4:], priors, self.scaled)], -1)
        found = [self._objects(image, boxes[image].cpu(), scores[image].cpu()) for image in range(images)]
        rows = torch.cat(found)
        if not len(rows):
            rows = torch.full((images, rows.shape[1]), -1.0)
            rows[:, 0] = torch.arange(images)
        return rows.to(offsets)[None, None]

    def _objects(self, image: int, boxes: Tensor, scores: Tensor) -> Tensor:
        rows = [boxes.new_empty(0, 3 + boxes.shape[2])]
        for label in range(self.classes):
            if label == self.background:
                continue
            candidates = (scores[:, label] > self.threshold).nonzero().squeeze(1)
            order = scores[candidates, label].argsort(descending=True, stable=True)[: self.best]
            candidates = candidates[order]
            places = boxes[candidates, 0 if self.shared else label]
            kept = without_overlaps(places[:, :4], self.overlap, self.eta)
            names = places.new_tensor([image, label]).expand(len(kept), 2)
            rows.append(torch.cat([names, scores[candidates[kept], label, None], places[kept]], 1))
        objects = torch.cat(rows)
        best = objects[:, 2].argsort(descending=True, stable=True)[: self.keep]
        return objects[best.sort().values]

    def extra_repr(self) -> str:
        decode = f"shared={self.shared}, code={self.code}, scaled={self.scaled}"
        choice = f"overlap={self.overlap}, eta={self.eta}, best={self.best}, keep={self.keep}"
        choice += f", objectness={self.objectness}, corners={self.corners}"
        return f"{self.classes}, background={self.background}, {decode}, threshold={self.threshold}, {choice}"
