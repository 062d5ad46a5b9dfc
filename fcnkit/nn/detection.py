"""Modules of single-shot detectors: objects from scores and boxes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fcnkit.nn.boxes import decoded, decoded_corners, without_overlaps


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
        image: (height, width) in pixels of the image whose regions stand in place of the default boxes; None for
            default boxes in widths and heights of the image.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/detection_output_layer.cpp, Reshape and Forward_cpu; with
    objectness sfzhang15/RefineDet, the same file, and src/caffe/util/bbox_util.cpp, OSGetConfidenceScores and
    CasRegDecodeBBoxesAll; with corners MhLiao/TextBoxes_plusplus, the same file, DecodeBBoxPolygon; with image
    openvinotoolkit/openvino src/core/reference/include/openvino/reference/detection_output.hpp.
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
        image: tuple[float, float] | None = None,
    ):
        super().__init__()
        self.classes, self.background, self.shared, self.code, self.scaled = classes, background, shared, code, scaled
        self.threshold, self.overlap, self.eta, self.best, self.keep = threshold, overlap, eta, best, keep
        self.objectness, self.corners, self.image = objectness, corners, image

    def forward(self, offsets: Tensor, scores: Tensor, priors: Tensor, *more: Tensor) -> Tensor:
        """The objects.

        Args:
            offsets: (images, priors * located * 4), located being 1 or the number of classes; with corners 12 for 4.
            scores: (images, priors * classes).
            priors: (1, 2, priors * 4), the default boxes and their variances; with image regions, of any shape with 5
                numbers for each, the image's number (not read), xmin, ymin, xmax, ymax.
            more: with objectness the scores of no object and of an object, (images, priors * 2), and perhaps offsets of
                the default boxes, (images, priors * 4); else they are not read.
        """
        priors, images = self._priors(priors), len(offsets)
        count = priors.shape[2]
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
            return offsets.new_empty((1, 1, 1, self._columns))
        scores = scores.reshape(images, count, self.classes)
        if self.objectness is not None:
            nothing = (torch.arange(self.classes, device=scores.device) == 0).to(scores)
            aside = more[0].reshape(images, count, 2)[..., 1:] < self.objectness
            scores = torch.where(aside, nothing, scores)
            for refinement in more[1:]:
                refined = decoded(refinement.reshape(images, count, 1, 4), priors, self.code, self.scaled)[:, :, 0]
                priors = torch.stack([refined, priors[1].expand_as(refined)])
        boxes = self._boxes(offsets, priors)
        found = [self._objects(image, boxes[image].cpu(), scores[image].cpu()) for image in range(images)]
        rows = torch.cat(found)
        if not len(rows):
            rows = torch.full((images, rows.shape[1]), -1.0)
            rows[:, 0] = torch.arange(images)
        return rows.to(offsets)[None, None]

    @property
    def _columns(self) -> int:
        """The number of values in a row."""
        return 15 if self.corners else 7

    def _priors(self, priors: Tensor) -> Tensor:
        """Default boxes and their variances, (2, 1, priors, 4)."""
        if self.image is None:
            return priors[0].reshape(2, 1, -1, 4)
        height, width = self.image
        if priors.numel() % 5:
            raise RuntimeError("a region has 5 numbers: image, xmin, ymin, xmax, ymax")
        boxes = priors.reshape(1, -1, 5)[..., 1:] / priors.new_tensor([width, height, width, height])
        return torch.stack([boxes, torch.ones_like(boxes)])

    def _boxes(self, offsets: Tensor, priors: Tensor) -> Tensor:
        """Boxes (images, priors, located, 4), and further numbers of theirs behind."""
        located = offsets.reshape(len(offsets), priors.shape[2], -1, 12 if self.corners else 4)
        boxes = decoded(located[..., :4], priors, self.code, self.scaled)
        if not self.corners:
            return boxes
        return torch.cat([boxes, decoded_corners(located[..., 4:], priors, self.scaled)], -1)

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
        choice += f", objectness={self.objectness}, corners={self.corners}, image={self.image}"
        return f"{self.classes}, background={self.background}, {decode}, threshold={self.threshold}, {choice}"


class PlacedDetections(DetectionOutput):
    """The same rows with three numbers more: which box at its place found an object, and the place's column and row.

    Locations are (images, height, width, boxes * located * 4).

    Source: openvinotoolkit/training_toolbox_caffe caffe/src/caffe/layers/detection_output_extended_layer.cpp,
    Forward_cpu.
    """

    @property
    def _columns(self) -> int:
        return 10

    def _boxes(self, offsets: Tensor, priors: Tensor) -> Tensor:
        boxes = super()._boxes(offsets, priors)
        height, width = offsets.shape[1:3]
        count = boxes.shape[1] // (height * width)
        row, column, box = (torch.arange(size, device=boxes.device) for size in (height, width, count))
        places = torch.stack(torch.meshgrid(row, column, box, indexing="ij")[::-1], -1).reshape(1, -1, 1, 3)
        return torch.cat([boxes, places.to(boxes).expand(*boxes.shape[:3], 3)], -1)


class MapDetections(DetectionOutput):
    """The objects in several maps, whose bottoms are apart: the scores of each, the locations of each, and all boxes.

    Args:
        maps: their number.
        planes: scores are (images, classes, boxes, places) and locations (images, boxes * located * 4, height, width);
            else both are in the order of DetectionOutput.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/detection_output_layer.cpp,
    Forward_cpu. With planes it reads the first image for all images of a batch.
    """

    def __init__(
        self,
        maps: int,
        planes: bool,
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
    ):
        super().__init__(classes, background, shared, code, scaled, threshold, overlap, eta, best, keep)
        self.maps, self.planes = maps, planes

    def forward(self, *bottoms: Tensor) -> Tensor:
        scores, offsets = list(bottoms[: self.maps]), list(bottoms[self.maps : -1])
        if self.planes:
            for blob, located in zip(scores, offsets, strict=True):
                if blob.shape[1] != self.classes or blob[0].numel() * (4 if self.shared else 4 * self.classes) != (
                    located[0].numel() * self.classes
                ):
                    raise RuntimeError(f"{self.classes} classes need as many planes of scores, and a location for each")
            scores = [blob.permute(0, 3, 2, 1) for blob in scores]
            offsets = [
                located.reshape(len(located), blob.shape[2], -1, *located.shape[2:]).permute(0, 3, 4, 1, 2)
                for blob, located in zip(scores, offsets, strict=True)
            ]
        joined = (torch.cat([blob.flatten(1) for blob in blobs], 1) for blobs in (offsets, scores))
        return super().forward(*joined, bottoms[-1])

    def extra_repr(self) -> str:
        return f"maps={self.maps}, planes={self.planes}, {super().extra_repr()}"
