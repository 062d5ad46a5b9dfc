"""The loss of single-shot detectors: default boxes matched with objects, and hard examples among them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcnkit.nn.boxes import best, decoded, encoded, overlaps, without_overlaps
from fcnkit.nn.loss import normalizer

# Unmatched, and ignored: across the image's edge.
_NONE, _IGNORED = -1, -2
# Smaller overlaps do not count.
_LEAST_OVERLAP = 1e-6
# Smaller boxes are not chosen.
_LEAST_AREA = 1e-5


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
    unmatched ones that are background.

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
        shared: whether all classes share the locations; else there are four numbers for each class.
        by_priors: default boxes are matched with objects; else the predicted boxes are.
        inside_only: what lies outside the image, of the boxes that are matched, has no loss of location.
        suppression: (overlap, number, by_priors): of the default boxes that may be chosen for their loss, those that
            overlap one of a larger loss more are not; only so many are looked at; of default or of predicted boxes.
        objectness: the least score of RefineDet's first stage for unmatched default boxes.

    Source: weiliu89/caffe (branch ssd) and sfzhang15/RefineDet src/caffe/layers/multibox_loss_layer.cpp, Forward_cpu;
    src/caffe/util/bbox_util.cpp, MineHardExamples, ComputeConfLoss, ComputeLocLoss, EncodeLocPrediction.
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
        shared: bool = True,
        by_priors: bool = True,
        inside_only: bool = False,
        suppression: tuple[float, int | None, bool] | None = None,
        objectness: float = 0.01,
    ):
        super().__init__()
        self.classes, self.background, self.code, self.scaled = classes, background, code, scaled
        self.threshold, self.inside, self.square, self.sigmoid, self.weight = threshold, inside, square, sigmoid, weight
        self.mining, self.ratio, self.far, self.samples = mining, ratio, far, samples
        self.difficult, self.agnostic, self.normalization = difficult, agnostic, normalization
        self.shared, self.by_priors, self.inside_only = shared, by_priors, inside_only
        self.suppression, self.objectness = suppression, objectness

    def forward(
        self,
        offsets: Tensor,
        scores: Tensor,
        priors: Tensor,
        objects: Tensor,
        first_scores: Tensor | None = None,
        first_offsets: Tensor | None = None,
    ) -> Tensor:
        """The loss.

        Args:
            offsets: (images, priors * 4), or (images, priors * classes * 4).
            scores: (images, priors * classes).
            priors: (1, 2, priors * 4), the default boxes and their variances.
            objects: (1, 1, objects, 8), rows (image, class, number, xmin, ymin, xmax, ymax, difficult); the image is -1
                in rows without an object. Of two classes, the second is any object.
            first_scores: (images, priors * 2), the chances of RefineDet's first stage: of no object and of one.
            first_offsets: (images, priors * 4), its offsets, which change the default boxes.
        """
        images, count = len(offsets), priors.shape[2] // 4
        places = count * 4 * (1 if self.shared else self.classes)
        if offsets[0].numel() != places or scores[0].numel() != count * self.classes:
            raise RuntimeError(f"{count} default boxes need {places} locations and {count * self.classes} scores")
        if objects.shape[-1] != 8:
            raise RuntimeError("an object has 8 numbers: image, class, number, xmin, ymin, xmax, ymax, difficult")
        if offsets.is_meta:
            return offsets.new_empty(())
        offsets, scores = offsets.reshape(images, count, -1, 4), scores.reshape(images, count, self.classes)
        rows = objects.detach().reshape(-1, 8).clone()
        if self.classes == 2:
            rows[:, 1].clamp_(max=1)
        if not self.difficult:
            rows = rows[rows[:, 7] == 0]
        if (rows[rows[:, 0] >= 0][:, 1] == self.background).any():
            raise RuntimeError(f"an object is of class {self.background}, the background")
        defaults = priors.detach()[0].reshape(2, count, 4)
        losses = []
        for image in range(images):
            seen, boxes = torch.ones(count, dtype=torch.bool, device=priors.device), defaults
            if first_scores is not None:
                seen = first_scores[image].detach().reshape(count, 2)[:, 1] >= self.objectness
            if first_offsets is not None:
                refined = first_offsets[image].detach().reshape(count, 1, 4)
                boxes = torch.stack([decoded(refined, defaults, self.code, self.scaled)[:, 0], defaults[1]])
            losses.append(self._of_image(offsets[image], scores[image], boxes, rows[rows[:, 0] == image], seen))
        located, scored, matched = (torch.stack(parts).sum(0) for parts in zip(*losses, strict=True))
        divisor = normalizer(self.normalization, images, count, matched)
        return (self.weight * located + scored) / divisor

    def _of_image(
        self, offsets: Tensor, scores: Tensor, priors: Tensor, objects: Tensor, seen: Tensor
    ) -> tuple[Tensor, ...]:
        """The losses of the locations and scores of an image, and the number of matched default boxes."""
        names = torch.full((len(scores),), self.background, device=scores.device)
        used = torch.full_like(names, self.mining == "NONE", dtype=torch.bool)
        matched = torch.full_like(names, _NONE)
        located = torch.zeros_like(offsets[:, 0, 0])
        predicted = decoded(offsets.detach(), priors, self.code, self.scaled)[:, 0]
        if len(objects):
            boxes = priors[0] if self.by_priors else predicted
            matched, shared = matches(boxes, objects[:, 3:7], self.threshold, self.inside)
            positive = (matched >= 0).nonzero()[:, 0]
            of_prior = objects[matched[positive]]
            names[positive] = self.background + 1 if self.agnostic else of_prior[:, 1].long()
            label = torch.zeros_like(positive) if self.shared else of_prior[:, 1].long()
            outside = ((boxes < 0) | (boxes > 1))[positive] & self.inside_only
            losses = self._location_loss(offsets[positive, label], priors[:, positive], of_prior[:, 3:7], outside)
            located = located.index_add(0, positive, losses)
        each = self._score_loss(scores, names)
        if len(objects) and self.mining == "MAX_NEGATIVE":
            negative = (matched == _NONE) & (shared < self.far) & seen
            hardest = self._hardest(each, negative, priors[0], predicted)[: int(len(positive) * self.ratio)]
            used[positive], used[hardest] = True, True
        elif len(objects) and self.mining == "HARD_EXAMPLE":
            hardest = self._hardest(each + located, seen, priors[0], predicted)[: self.samples]
            used[hardest[matched[hardest] != _IGNORED]] = True
            matched = torch.where(used, matched, _NONE)
        return located[matched >= 0].sum(), each[used].sum(), (matched >= 0).sum()

    def _hardest(self, losses: Tensor, eligible: Tensor, priors: Tensor, predicted: Tensor) -> Tensor:
        """The indices of the eligible default boxes of the largest losses, the largest first."""
        indices = eligible.nonzero()[:, 0]
        order = indices[best(losses[indices].detach())]
        if self.suppression is None:
            return order
        overlap, number, by_priors = self.suppression
        boxes = (priors if by_priors else predicted)[order[:number]]
        width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
        large = (width >= 0) & (height >= 0) & (width * height >= _LEAST_AREA)
        order, boxes = order[:number][large], boxes[large]
        return order[without_overlaps(boxes, overlap)]

    def _location_loss(self, found: Tensor, priors: Tensor, objects: Tensor, outside: Tensor) -> Tensor:
        boxes, variances = priors
        wanted = encoded(objects, boxes, self.code) / variances
        found = torch.where(outside, wanted, found / variances if self.scaled else found)
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
