"""Layers of YOLO, against Darknet's loops written out, OpenCV, and values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import fcnkit
from fcnkit.errors import DefinitionError
from fcnkit.types import type_of
from fcnkit.types.looks import Sliding
from tests.layers.build import definition, layer, net, opencv, run, values


def reorganized(bottom: np.ndarray, stride: int, reverse: bool) -> np.ndarray:
    """Darknet's order value by value, on flat arrays, as reorg_cpu computes it."""
    images, c, h, w = bottom.shape
    flat, top = bottom.ravel(), np.zeros(bottom.size, np.float32)
    less = c // stride**2
    for b in range(images):
        for k in range(c):
            for j in range(h):
                for i in range(w):
                    small = i + w * (j + h * (k + c * b))
                    x, y = i * stride + k // less % stride, j * stride + k // less // stride
                    large = x + w * stride * (y + h * stride * (k % less + less * b))
                    if reverse:
                        top[large] = flat[small]
                    else:
                        top[small] = flat[large]
    if reverse:
        return top.reshape(images, less, h * stride, w * stride)
    return top.reshape(images, c * stride**2, h // stride, w // stride)


@pytest.mark.parametrize(("stride", "shape"), [(2, (2, 8, 4, 6)), (3, (1, 9, 6, 3)), (1, (1, 2, 3, 4))])
@pytest.mark.parametrize("reverse", [False, True])
def test_reorg_has_darknets_order(stride: int, shape: tuple[int, ...], reverse: bool) -> None:
    bottom = values(*shape)
    more = f"reorg_param {{ stride: {stride} reverse: {str(reverse).lower()} }}"
    assert np.array_equal(run(layer("Reorg", "a", more), [bottom]), reorganized(bottom, stride, reverse))


def test_reorg_has_opencvs_order(tmp_path: Path) -> None:
    it, bottom = layer("Reorg", "a", "reorg_param { stride: 2 }"), values(1, 8, 6, 4)
    assert np.array_equal(run(it, [bottom]), opencv(it, [bottom], tmp_path))


def test_reorg_by_hand() -> None:
    """Four planes of 2 x 2 are read as one of 4 x 4, whose every second pixel is a channel of the top."""
    bottom = np.arange(16, dtype=np.float32).reshape(1, 4, 2, 2)
    top = run(layer("Reorg", "a", "reorg_param { stride: 2 }"), [bottom])
    assert top.ravel().tolist() == [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15]
    python = 'python_param { module: "yolov2" layer: "darknet_reorg" }'
    assert np.array_equal(run(layer("Python", "a", python), [bottom]), top)
    assert np.array_equal(run(layer("Reorg", "a"), [bottom]), top)


@pytest.mark.parametrize("shape", [(1, 6, 4, 4), (1, 8, 3, 4), (1, 8, 4, 5)])
def test_reorg_refuses(shape: tuple[int, ...]) -> None:
    with pytest.raises(DefinitionError, match="stride 2 must divide height and width, and its square the channels"):
        run(layer("Reorg", "a", "reorg_param { stride: 2 }"), [values(*shape)])
    with pytest.raises(DefinitionError, match="layer 'it': stride must be positive"):
        run(layer("Reorg", "a", "reorg_param { stride: 0 }"), [values(*shape)])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("Upsample", "upsample_param { scale: %d }"), ("UpsampleDarknet", "upsample_darknet_param { stride: %d }")],
)
def test_upsampling_repeats_pixels(kind: str, settings: str) -> None:
    bottom = np.array([[1, 2, 3], [4, 5, 6]], np.float32).reshape(1, 1, 2, 3)
    expected = [[1, 1, 2, 2, 3, 3], [1, 1, 2, 2, 3, 3], [4, 4, 5, 5, 6, 6], [4, 4, 5, 5, 6, 6]]
    assert run(layer(kind, "a", settings % 2), [bottom])[0, 0].tolist() == expected
    assert np.array_equal(run(layer(kind, "a", settings % 1), [bottom]), bottom)
    (only,) = [each for each in net(layer(kind, "a", settings % 3), [bottom]).definition().layer if each.type == kind]
    record = type_of(only)
    assert record is not None
    (look,) = record.looks(only)
    assert isinstance(look, Sliding)
    assert look.up
    assert (look.kernel, look.stride) == ((3, 3), (3, 3))
    with pytest.raises(DefinitionError, match=r"layer 'it': (scale|stride) must be given, and positive"):
        run(layer(kind, "a", settings % 0), [bottom])


def test_upsample_with_one_bottom_states_its_scale() -> None:
    """Forks differ in the default: 1 in one, 2 in another."""
    with pytest.raises(DefinitionError, match="layer 'it': scale must be given, and positive"):
        run(layer("Upsample", "a"), [values(1, 1, 2, 2)])


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def by_loops(
    levels: list[tuple[np.ndarray, list[tuple[float, float]], int]],
    classes: int,
    threshold: float,
    overlap: float,
    softmax: bool,
) -> list[list[float]]:
    """The objects of one image: (class, score, xmin, ymin, xmax, ymax), place by place and anchor by anchor."""
    found = []
    for blob, anchors, stride in levels:
        for j in range(blob.shape[1]):
            for i in range(blob.shape[2]):
                for n, (wide, high) in enumerate(anchors):
                    x, y, w, h, score, *names = blob[n * (5 + classes) : (n + 1) * (5 + classes), j, i].tolist()
                    x, y = (i + sigmoid(x)) / blob.shape[2], (j + sigmoid(y)) / blob.shape[1]
                    w, h = math.exp(w) * wide / blob.shape[2] / stride, math.exp(h) * high / blob.shape[1] / stride
                    box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
                    if softmax:
                        all_names = sum(map(math.exp, names))
                        value, name = max((math.exp(each) / all_names, k) for k, each in enumerate(names))
                        if sigmoid(score) * value >= threshold:
                            found.append([name + 1, sigmoid(score) * value, *box])
                    else:
                        scores = [(k + 1, sigmoid(score) * sigmoid(each)) for k, each in enumerate(names)]
                        found += [[k, value, *box] for k, value in scores if value > threshold]
    kept: list[list[float]] = []
    for row in sorted(found, key=lambda row: -row[1]):
        if all(shared(row[2:], other[2:]) < overlap for other in kept):
            kept.append(row)
    return kept


def shared(a: list[float], b: list[float]) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = w * h if w > 0 and h > 0 else 0
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


V2 = "yolo_detection_output_param { num_classes: 3 num_box: 2 confidence_threshold: 0.3 nms_threshold: 0.35 %s }"
V2_ANCHORS = [(1.25, 1.0), (2.5, 3.0)]


def biases(anchors: list[tuple[float, float]]) -> str:
    return " ".join(f"biases: {value}" for anchor in anchors for value in anchor)


@pytest.mark.parametrize("maps", [1, 2])
def test_yolov2_finds_what_its_loops_find(maps: int) -> None:
    bottoms = [values(2, 16, 4, 4, seed=1), values(2, 16, 6, 6, seed=2)][:maps]
    top = run(layer("YoloDetectionOutput", "ab"[:maps], V2 % biases(V2_ANCHORS)), bottoms)
    expected = []
    for image in (0, 1):
        levels = [(bottom[image], V2_ANCHORS, 1) for bottom in bottoms]
        expected += [[image, *row] for row in by_loops(levels, 3, 0.3, 0.35, softmax=True)]
    assert len(expected) > 8
    assert top.shape == (1, 1, len(expected), 7)
    assert np.allclose(top[0, 0], expected, atol=1e-5)


V3_ANCHORS = [(10.0, 13.0), (16.0, 30.0), (33.0, 23.0), (30.0, 61.0)]
V3 = (
    "yolov3_detection_output_param { num_classes: 2 num_box: 2 confidence_threshold: 0.25 nms_threshold: 0.45"
    " mask_group_num: 2 mask: 2 mask: 3 mask: 0 mask: 1 anchors_scale: 16 anchors_scale: 8 %s }"
)


def test_yolov3_finds_what_its_loops_find() -> None:
    """The coarse map of 3 x 4 places has the large anchors; a place's box may be an object of several classes."""
    bottoms = [values(2, 14, 3, 4, seed=3), values(2, 14, 6, 8, seed=4)]
    top = run(layer("Yolov3DetectionOutput", "ab", V3 % biases(V3_ANCHORS)), bottoms)
    expected = []
    for image in (0, 1):
        levels = [(bottoms[0][image], V3_ANCHORS[2:], 16), (bottoms[1][image], V3_ANCHORS[:2], 8)]
        expected += [[image, *row] for row in by_loops(levels, 2, 0.25, 0.45, softmax=False)]
    assert len(expected) > 20
    assert np.allclose(top[0, 0], expected, atol=1e-5)


def test_yolov3_by_hand() -> None:
    """One place of 32 pixels: sigmoid(0) is its middle, exp(ln 2) makes the anchor of 8 twice as wide."""
    settings = "num_classes: 1 num_box: 1 mask_group_num: 1 mask: 0 anchors_scale: 32 biases: 8 biases: 4"
    it = layer("Yolov3DetectionOutput", "a", f"yolov3_detection_output_param {{ {settings} }}")
    bottom = np.array([0, 0, math.log(2), 0, 0, math.log(3)], np.float32).reshape(1, 6, 1, 1)
    assert run(it, [bottom]).ravel().tolist() == pytest.approx([0, 1, 0.375, 0.25, 7 / 16, 0.75, 9 / 16])
    bottom[0, 4] = -20
    assert run(it, [np.concatenate([bottom, bottom])]).tolist() == [[[[0, *[-1] * 6], [1, *[-1] * 6]]]]
    assert net(it, [bottom]).shapes["top"] == (1, 1, 1, 7)


@pytest.mark.parametrize(
    ("kind", "settings", "problem"),
    [
        ("YoloDetectionOutput", "", "num_classes must be given"),
        ("YoloDetectionOutput", V2 % "coords: 5", "a box has 4 coords, not 5"),
        ("YoloDetectionOutput", V2 % "biases: 1 biases: 1 biases: 1", "each of its boxes needs two biases"),
        ("YoloDetectionOutput", V2 % biases(V2_ANCHORS), "2 anchors of 3 classes need 2 times 5 \\+ classes"),
        ("Yolov3DetectionOutput", "", "num_classes must be given"),
        ("Yolov3DetectionOutput", V3 % "gaussian_box: true", "gaussian_box is not supported"),
        ("Yolov3DetectionOutput", V3 % "anchors_scale: 4", "mask_group_num must be 1, the number of its bottoms"),
        (
            "Yolov3DetectionOutput",
            "yolov3_detection_output_param { num_classes: 1 mask_group_num: 1 anchors_scale: 8 mask: 0 }",
            "1 bottoms of 3 boxes need as many mask",
        ),
        (
            "Yolov3DetectionOutput",
            "yolov3_detection_output_param { num_classes: 1 num_box: 1 mask_group_num: 1 anchors_scale: 8 mask: 9 }",
            "each of its boxes needs two biases",
        ),
    ],
)
def test_what_is_refused(kind: str, settings: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=rf"layer 'it'.*: {problem}"):
        net(layer(kind, "a", settings), [values(1, 14, 2, 2)])


def test_the_losses_of_yolo_are_cut_off(tmp_path: Path) -> None:
    losses = layer("Yolov3", "ab", "yolov3_param { side: 2 num_class: 1 iou_loss: GIOU } loss_weight: 1", "det_loss")
    path = tmp_path / "net.prototxt"
    path.write_text(
        definition(losses + layer("ReLU", "a", name="relu", tops="out"), {"a": (1, 14, 2, 2), "b": (1, 1, 1, 5)})
    )
    found = fcnkit.load(path, untrained="leave")
    assert found.inputs == ("a",)
    assert found.outputs == ("out",)


def test_region_scores_by_hand() -> None:
    """Two boxes of 2 classes at one place: only x, y and the score are sigmoids, classes a softmax."""
    box = [0, math.log(3), 0.5, -2, -math.log(3), 0, math.log(4)]
    bottom = np.array([*box, *[-each for each in box]], np.float32).reshape(1, 14, 1, 1)
    expected = [0.5, 0.75, 0.5, -2, 0.25, 0.2, 0.8, 0.5, 0.25, -0.5, 2, 0.75, 0.8, 0.2]
    for kind, field in (("Region", "region_param"), ("RegionYolo", "region_yolo_param")):
        it = layer(kind, "a", f"{field} {{ classes: 2 num: 2 coords: 4 }}")
        assert run(it, [bottom]).ravel().tolist() == pytest.approx(expected)
        with pytest.raises(DefinitionError, match="2 boxes of 7 numbers need 14 channels"):
            net(it, [values(1, 15, 1, 1)])
    with pytest.raises(DefinitionError, match="classes and num must be positive"):
        net(layer("Region", "a", "region_param { classes: 0 }"), [bottom])


def test_region_scores_are_the_same_at_every_place() -> None:
    bottom = values(2, 14, 3, 4)
    it = layer("RegionYolo", "a", "region_yolo_param { classes: 2 num: 2 }")
    top = run(it, [bottom])
    for image, row, column in np.ndindex(2, 3, 4):
        alone = run(it, [bottom[image : image + 1, :, row : row + 1, column : column + 1]])
        assert np.allclose(top[image, :, row, column], alone.ravel(), atol=1e-6)


def test_reorg_yolo_is_darknets_reorg() -> None:
    bottom = values(2, 8, 4, 6)
    assert np.array_equal(
        run(layer("ReorgYolo", "a", "reorg_yolo_param { stride: 2 }"), [bottom]), reorganized(bottom, 2, False)
    )
    with pytest.raises(DefinitionError, match="stride must be positive"):
        net(layer("ReorgYolo", "a", "reorg_yolo_param { stride: 0 }"), [bottom])


def test_pass_through_by_hand() -> None:
    """Two planes of 2 x 2: both channels of the first pixel, then of the one right of it, then those below."""
    bottom = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    more = "pass_through_param { block_height: 2 block_width: 2 %s }"
    for given in ("", "num_output: 8"):
        top = run(layer("PassThrough", "a", more % given), [bottom])
        assert top.shape == (1, 8, 1, 1)
        assert top.ravel().tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
    for settings, problem in ((more % "num_output: 7", "are not 7"), ("", "must be given, and equal")):
        with pytest.raises(DefinitionError, match=problem):
            net(layer("PassThrough", "a", settings), [bottom])
