"""Layers of MS-CNN and Cascade R-CNN, against the forks' loops written out and values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fcnkit.errors import DefinitionError
from tests.layers.build import layer, net, run, tops_of, values

Row = list[float]


def sides_of(
    field: tuple[int, int], stride: int, place: tuple[int, int], offsets: Row, settings: dict[str, Row]
) -> Row:
    """Left and upper edge, width and height of a box, from the size of its field and its offsets."""
    moved = [o * s + m for o, s, m in zip(offsets, settings["std"], settings["mean"], strict=True)]
    xyr, whr = 1 / settings["limits"][0], math.log(settings["limits"][1])
    x, y = (min(max(value, -xyr), xyr) for value in moved[:2])
    w, h = (field[i] * math.exp(min(max(moved[2 + i], -whr), whr)) for i in (0, 1))
    centre = x * field[0] + (place[0] + 0.5) * stride, y * field[1] + (place[1] + 0.5) * stride
    return [centre[0] - w / 2, centre[1] - h / 2, w, h]


def suppressed(boxes: list[Row], overlap: float, pixel: int, mode: str, before: int, after: int) -> list[Row]:
    """The best boxes (left, upper, right, lower, score) that do not overlap."""
    kept: list[Row] = []
    for box in sorted(boxes, key=lambda row: -row[4])[:before]:
        for other in kept:
            wide = min(box[2], other[2]) - max(box[0], other[0]) + pixel
            high = min(box[3], other[3]) - max(box[1], other[1]) + pixel
            areas = [(b[2] - b[0] + pixel) * (b[3] - b[1] + pixel) for b in (other, box)]
            shared = wide * high if wide > 0 and high > 0 else 0
            whole = {"IOU": sum(areas) - shared, "IOMU": min(areas), "IOFU": areas[0]}[mode]
            if shared / whole > overlap:
                break
        else:
            kept.append(box)
    return kept[:after]


FIELDS, STRIDES = [(20, 30), (36, 24)], [8, 16]
SETTINGS = {"std": [0.1, 0.1, 0.5, 0.5], "mean": [0.0, 0.1, 0.0, -0.1], "limits": [4.0, 1.5]}
REGRESSION = " ".join(f"bbox_{key}: {value}" for key in ("mean", "std") for value in SETTINGS[key])
LIMITS = "field_xyr: 4 field_whr: 1.5 min_size: 15 max_nms_num: 25 max_post_nms_num: 12 iou_thr: 0.4"


@pytest.mark.parametrize("mode", ["IOU", "IOMU", "IOFU"])
def test_boxoutput_makes_the_boxes_of_its_loops(mode: str) -> None:
    """Two maps of 6 x 8 and 3 x 4 places for images of 48 x 64 pixels, with 3 classes; scores from 0.25 up."""
    maps = [values(2, 7, 6, 8, seed=1), values(2, 7, 3, 4, seed=2)]
    fields = " ".join(f"field_w: {w} field_h: {h}" for w, h in FIELDS)
    more = f"{fields} downsample_rate: 8 downsample_rate: 16 fg_thr: 0.25 nms_type: '{mode}' {LIMITS}"
    it = layer("BoxOutput", "ab", f"box_output_param {{ {more} }} bbox_reg_param {{ {REGRESSION} }}", "rois scores")
    rois, scores = tops_of(net(it, maps), *maps)
    expected = []
    for image in (0, 1):
        boxes = []
        for blob, field, stride in zip(maps, FIELDS, STRIDES, strict=True):
            for y in range(blob.shape[2]):
                for x in range(blob.shape[3]):
                    place = blob[image, :, y, x].tolist()
                    score = max(place[1:3]) - place[0]
                    left, upper, w, h = sides_of(field, stride, (x, y), place[3:], SETTINGS)
                    left, upper = max(left, 0), max(upper, 0)
                    w, h = min(w, 64 - left), min(h, 48 - upper)
                    if score >= 0.25 and w >= 15 and h >= 15:
                        boxes.append([left, upper, left + w, upper + h, score])
        expected += [[image, *box] for box in suppressed(boxes, 0.4, 0, mode, 25, 12)]
    assert 8 < len(expected) <= 24
    assert scores.shape == (len(expected), 6, 1, 1)
    assert np.allclose(scores[:, :, 0, 0], expected, atol=1e-4)
    assert np.array_equal(rois, scores[:, :5])


def test_boxgroupoutput_makes_the_boxes_of_its_loops() -> None:
    """Each map has both sizes of box. A box ends with its last pixel, and may end with the image's width."""
    maps = [
        values(4, 2, 6, 8, seed=3),
        values(4, 4, 6, 8, seed=4),
        values(4, 2, 3, 4, seed=5),
        values(4, 4, 3, 4, seed=6),
    ]
    group = " ".join(f"field_w: {w} field_h: {h}" for w, h in FIELDS)
    groups = " ".join(f"box_group_param {{ {group} stride: {stride} }}" for stride in STRIDES)
    more = f"box_group_output_param {{ {groups} fg_thr: 0.5 {LIMITS} }} bbox_reg_param {{ {REGRESSION} }}"
    rois, scores = tops_of(net(layer("BoxGroupOutput", "abcd", more, "rois scores"), maps), *maps)
    expected = []
    for image in (0, 1):
        boxes = []
        for probability, offsets, stride in zip(maps[::2], maps[1::2], STRIDES, strict=True):
            for k, field in enumerate(FIELDS):
                for y in range(probability.shape[2]):
                    for x in range(probability.shape[3]):
                        score = 1 - float(probability[2 * image + k, 0, y, x])
                        of_place = offsets[2 * image + k, :, y, x].tolist()
                        left, upper, w, h = sides_of(field, stride, (x, y), of_place, SETTINGS)
                        right, lower = min(left + w - 1, 64), min(upper + h - 1, 48)
                        left, upper = max(left, 0), max(upper, 0)
                        if score >= 0.5 and right - left + 1 >= 15 and lower - upper + 1 >= 15:
                            boxes.append([left, upper, right, lower, score])
        expected += [[image, *box] for box in suppressed(boxes, 0.4, 1, "IOU", 25, 12)]
    assert 8 < len(expected) <= 24
    assert np.allclose(scores[:, :, 0, 0], expected, atol=1e-4)
    assert np.array_equal(rois, scores[:, :5])


ONE_FIELD = "box_output_param { field_w: 20 field_h: 20 downsample_rate: 10 fg_thr: 0 iou_thr: 1 }"


def test_boxoutput_by_hand() -> None:
    """A field of 20 around 15 moves by half of it at the most: from 15 to 35 of 30 pixels, cut off at 30.

    That around 5 moves to -15, is cut off at 0, and is as wide as before. The third place has a score below 0.
    """
    maps = np.zeros((1, 6, 1, 3), np.float32)
    maps[0, 1] = [0.5, 0.25, -1]
    maps[0, 2] = [-9, 9, 0]
    top = run(layer("BoxOutput", "a", ONE_FIELD.replace("iou_thr: 1", "iou_thr: 1 min_size: 10")), [maps])
    assert top[:, :, 0, 0].tolist() == [[0, 0, 0, 20, 10], [0, 15, 0, 30, 10]]


def test_there_is_always_a_box() -> None:
    maps = np.zeros((2, 6, 2, 2), np.float32)
    maps[:, 0] = 1
    it = net(layer("BoxOutput", "a", ONE_FIELD, "rois scores"), [maps])
    rois, scores = tops_of(it, maps)
    assert rois.tolist() == [[[[0]], [[1]], [[1]], [[10]], [[10]]]]
    assert scores.shape == (1, 6, 1, 1)
    assert not scores.any()
    assert it.shapes["rois"] == (2, 5, 1, 1)


def test_decodebbox_by_hand() -> None:
    """A box of 10 x 20 pixels moves by 0.1 and -0.05 of its size, and becomes twice as wide.

    Its centre is 4.5 and 9.5, then 5.5 and 8.5. It is 20 x 20 pixels: 9.5 on each side of the centre.
    """
    offsets = np.array([[9, 9, 9, 9, 1, -1, math.log(2) * 5, 1]], np.float32)
    regions = np.array([[3, 0, 0, 9, 19]], np.float32)
    means, stds = "0 bbox_mean: 0.05 bbox_mean: 0 bbox_mean: -0.2", "0.1 bbox_std: 0.1 bbox_std: 0.2 bbox_std: 0.2"
    it = layer("DecodeBBox", "ab", f"bbox_reg_param {{ bbox_mean: {means} bbox_std: {stds} }}")
    top = run(it, [offsets, regions])
    assert top.shape == (1, 5, 1, 1)
    assert top.ravel().tolist() == pytest.approx([3, -4, -1, 15, 18], abs=1e-5)
    assert np.array_equal(run(it, [offsets[..., None, None], regions[..., None, None]]), top)


def test_frcnnoutput_by_hand() -> None:
    """Three regions of 10 x 10 pixels in an image of 24 x 40, the second two pixels beside the first, and two classes.

    The first two share 8 x 10 of 12 x 10 pixels: more than 0.6. The third lies across the image's edge.
    """
    scores = np.array([[0.1, 0.8, 0.1], [0.05, 0.9, 0.05], [0.2, 0.1, 0.7]], np.float32)
    regions = np.array([[0, 4, 4, 13, 13], [0, 6, 4, 15, 13], [0, 30, 18, 39, 27]], np.float32)
    offsets, size = np.zeros((3, 8), np.float32), np.array([[24, 40]], np.float32)
    it = "bbox_reg_param {{ cls_aware: false }} frcnn_output_param {{ conf_thr: 0.3 iou_thr: {} {} }}"
    best, first, third = [0, 6, 4, 15, 13, 1, 0.9], [0, 4, 4, 13, 13, 1, 0.8], [0, 30, 18, 39, 24, 2, 0.7]
    for settings, found in (
        (("0.6", ""), [best, third]),
        (("0.7", ""), [best, first, third]),
        (("0.7", "max_det_num: 2"), [best, first]),
        (("0.6", "max_det_num: 1"), [best]),
        (("0.75", 'nms_type: "IOMU"'), [best, third]),
    ):
        top = run(layer("FrcnnOutput", "abcd", it.format(*settings)), [scores, offsets, regions, size])
        assert top.shape == (len(found) + 1, 7, 1, 1)
        assert top[0].ravel().tolist() == [0, -1, -1, -1, -1, -1, -1]
        assert np.allclose(top[1:, :, 0, 0], np.array(found, np.float32), atol=1e-5)


def test_frcnnoutput_of_classes_with_offsets_of_their_own() -> None:
    """Class 2 moves by its own width to the right; regions may have a score as a sixth number."""
    scores, size = np.array([[0, 0.5, 0.5]], np.float32), np.array([[50, 50]], np.float32)
    offsets, regions = np.zeros((1, 12), np.float32), np.array([[0, 10, 10, 19, 19, 0.5]], np.float32)
    offsets[0, 8] = 1
    top = run(layer("FrcnnOutput", "abcd"), [scores, offsets, regions, size])[:, :, 0, 0]
    assert top[1:, 1:6].tolist() == [[10, 10, 19, 19, 1], [20, 10, 29, 19, 2]]


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ("high_scale: 10", [0]),
        ("low_scale: 10", [1, 2]),
        ("low_scale: 10 high_scale: 20", [1]),
        ("low_scale: 11 high_scale: 39", [2]),  # none: the middle is 20.7, 40 is the next
        ("low_scale: 12 high_scale: 13", [1]),  # none: the middle is 12.5, 10 is the next
        ("", [0, 1, 2]),
    ],
)
def test_scaleroute(settings: str, rows: list[int]) -> None:
    """Regions of 5 x 5, 10 x 10 and 20 x 80 pixels, the root of whose area is 40."""
    regions = np.array([[0, 0, 0, 4, 4], [0, 5, 5, 14, 14], [0, 0, 0, 19, 79]], np.float32)
    others = values(3, 2, 4)
    it = layer("ScaleRoute", "ab", f"scale_route_param {{ {settings} }}", "rois others")
    routed = tops_of(net(it, [regions, others]), regions, others)
    assert np.array_equal(routed[0], regions[rows])
    assert np.array_equal(routed[1], others[rows])


@pytest.mark.parametrize(
    ("kind", "settings", "shapes", "problem"),
    [
        ("BoxOutput", "", [(1, 6, 2, 2)], "downsample_rate are given once for each of its 1 bottoms"),
        (
            "BoxOutput",
            "box_output_param { field_w: 1 field_h: 1 downsample_rate: 1 }",
            [(1, 5, 2, 2)],
            "a map has at least 2 scores and 4 offsets",
        ),
        (
            "BoxOutput",
            "box_output_param { field_w: 1 field_h: 1 downsample_rate: 1 field_xyr: 0 }",
            [(1, 6, 2, 2)],
            "field_xyr must be above 0, field_whr at least 1",
        ),
        ("BoxGroupOutput", "", [(1, 2, 2, 2), (1, 4, 2, 2)], "a box_group_param for each two of its 2 bottoms"),
        (
            "BoxGroupOutput",
            "box_group_output_param { box_group_param { field_w: 1 field_h: 1 stride: 1 } }",
            [(1, 2, 2, 2), (1, 3, 2, 2)],
            "each size of box has an item for each image",
        ),
        (
            "BoxGroupOutput",
            "box_group_output_param { box_group_param { field_w: 1 field_h: 1 stride: 1 } }",
            [(1, 2, 2, 2), (1, 4, 2, 3)],
            "probabilities and offsets must have equal heights and widths",
        ),
        ("DecodeBBox", "", [(2, 8), (3, 5)], "each region has 8 offsets and 5 numbers"),
        (
            "DecodeBBox",
            "bbox_reg_param { bbox_mean: 1 bbox_std: 1 }",
            [(2, 8), (2, 5)],
            "bbox_mean and bbox_std are given 4 times, bbox_std positive",
        ),
        ("FrcnnOutput", "", [(2, 3), (2, 8), (2, 5), (1, 2)], "each region has 3 scores, 12 offsets and 5 or 6"),
        ("FrcnnOutput", "", [(2, 3), (2, 12), (2, 5), (1, 3)], "the image's size is its height and width"),
        ("ScaleRoute", "", [(2, 4)], "a region has 5 numbers and a row in each bottom"),
        ("ScaleRoute", "scale_route_param { low_scale: 2 high_scale: 1 }", [(2, 5)], "low_scale must be positive"),
    ],
)  # fmt: skip
def test_what_is_refused(kind: str, settings: str, shapes: list[tuple[int, ...]], problem: str) -> None:
    with pytest.raises(DefinitionError, match=rf"layer 'it'.*: .*{problem}"):
        net(layer(kind, "abcd"[: len(shapes)], settings), [values(*shape) for shape in shapes])
