"""The layers of SSD against OpenCV, and where OpenCV differs from the fork against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError, InputError
from fcnkit.nn.boxes import decoded, without_overlaps
from tests.layers.build import layer, net, opencv, run

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and bool(np.allclose(found, expected, rtol=1e-5, atol=1e-6))


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (3, 1, 0, 2), (0, 1, 2, 3)])
def test_permute(order: tuple[int, ...], tmp_path: Path) -> None:
    orders = " ".join(f"order: {axis}" for axis in order)
    it = layer("Permute", "a", f"permute_param {{ {orders} }}")
    bottom = normal(2, 3, 4, 5)
    assert close(run(it, [bottom]), opencv(it, [bottom], tmp_path))


def test_permute_appends_the_axes_that_it_does_not_name() -> None:
    bottom = normal(2, 3, 4, 5)
    assert close(run(layer("Permute", "a", "permute_param { order: 2 }"), [bottom]), bottom.transpose(2, 0, 1, 3))
    assert close(run(layer("Permute", "a"), [bottom]), bottom)


@pytest.mark.parametrize("order", ["order: 1 order: 1", "order: 4"])
def test_permute_refuses_axes_twice_or_beyond(order: str) -> None:
    with pytest.raises(DefinitionError, match=r"layer 'it': order \[.*\] must name axes 0 to 3, each once"):
        run(layer("Permute", "a", f"permute_param {{ {order} }}"), [normal(1, 2, 3, 4)])


@pytest.mark.parametrize(("across_spatial", "channel_shared"), [(False, False), (False, True), (True, True)])
def test_normalize(across_spatial: bool, channel_shared: bool, tmp_path: Path) -> None:
    settings = f"across_spatial: {across_spatial} channel_shared: {channel_shared} eps: 0.5".lower()
    it = layer("Normalize", "a", f"norm_param {{ {settings} }}")
    bottom, weight = normal(2, 3, 4, 5), normal(1) if channel_shared else normal(3)
    expected = opencv(it, [bottom], tmp_path, {"it": [weight]})
    own = weight.reshape(()) if channel_shared else weight
    assert close(run(it, [bottom], {"it": [own]}), expected)


def test_normalize_by_hand() -> None:
    """Squares are summed over all of an item, eps with them: 9 + 16 + 24 = 49, and 0 + 25 + 24 = 49."""
    it = layer("Normalize", "a", "norm_param { across_spatial: true channel_shared: false eps: 24 }")
    bottom = np.array([[3, 4], [0, 5]], np.float32).reshape(2, 2, 1, 1)
    expected = np.array([[3, 40], [0, 50]], np.float32).reshape(2, 2, 1, 1) / 7
    assert close(run(it, [bottom], {"it": [np.array([1, 10], np.float32)]}), expected)
    assert close(run(it, [bottom[:, :, 0, 0]], {"it": [np.array([1, 10], np.float32)]}), expected[:, :, 0, 0])


def test_normalize_is_filled_with_1_unless_a_filler_says_otherwise() -> None:
    bottom = [normal(1, 3, 2, 2)]
    (weight,) = net(layer("Normalize", "a", "norm_param {}"), bottom).blobs()["it"]
    assert weight.shape == ()
    assert weight == 1
    more = 'norm_param { channel_shared: false scale_filler { type: "constant" value: 20 } }'
    (weight,) = net(layer("Normalize", "a", more), bottom).blobs()["it"]
    assert weight.tolist() == [20, 20, 20]


@pytest.mark.parametrize(
    "settings",
    [
        "min_size: 30 max_size: 60 aspect_ratio: 2 aspect_ratio: 3 clip: true variance: 0.1",
        "min_size: 30 min_size: 12 aspect_ratio: 2 flip: false step: 16 offset: 0.25 clip: false variance: 0.2",
        "min_size: 9 clip: false step_h: 8 step_w: 12 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.3",
    ],
)
def test_priorbox(settings: str, tmp_path: Path) -> None:
    it = layer("PriorBox", "ab", f"prior_box_param {{ {settings} }}")
    bottoms = [normal(1, 2, 4, 5), normal(1, 3, 60, 90)]
    assert close(run(it, bottoms), opencv(it, bottoms, tmp_path))


def test_priorbox_by_hand() -> None:
    """Sizes are cut to 4 and 9 pixels: boxes of 4 x 4, 6 x 6, 8 x 2 and 2 x 8, at places 10 apart in 20 x 40 pixels.

    The aspect ratios 1 and 0.25 are there already when they come.
    """
    settings = "min_size: 4.9 max_size: 9.9 aspect_ratio: 1 aspect_ratio: 4 aspect_ratio: 0.25 img_h: 20 img_w: 40"
    it = layer("PriorBox", "ab", f"prior_box_param {{ {settings} step: 10 offset: 0.5 }}")
    top = run(it, [normal(3, 2, 1, 2), normal(3, 3, 7, 7)])
    assert top.shape == (1, 2, 2 * 4 * 4)
    boxes = top[0, 0].reshape(2, 4, 4) * np.array([40, 20, 40, 20], np.float32)
    first = [[3, 3, 7, 7], [2, 2, 8, 8], [1, 4, 9, 6], [4, 1, 6, 9]]
    assert close(boxes, np.array([first, np.array(first) + np.array([10, 0, 10, 0])], np.float32))
    assert close(top[0, 1], np.full(32, 0.1, np.float32))


def test_priorbox_follows_the_images_size() -> None:
    it = net(layer("PriorBox", "ab", "prior_box_param { min_size: 8 }"), [normal(1, 2, 2, 2), normal(1, 3, 16, 32)])
    assert it.shapes["top"] == (1, 2, 16)
    top = it(torch.zeros(1, 2, 3, 1), torch.zeros(1, 3, 32, 16))
    assert isinstance(top, torch.Tensor)
    assert top.shape == (1, 2, 12)
    assert top[0, 0, 8:].tolist() == pytest.approx([4 / 16, (32 * 5 / 6 - 4) / 32, 12 / 16, (32 * 5 / 6 + 4) / 32])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "min_size must be given, and positive"),
        ("min_size: 0", "min_size must be given, and positive"),
        ("min_size: 4 max_size: 8 max_size: 9", "2 max_size for 1 min_size"),
        ("min_size: 4 max_size: 4", "max_size must be over min_size"),
        ("min_size: 4 aspect_ratio: -2", "aspect_ratio -2 must be positive"),
        ("min_size: 4 variance: 1 variance: 1", "variance is given 4 times or once, and positive"),
        ("min_size: 4 variance: 0", "variance is given 4 times or once, and positive"),
        ("min_size: 4 img_h: 3", "give img_size, or img_h and img_w, and positive"),
        ("min_size: 4 img_size: 3 img_h: 3 img_w: 3", "give img_size, or img_h and img_w, and positive"),
        ("min_size: 4 step: 0", "give step, or step_h and step_w, and positive"),
    ],
)
def test_priorbox_refuses(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        run(layer("PriorBox", "ab", f"prior_box_param {{ {settings} }}"), [normal(1, 2, 2, 2), normal(1, 3, 8, 8)])


def detections(priors: int, classes: int, located: int) -> list[np.ndarray]:
    """Locations, scores and default boxes for two images."""
    corners = np.sort(RANDOM.uniform(size=(priors, 2, 2)), 1).reshape(1, 1, -1)
    variances = np.tile([0.1, 0.1, 0.2, 0.3], priors).reshape(1, 1, -1)
    boxes = np.concatenate([corners, variances], 1).astype(np.float32)
    return [normal(2, priors * located * 4), np.abs(normal(2, priors * classes)), boxes]


def in_one_order(rows: np.ndarray) -> np.ndarray:
    """Rows by image, class and score. OpenCV sorts by score alone where it leaves some out, and adds rows of 0."""
    objects = [row for row in rows[0, 0].tolist() if any(row)]
    return np.array(sorted(objects, key=lambda row: (row[0], row[1], -row[2])), np.float32)


@pytest.mark.parametrize("code", ["CORNER", "CENTER_SIZE"])
@pytest.mark.parametrize("share", ["true", "false"])
@pytest.mark.parametrize(
    "settings",
    [
        "background_label_id: 0 confidence_threshold: 0.2 keep_top_k: 9 nms_param { nms_threshold: 0.3 top_k: 7 }",
        "background_label_id: 2 confidence_threshold: 0.9 keep_top_k: 50 nms_param { nms_threshold: 0.45 top_k: 400 }",
        "background_label_id: 0 confidence_threshold: 0.1 keep_top_k: 9"
        " nms_param { nms_threshold: 0.8 eta: 0.7 top_k: 9 }",
        "background_label_id: 0 confidence_threshold: 0.5 keep_top_k: 90 nms_param { nms_threshold: 0.3 top_k: 20 }",
    ],
)
def test_detectionoutput(code: str, share: str, settings: str, tmp_path: Path) -> None:
    more = f"num_classes: 4 code_type: {code} share_location: {share} {settings}"
    it = layer("DetectionOutput", "abc", f"detection_output_param {{ {more} }}")
    bottoms = detections(30, 4, 1 if share == "true" else 4)
    found, expected = run(it, bottoms), opencv(it, bottoms, tmp_path)
    assert found.shape[:2] == (1, 1)
    assert found.shape[2] > 4
    assert close(found[0, 0], in_one_order(found))
    assert close(in_one_order(found), in_one_order(expected))


def test_decoding_corners_by_size() -> None:
    """OpenCV lacks this one: corners move by their variance times the box's own size."""
    priors = torch.tensor([[[0.2, 0.2, 0.6, 0.4]], [[0.5, 0.5, 0.25, 0.25]]])
    found = decoded(torch.tensor([[[1.0, 2.0, -1.0, 4.0]]]), priors, "CORNER_SIZE")
    assert torch.allclose(found, torch.tensor([0.2 + 0.2, 0.2 + 0.2, 0.6 - 0.1, 0.4 + 0.2]))


def test_all_objects_stay_unless_their_number_is_limited() -> None:
    it, bottoms = "detection_output_param { num_classes: 4 confidence_threshold: 0.1 %s }", detections(30, 4, 1)
    everything = run(layer("DetectionOutput", "abc", it % ""), bottoms)
    assert (everything == run(layer("DetectionOutput", "abc", it % "keep_top_k: 90"), bottoms)).all()
    assert everything.shape[2] > 6
    assert run(layer("DetectionOutput", "abc", it % "keep_top_k: 3"), bottoms).shape[2] == 6


def test_variances_that_are_in_the_locations_already() -> None:
    it = "detection_output_param { num_classes: 4 variance_encoded_in_target: %s }"
    offsets, scores, boxes = detections(30, 4, 1)
    encoded = run(layer("DetectionOutput", "abc", it % "true"), [offsets, scores, boxes])
    boxes[0, 1] = 1
    assert close(encoded, run(layer("DetectionOutput", "abc", it % "false"), [offsets, scores, boxes]))


def test_overlaps_that_only_touch_or_are_empty_take_nothing_away() -> None:
    boxes = torch.tensor([[0, 0, 1, 1], [1, 0, 2, 1], [0.2, 0.2, 0.2, 0.8], [0, 0, 1, 0.5], [0.5, 0.5, 0, 0]])
    assert without_overlaps(boxes, 0.5) == [0, 1, 2, 3, 4]
    assert without_overlaps(boxes, 0.49) == [0, 1, 2, 4]


def test_an_image_without_objects() -> None:
    it = layer("DetectionOutput", "abc", "detection_output_param { num_classes: 2 confidence_threshold: 0.5 }")
    offsets, scores, boxes = detections(3, 2, 1)
    scores[:] = 0.4
    rows = [[[[0, -1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1, -1]]]]
    assert run(it, [offsets, scores, boxes]).tolist() == rows
    scores[1, 3] = 0.6  # the object of the second default box
    assert run(it, [offsets, scores, boxes])[0, 0, :, :3].tolist() == [[1, 1, pytest.approx(0.6)]]


def test_detectionoutput_is_stated_as_caffe_states_it() -> None:
    it = layer("DetectionOutput", "abcd", "detection_output_param { num_classes: 2 }")
    assert net(it, [*detections(3, 2, 1), normal(2, 3, 8, 8)]).shapes["top"] == (1, 1, 1, 7)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "num_classes must be given"),
        (
            "num_classes: 2 nms_param { nms_threshold: -1 }",
            "nms_threshold must be at least 0, eta above 0 and at most 1",
        ),
        ("num_classes: 2 nms_param { eta: 0 }", "nms_threshold must be at least 0, eta above 0 and at most 1"),
    ],
)
def test_detectionoutput_refuses(settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=f"layer 'it': {problem}"):
        run(layer("DetectionOutput", "abc", f"detection_output_param {{ {settings} }}"), detections(3, 2, 1))


def test_boxes_that_do_not_fit() -> None:
    it = layer("DetectionOutput", "abc", "detection_output_param { num_classes: 2 }")
    bottoms = detections(3, 2, 1)
    with pytest.raises(DefinitionError, match="3 default boxes need 12 locations and 6 scores"):
        run(it, [bottoms[0], bottoms[1][:, 1:], bottoms[2]])
    with pytest.raises(InputError, match=r"layer 'it' .* 4 default boxes need 16 locations and 8 scores"):
        net(it, bottoms)(*map(torch.from_numpy, [*bottoms[:2], detections(4, 2, 1)[2]]))


def test_denser_default_boxes_by_hand() -> None:
    """TextBoxes: steps of 10 x 20 pixels; each box of 4 x 4 and of 8 x 2 is repeated at the lower edge of its step."""
    settings = "min_size: 4 aspect_ratio: 4 flip: false step_h: 20 step_w: 10 denser_prior_boxes: true"
    it = layer("PriorBox", "ab", f"prior_box_param {{ {settings} }}")
    top = run(it, [normal(1, 2, 1, 2), normal(1, 3, 20, 40)])
    boxes = top[0, 0].reshape(2, 4, 4) * np.array([40, 20, 40, 20], np.float32)
    first = np.array([[3, 8, 7, 12], [3, 18, 7, 22], [1, 9, 9, 11], [1, 19, 9, 21]])
    assert close(boxes, np.array([first, first + np.array([10, 0, 10, 0])], np.float32))


def test_refinedet_by_hand() -> None:
    """Two default boxes of half the image's width and height, with variances of 1.

    The first moves by half of its width to the right in the first stage, and then by all of its width. The second
    scores as an object below 0.01: it is none, whatever its classes.
    """
    priors = np.array([[0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1], [1] * 8], np.float32)[None]
    offsets, scores = np.zeros((1, 8), np.float32), np.array([[0.1, 0.9, 0.2, 0.8]], np.float32)
    objectness, refinement = np.array([[0.5, 0.5, 0.995, 0.005]], np.float32), np.zeros((1, 8), np.float32)
    offsets[0, 0], refinement[0, 0] = 1, 0.5
    bottoms = [offsets, scores, priors, objectness, refinement]
    it = "detection_output_param { num_classes: 2 code_type: CENTER_SIZE confidence_threshold: 0.1 %s }"
    moved = [0, 1, 0.9, 0.75, 0, 1.25, 0.5]
    assert close(run(layer("DetectionOutput", "abcde", it % ""), bottoms)[0, 0], np.array([moved], np.float32))
    unrefined = [0, 1, 0.9, 0.5, 0, 1, 0.5]
    assert close(run(layer("DetectionOutput", "abcd", it % ""), bottoms[:4])[0, 0], np.array([unrefined], np.float32))
    lenient = run(layer("DetectionOutput", "abcde", it % "objectness_score: 0.001"), bottoms)[0, 0]
    assert close(lenient, np.array([moved, [0, 1, 0.8, 0.5, 0.5, 1, 1]], np.float32))


def test_refinedet_is_ssd_with_default_boxes_that_are_decoded_before() -> None:
    """Each image has its own default boxes: those of two images are those of each alone."""
    offsets, scores, boxes = detections(30, 4, 4)
    refinement, objectness = normal(2, 120), np.abs(normal(2, 60))
    settings = "num_classes: 4 share_location: false code_type: CENTER_SIZE confidence_threshold: 0.2 keep_top_k: 9"
    it = layer("DetectionOutput", "abcde", f"detection_output_param {{ {settings} objectness_score: 0.4 }}")
    both = run(it, [offsets, scores, boxes, objectness, refinement])[0, 0]
    plain = layer("DetectionOutput", "abc", f"detection_output_param {{ {settings} }}")
    for image in (0, 1):
        of_image = decoded(
            torch.from_numpy(refinement[image]).reshape(30, 1, 4),
            torch.from_numpy(boxes[0]).reshape(2, 30, 4),
            "CENTER_SIZE",
        )
        refined = np.stack([of_image.numpy().reshape(-1), boxes[0, 1]])[None]
        left = scores[image].reshape(30, 4).copy()
        left[objectness[image].reshape(30, 2)[:, 1] < 0.4] = [1, 0, 0, 0]
        alone = run(plain, [offsets[image : image + 1], left.reshape(1, -1), refined])[0, 0]
        assert close(both[both[:, 0] == image][:, 1:], alone[:, 1:])


def test_refinedets_blobs_that_do_not_fit() -> None:
    it = layer("DetectionOutput", "abcde", "detection_output_param { num_classes: 2 }")
    offsets, scores, boxes = detections(3, 2, 1)
    for objectness, refinement in ((normal(2, 5), normal(2, 12)), (normal(2, 6), normal(2, 11))):
        with pytest.raises(DefinitionError, match="3 default boxes need 6 scores of objects and 12 offsets"):
            run(it, [offsets, scores, boxes, objectness, refinement])


def test_textboxes_corners_by_hand() -> None:
    """A default box of 0.4 x 0.2 with variances of 0.5: its upper right corner moves by half of 0.4 and of -0.2.

    The box of the other class of another default box is left out, for it overlaps the better one.
    """
    priors = np.array([[0.2, 0.2, 0.6, 0.4] * 2, [0.5] * 8], np.float32)[None]
    offsets, scores = np.zeros((1, 24), np.float32), np.array([[0.1, 0.9, 0.2, 0.8]], np.float32)
    offsets[0, 6:8] = [1, -1]
    settings = "num_classes: 2 code_type: CENTER_SIZE confidence_threshold: 0.1"
    it = layer("DetectionOutput", "abc", f"detection_output_param {{ {settings} use_polygon: true }}")
    corners = [0.2, 0.2, 0.8, 0.1, 0.6, 0.4, 0.2, 0.4]
    assert close(
        run(it, [offsets, scores, priors])[0, 0], np.array([[0, 1, 0.9, 0.2, 0.2, 0.6, 0.4, *corners]], np.float32)
    )
    assert net(it, [offsets, scores, priors]).shapes["top"] == (1, 1, 1, 15)
    scores[:] = 0
    assert run(it, [offsets, scores, priors]).tolist() == [[[[0, *[-1] * 14]]]]
    for wrong in (f"{settings} use_polygon: false", "num_classes: 2"):
        with pytest.raises(DefinitionError, match="layer 'it': 12 numbers for a location need code_type CENTER_SIZE"):
            run(layer("DetectionOutput", "abc", f"detection_output_param {{ {wrong} }}"), [offsets, scores, priors])
