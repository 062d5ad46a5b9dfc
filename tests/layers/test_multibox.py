"""SSD's MultiBoxLoss against the fork's loops written out, values worked out by hand, and gradients by differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError, InputError
from fcnkit.nn.boxes import decoded, encoded
from fcnkit.nn.multibox import matches
from tests.layers.build import layer, net, run, values

Box = tuple[float, ...]


def iou(a: Box, b: Box) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = w * h if w > 0 and h > 0 else 0.0
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def matched(priors: list[Box], objects: list[Box], threshold: float | None) -> tuple[list[int], list[float]]:
    """The object of each default box, and its overlap: pair by pair as MatchBBox."""
    found, shared = [-1] * len(priors), [max(iou(prior, box) for box in objects) for prior in priors]
    pool = list(range(len(objects)))
    while pool:
        pairs = [(iou(prior, objects[j]), -i, -j) for i, prior in enumerate(priors) if found[i] < 0 for j in pool]
        overlap, i, j = max(pairs, default=(0, 0, 0))
        if overlap <= 1e-6:
            break
        found[-i], shared[-i] = -j, overlap
        pool.remove(-j)
    for i, prior in enumerate(priors):
        each = [iou(prior, box) for box in objects]
        if threshold is not None and found[i] < 0 and max(each) >= threshold:
            found[i] = each.index(max(each))
    return found, shared


def centre(box: Box) -> list[float]:
    return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]]


def location_loss(offsets: np.ndarray, prior: Box, variances: Box, box: Box, square: bool) -> float:
    """Of CENTER_SIZE offsets."""
    (px, py, pw, ph), (x, y, w, h) = centre(prior), centre(box)
    wanted = [(x - px) / pw, (y - py) / ph, math.log(w / pw), math.log(h / ph)]
    total = 0.0
    for offset, value, variance in zip(offsets.tolist(), wanted, variances, strict=True):
        d = abs(offset - value / variance)
        total += d * d / 2 if square or d < 1 else d - 0.5
    return total


def score_loss(scores: np.ndarray, label: int, sigmoid: bool) -> float:
    if sigmoid:
        chances = 1 / (1 + np.exp(-scores.astype(float)))
        return float(-sum(math.log(p if k == label else 1 - p) for k, p in enumerate(chances.tolist())))
    chances = np.exp(scores.astype(float))
    return float(-math.log(chances[label] / chances.sum()))


def loss_by_loops(
    bottoms: list[np.ndarray],
    classes: int,
    threshold: float | None,
    mining: str,
    square: bool,
    sigmoid: bool,
    weight: float,
) -> float:
    offsets, scores, priors, rows = bottoms
    boxes = [tuple(box) for box in priors[0, 0].reshape(-1, 4).tolist()]
    variances = [tuple(each) for each in priors[0, 1].reshape(-1, 4).tolist()]
    located = scored = 0.0
    count = 0
    for image in range(len(offsets)):
        objects = [row for row in rows.reshape(-1, 8).tolist() if row[0] == image]
        found, shared = [-1] * len(boxes), [0.0] * len(boxes)
        if objects:
            found, shared = matched(boxes, [tuple(row[3:7]) for row in objects], threshold)
        labels = [int(objects[j][1]) if j >= 0 else 0 for j in found]
        score = [
            score_loss(each, label, sigmoid)
            for each, label in zip(scores[image].reshape(-1, classes), labels, strict=True)
        ]
        place = [
            location_loss(each, boxes[i], variances[i], tuple(objects[found[i]][3:7]), square) if found[i] >= 0 else 0.0
            for i, each in enumerate(offsets[image].reshape(-1, 4))
        ]
        positive = [i for i, j in enumerate(found) if j >= 0]
        if mining == "NONE":
            used = list(range(len(boxes)))
        elif not objects:
            used = []
        elif mining == "MAX_NEGATIVE":
            negative = [i for i, j in enumerate(found) if j < 0 and shared[i] < 0.4]
            used = positive + sorted(negative, key=lambda i: -score[i])[: 2 * len(positive)]
        else:
            used = sorted(range(len(boxes)), key=lambda i: -score[i] - place[i])[:10]
            positive = [i for i in positive if i in used]
        count += len(positive)
        located += sum(place[i] for i in positive)
        scored += sum(score[i] for i in used)
    return (weight * located + scored) / max(count, 1)


def blobs(classes: int, images: int = 3) -> list[np.ndarray]:
    """Default boxes on a grid of two sizes, and objects in two of three images, with room for a row without one."""
    random = np.random.default_rng(classes)
    centres = [(x / 4 + 0.125, y / 4 + 0.125, size) for y in range(4) for x in range(4) for size in (0.2, 0.45)]
    corners = np.array([[x - s / 2, y - s / 2, x + s / 2, y + s / 2] for x, y, s in centres])
    priors = np.stack([corners.ravel(), np.tile([0.1, 0.1, 0.2, 0.2], len(corners))])[None].astype(np.float32)
    rows = []
    for image in (0, 0, 0, 2):
        low = random.uniform(0, 0.5, 2)
        box = np.concatenate([low, low + random.uniform(0.15, 0.5, 2)])
        rows.append([image, random.integers(1, classes), 0, *box, 0])
    rows.append([-1] * 8)
    offsets = random.normal(0, 2, (images, corners.size)).astype(np.float32)
    scores = random.normal(0, 2, (images, len(corners) * classes)).astype(np.float32)
    return [offsets, scores, priors, np.array(rows, np.float32)[None, None]]


@pytest.mark.parametrize("mining", ["NONE", "MAX_NEGATIVE", "HARD_EXAMPLE"])
@pytest.mark.parametrize(("match", "threshold"), [("PER_PREDICTION", 0.35), ("BIPARTITE", None)])
@pytest.mark.parametrize(("location", "score"), [("SMOOTH_L1", "SOFTMAX"), ("L2", "LOGISTIC")])
def test_the_loss_is_that_of_its_loops(
    mining: str, match: str, threshold: float | None, location: str, score: str
) -> None:
    if score == "LOGISTIC" and mining == "NONE":
        return
    settings = "num_classes: 4 code_type: CENTER_SIZE overlap_threshold: 0.35 neg_overlap: 0.4 neg_pos_ratio: 2"
    settings += f" match_type: {match} mining_type: {mining} sample_size: 10 loc_weight: 0.5"
    settings += f" loc_loss_type: {location} conf_loss_type: {score}"
    bottoms = blobs(4)
    found = run(layer("MultiBoxLoss", "abcd", f"multibox_loss_param {{ {settings} }}"), bottoms)
    expected = loss_by_loops(bottoms, 4, threshold, mining, location == "L2", score == "LOGISTIC", 0.5)
    assert found.shape == ()
    assert found == pytest.approx(expected, rel=1e-4)


def test_matching_by_hand() -> None:
    """Both objects overlap the first default box most; the first object overlaps it more, and takes it.

    The third default box has half of the height of the first one, and the fifth lies across the edge of the image.
    """
    priors = torch.tensor(
        [[0, 0, 0.4, 0.4], [0.2, 0, 0.6, 0.4], [0, 0, 0.4, 0.2], [0.8, 0.8, 1, 1], [-0.1, 0, 0.3, 0.4]]
    )
    objects = torch.tensor([[0, 0, 0.4, 0.36], [0.1, 0, 0.5, 0.4]])
    found, shared = matches(priors, objects, 0.5)
    assert found.tolist() == [0, 1, 0, -1, 0]
    assert shared.tolist() == pytest.approx([0.9, 0.6, 0.08 / 0.144, 0, 0.108 / 0.196], abs=1e-6)
    assert matches(priors, objects, 0.552)[0].tolist() == [0, 1, 0, -1, -1]
    assert matches(priors, objects, None)[0].tolist() == [0, 1, -1, -1, -1]
    assert matches(priors, objects, 0.5, inside=True)[0].tolist() == [0, 1, 0, -1, -2]


def test_by_hand() -> None:
    """One default box on its object, one far from it: each costs log 2 for 2 equal scores, the offset 1 costs 0.5."""
    priors = np.array([[0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1], [0.1] * 8], np.float32)[None]
    objects = np.array([[0, 1, 0, 0, 0, 0.5, 0.5, 0]], np.float32)[None, None]
    offsets, scores = np.zeros((1, 8), np.float32), np.zeros((1, 4), np.float32)
    offsets[0, 0] = 1
    it = layer("MultiBoxLoss", "abcd", "multibox_loss_param { num_classes: 2 code_type: CENTER_SIZE }")
    assert run(it, [offsets, scores, priors, objects]) == pytest.approx(0.5 + 2 * math.log(2))
    objects[0, 0, 0, 7] = 1
    strict = layer("MultiBoxLoss", "abcd", "multibox_loss_param { num_classes: 2 use_difficult_gt: false }")
    assert run(strict, [offsets, scores, priors, objects]) == 0


LOG2 = math.log(2)


def two_boxes(objects: list[list[float]], offsets: list[float], classes: int = 2) -> list[np.ndarray]:
    """Default boxes in the upper left and lower right quarter, of variances 0.1, with equal scores for all classes."""
    priors = np.array([[0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1], [0.1] * 8], np.float32)[None]
    return [
        np.array([offsets], np.float32),
        np.zeros((1, 2 * classes), np.float32),
        priors,
        np.array(objects, np.float32)[None, None],
    ]


def test_predicted_boxes_are_matched_by_hand() -> None:
    """The object is at the first default box, and the second one is predicted there: -5 * 0.1 from its own place."""
    bottoms = two_boxes([[0, 1, 0, 0, 0, 0.5, 0.5, 0]], [9, 9, 9, 9, -5, -5, -5, -5])
    settings = "num_classes: 2 mining_type: NONE use_prior_for_matching: "
    for choice, loss in (("true", 4 * 8.5), ("false", 0)):
        it = layer("MultiBoxLoss", "abcd", f"multibox_loss_param {{ {settings} {choice} }}")
        assert run(it, bottoms) == pytest.approx(loss + 2 * LOG2, rel=1e-5)


def test_places_outside_the_image_by_hand() -> None:
    """The second default box is predicted to begin 0.1 above and left of the image, where its offsets cost nothing."""
    bottoms = two_boxes([[0, 1, 0, 0, 0, 0.5, 0.5, 0]], [9, 9, 9, 9, -6, -6, -4, -5])
    settings = "num_classes: 2 mining_type: NONE use_prior_for_matching: false bp_inside:"
    for choice, loss in (("true", 0.5), ("false", 1.5)):
        it = layer("MultiBoxLoss", "abcd", f"multibox_loss_param {{ {settings} {choice} }}")
        assert run(it, bottoms) == pytest.approx(loss + 2 * LOG2, rel=1e-5)
    # Default boxes themselves are inside.
    it = layer("MultiBoxLoss", "abcd", "multibox_loss_param { num_classes: 2 mining_type: NONE bp_inside: true }")
    assert run(it, bottoms) == pytest.approx(4 * 8.5 + 2 * LOG2, rel=1e-5)


def test_locations_of_each_class_by_hand() -> None:
    """Of three classes' locations those of class 2 count."""
    offsets = np.full((2, 3, 4), 7.0)
    offsets[0, 2] = [0, 0, 1, -1]
    bottoms = two_boxes([[0, 2, 0, 0, 0, 0.5, 0.5, 0]], offsets.ravel().tolist(), classes=3)
    it = layer("MultiBoxLoss", "abcd", "multibox_loss_param { num_classes: 3 mining_type: NONE share_location: false }")
    assert run(it, bottoms) == pytest.approx(2 * 0.5 + 2 * math.log(3), rel=1e-5)


def test_overlaps_among_hard_examples_by_hand() -> None:
    """Two default boxes of the largest losses lie on one another: with nms_param, the third is taken for the second.

    The default boxes are predicted apart, and the last one is so small that it is never taken.
    """
    corners = [[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9], [0.5, 0.5, 0.9, 0.88], [0.5, 0, 1, 0.4], [0.9, 0.9, 0.901, 0.9]]
    priors = np.stack([np.ravel(corners), np.full(20, 0.1)])[None].astype(np.float32)
    scores = np.array([[0, 0, -3, 0, -2, 0, -1, 0, -4, 0]], np.float32)
    offsets = np.zeros((1, 20), np.float32)
    offsets[0, 4:8] = 2
    objects = np.array([[0, 1, 0, 0, 0, 0.2, 0.2, 0]], np.float32)[None, None]
    costs = [math.log(1 + math.exp(margin)) for margin in (0, 3, 2, 1, 4)]
    base = "num_classes: 2 neg_pos_ratio: 2 "
    for settings, used in (
        ("", (0, 4, 1)),
        ("nms_param { nms_threshold: 0.5 } use_prior_for_nms: true", (0, 1, 3)),
        ("nms_param { nms_threshold: 0.5 }", (0, 1, 2)),
        ("nms_param { nms_threshold: 0.5 top_k: 3 } use_prior_for_nms: true", (0, 1)),
        # The matched one has the least loss of the five, and is not looked at.
        ("nms_param { nms_threshold: 0.5 top_k: 4 } use_prior_for_nms: true mining_type: HARD_EXAMPLE", (1, 3)),
    ):
        it = layer("MultiBoxLoss", "abcd", f"multibox_loss_param {{ {base} {settings} }}")
        found = run(it, [offsets, scores, priors, objects])
        assert found == pytest.approx(sum(costs[index] for index in used), rel=1e-5), settings


def test_the_second_stage_of_refinedet_by_hand() -> None:
    """The first stage moves the second default box on the object, and sees nothing in the first one.

    Without it the second default box is matched as well, the other one being too far.
    """
    bottoms = two_boxes([[0, 7, 0, 0.5, 0.5, 0.7, 0.7, 0]], [0, 0, 0, 0, 1, 0, 0, 0])
    it = layer("MultiBoxLoss", "abcd", "multibox_loss_param { num_classes: 2 }")
    # Offsets of the object: 0, 0, -3, -3.
    assert run(it, bottoms) == pytest.approx(0.5 + 2.5 * 2 + 2 * LOG2, rel=1e-5)
    seen, moves = np.array([[0.995, 0.005, 0.5, 0.5]], np.float32), np.array([[0, 0, 0, 0, 0, 0, -3, -3]], np.float32)
    refined = layer("MultiBoxLoss", "abcdef", "multibox_loss_param { num_classes: 2 }")
    assert run(refined, [*bottoms, seen, moves]) == pytest.approx(0.5 + LOG2, rel=1e-5)
    all_seen = layer("MultiBoxLoss", "abcdef", "multibox_loss_param { num_classes: 2 objectness_score: 0.004 }")
    assert run(all_seen, [*bottoms, seen, moves]) == pytest.approx(0.5 + 2 * LOG2, rel=1e-5)
    wrong = layer("MultiBoxLoss", "abcdef", "multibox_loss_param { num_classes: 2 mining_type: HARD_EXAMPLE }")
    with pytest.raises(DefinitionError, match="six bottoms with another setting than RefineDet's of MultiBoxLoss"):
        run(wrong, [*bottoms, seen, moves])


@pytest.mark.parametrize("mining", ["NONE", "MAX_NEGATIVE", "HARD_EXAMPLE"])
def test_gradients_are_the_differences_of_losses(mining: str) -> None:
    bottoms = blobs(3)
    settings = f"num_classes: 3 code_type: CENTER_SIZE overlap_threshold: 0.35 mining_type: {mining} sample_size: 10"
    it = (
        net(layer("MultiBoxLoss", "abcd", f"multibox_loss_param {{ {settings} }}"), bottoms)
        .get_submodule("it")
        .double()
    )
    tensors = [torch.from_numpy(each).double() for each in bottoms]
    tensors[0].requires_grad_()
    tensors[1].requires_grad_()
    it(*tensors).backward()
    for which in (0, 1):
        gradient = tensors[which].grad
        assert gradient is not None
        assert (gradient != 0).any()
        for place in np.random.default_rng(which).integers(0, gradient.numel(), 25).tolist():
            step = torch.zeros_like(gradient).view(-1)
            step[place] = 1e-6
            with torch.no_grad():
                changed = [
                    [t + sign * step.view_as(t) if k == which else t for k, t in enumerate(tensors)] for sign in (1, -1)
                ]
                slope = (it(*changed[0]) - it(*changed[1])) / 2e-6
            assert float(gradient.view(-1)[place]) == pytest.approx(float(slope), abs=1e-6)


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE", "CORNER_SIZE"])
def test_encoding_is_the_inverse_of_decoding(code: str) -> None:
    low = torch.from_numpy(values(7, 2))
    boxes, priors = (torch.cat([low, low + torch.rand(7, 2) + 0.1], 1) for _ in (0, 1))
    again = decoded(encoded(boxes, priors, code)[:, None], torch.stack([priors, torch.ones(7, 4)]), code)
    assert torch.allclose(again[:, 0], boxes, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "num_classes must be given"),
        ("num_classes: 2 share_location: false", "share_location: false with a mining_type of MultiBoxLoss is not"),
        (
            "num_classes: 2 share_location: false mining_type: NONE use_prior_for_matching: false",
            "share_location: false with use_prior_for_matching: false of MultiBoxLoss is not supported",
        ),
        ("num_classes: 2 ignore_difficult_gt: true", "ignore_difficult_gt: true of MultiBoxLoss is not supported"),
        ("num_classes: 2 do_neg_mining: false", "do_neg_mining and mining_type contradict each other"),
        ("num_classes: 2 background_label_id: 2", "background_label_id must be one of 2 classes"),
        ("num_classes: 4 conf_loss_type: LOGISTIC mining_type: NONE", "LOGISTIC needs background_label_id 0"),
        ("num_classes: 3", "32 default boxes need 128 locations and 96 scores"),
    ],
)
def test_what_is_refused(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it'.*: {problem}"):
        run(layer("MultiBoxLoss", "abcd", f"multibox_loss_param {{ {settings} }}"), blobs(4))


def test_objects_that_do_not_fit() -> None:
    it, bottoms = layer("MultiBoxLoss", "abcd", "multibox_loss_param { num_classes: 4 }"), blobs(4)
    with pytest.raises(DefinitionError, match="an object has 8 numbers: image, class"):
        run(it, [*bottoms[:3], bottoms[3][..., :7]])
    bottoms[3][0, 0, 0, 1] = 0
    with pytest.raises(InputError, match="an object is of class 0, the background"):
        run(it, bottoms)
