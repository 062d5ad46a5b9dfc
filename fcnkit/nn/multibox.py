"""The loss of single-shot detectors: default boxes matched with objects, and hard examples among them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.nn.boxes import best, encoded, overlaps
from fcnkit.nn.loss import normalizer

# Unmatched, and ignored: across the image's edge.
_NONE, _IGNORED = -1, -2
# Smaller overlaps do not count.
_LEAST_OVERLAP = 1e-6


def matches(priors: Tensor, objects: Tensor, threshold: float | None, inside: bool = False) -> tuple[Tensor, Tensor]:
    """The object that each default box is matched with, -1 for none, -2 if it is ignored; and its overlap.

    Each object is matched with one default box, those of the largest overlap first. Each other default box is matched
    with the object that it overlaps most. The overlap of an unmatched default box is that with any object.

    Args:
        priors: (n, 4), default boxes.
        objects: (m, 4), objects.
        threshold: the least overlap of the other default boxes, or None to match only one with each object.
        inside: ignore default boxes that are not within the image.

    Source: weiliu89/caffe (branch ssd) src/caffe/util/bbox_util.cpp, MatchBBox.
    """
    matched = torch.full((len(priors),), _NONE, device=priors.device)
    if inside:
        matched[((priors < 0) | (priors > 1)).any(1)] = _IGNORED
    shared = torch.stack([overlaps(box, priors) for box in objects], 1)
    shared = shared * ((shared > _LEAST_OVERLAP) & (matched == _NONE)[:, None])
    largest, nearest = shared.max(1)
    free = shared.clone()
    for _ in range(len(objects)):
        # The first of equal overlaps, as in the fork: torch gives the first index.
        prior, box = divmod(int(free.argmax()), len(objects))
        if free[prior, box] <= 0:
            break
        matched[prior], largest[prior] = box, shared[prior, box]
        free[prior], free[:, box] = 0, 0
    if threshold is not None:
        near = (matched == _NONE) & (largest >= threshold) & (largest > 0)
        matched[near] = nearest[near]
    return matched, largest


class MultiBoxLoss(nn.Module):
    """The loss of locations and scores against objects that default boxes are matched with.

    It is the loss of the matched default boxes' locations, plus that of the scores of matched default boxes and of
    unmatched ones that are background. All locations are shared by the classes, and default boxes are matched with
    objects, not decoded ones.

    Args:
        classes: number of classes, background included.
        background: the class that is no object.
        code, scaled: see `decoded`.
        threshold: see `matches`.
        inside: see `matches`.
        square: the loss of a location is half the square of a difference; else it is linear beyond 1.
        sigmoid: each class has a score of its own; else they are a softmax.
        weight: the factor of the locations' loss.
        mining: "NONE": all unmatched default boxes are background; "MAX_NEGATIVE": those of the largest losses;
            "HARD_EXAMPLE": of all default boxes those of the largest losses count.
        ratio: the number of unmatched default boxes in each image for each matched one, for MAX_NEGATIVE.
        far: unmatched default boxes of this overlap or more are not background, for MAX_NEGATIVE.
        samples: the number of default boxes in each image, for HARD_EXAMPLE.
        difficult: whether objects marked as difficult count.
        agnostic: all objects are of the class after the background.
        normalization: see `normalizer`; the number of valid labels is that of matched default boxes.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/multibox_loss_layer.cpp, Forward_cpu;
    src/caffe/util/bbox_util.cpp, MineHardExamples, ComputeConfLoss, ComputeLocLoss.
    """

    def __init__(
        self,
        classes: int,
        background: int = 0,
        code: str = "CORNER",
        scaled: bool = False,
        threshold: float | None = 0.5,
        inside: bool = False,
        square: bool = False,
        sigmoid: bool = False,
        weight: float = 1,
        mining: str = "MAX_NEGATIVE",
        ratio: float = 3,
        far: float = 0.5,
        samples: int = 64,
        difficult: bool = True,
        agnostic: bool = False,
        normalization: str = "VALID",
    ):
        super().__init__()
        self.classes, self.background, self.code, self.scaled = classes, background, code, scaled
        self.threshold, self.inside, self.square, self.sigmoid, self.weight = threshold, inside, square, sigmoid, weight
        self.mining, self.ratio, self.far, self.samples = mining, ratio, far, samples
        self.difficult, self.agnostic, self.normalization = difficult, agnostic, normalization

    def forward(self, offsets: Tensor, scores: Tensor, priors: Tensor, objects: Tensor) -> Tensor:
        """The loss.

        Args:
            offsets: (images, priors * 4).
            scores: (images, priors * classes).
            priors: (1, 2, priors * 4), the default boxes and their variances.
            objects: (1, 1, objects, 8), rows (image, class, number, xmin, ymin, xmax, ymax, difficult); the image is -1
                in rows without an object.
        """
        images, count = len(offsets), priors.shape[2] // 4
        if offsets[0].numel() != count * 4 or scores[0].numel() != count * self.classes:
            raise RuntimeError(f"{count} default boxes need {count * 4} locations and {count * self.classes} scores")
        if objects.shape[-1] != 8:
            raise RuntimeError("an object has 8 numbers: image, class, number, xmin, ymin, xmax, ymax, difficult")
        if offsets.is_meta:
            return offsets.new_empty(())
        offsets, scores = offsets.reshape(images, count, 4), scores.reshape(images, count, self.classes)
        rows = objects.detach().reshape(-1, 8)
        if not self.difficult:
            rows = rows[rows[:, 7] == 0]
        if (rows[rows[:, 0] >= 0][:, 1] == self.background).any():
            raise RuntimeError(f"an object is of class {self.background}, the background")
        losses = [
            self._of_image(
                offsets[image], scores[image], priors.detach()[0].reshape(2, count, 4), rows[rows[:, 0] == image]
            )
            for image in range(images)
        ]
        located, scored, matched = (torch.stack(parts).sum(0) for parts in zip(*losses, strict=True))
        divisor = normalizer(self.normalization, images, count, matched)
        return (self.weight * located + scored) / divisor

    def _of_image(self, offsets: Tensor, scores: Tensor, priors: Tensor, objects: Tensor) -> tuple[Tensor, ...]:
        """The losses of the locations and scores of an image, and the number of matched default boxes."""
        names = torch.full((len(scores),), self.background, device=scores.device)
        used = torch.full_like(names, self.mining == "NONE", dtype=torch.bool)
        matched = torch.full_like(names, _NONE)
        located = torch.zeros_like(offsets[:, 0])
        if len(objects):
            matched, shared = matches(priors[0], objects[:, 3:7], self.threshold, self.inside)
            positive = (matched >= 0).nonzero()[:, 0]
            of_prior = objects[matched[positive]]
            names[positive] = self.background + 1 if self.agnostic else of_prior[:, 1].long()
            located = located.index_add(0, positive, self._location_loss(offsets, priors, of_prior[:, 3:7], positive))
        each = self._score_loss(scores, names)
        if len(objects) and self.mining == "MAX_NEGATIVE":
            negative = ((matched == _NONE) & (shared < self.far)).nonzero()[:, 0]
            hardest = negative[best(each[negative].detach(), int(len(positive) * self.ratio))]
            used[positive], used[hardest] = True, True
        elif len(objects) and self.mining == "HARD_EXAMPLE":
            hardest = best((each + located).detach(), self.samples)
            used[hardest[matched[hardest] != _IGNORED]] = True
            matched = torch.where(used, matched, _NONE)
        return located[matched >= 0].sum(), each[used].sum(), (matched >= 0).sum()

    def _location_loss(self, offsets: Tensor, priors: Tensor, objects: Tensor, positive: Tensor) -> Tensor:
        boxes, variances = priors[:, positive]
        wanted, found = encoded(objects, boxes, self.code) / variances, offsets[positive]
        if self.scaled:
            found = found / variances
        difference = found - wanted
        each = difference.square() / 2 if self.square else F.smooth_l1_loss(found, wanted, reduction="none")
        return each.sum(1)

    def _score_loss(self, scores: Tensor, names: Tensor) -> Tensor:
        if not self.sigmoid:
            return F.cross_entropy(scores, names, reduction="none")
        wanted = (torch.arange(self.classes, device=scores.device) == names[:, None]).to(scores)
        return F.binary_cross_entropy_with_logits(scores, wanted, reduction="none").sum(1)

    def extra_repr(self) -> str:
        match = f"{self.classes}, background={self.background}, code={self.code}, threshold={self.threshold}"
        choice = f"mining={self.mining}, ratio={self.ratio}, far={self.far}, samples={self.samples}"
        return f"{match}, {choice}, normalization={self.normalization}"
