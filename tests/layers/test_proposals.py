"""Layers that propose regions, against the forks' loops written out, OpenCV, and values worked out by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from fcnkit.errors import DefinitionError, InputError
from fcnkit.nn.proposals import anchors
from tests.layers.build import layer, net, opencv, run, tops_of

RPN = (
    'python_param {{ module: "rpn.proposal_layer" layer: "ProposalLayer"'
    " param_str: \"{{'feat_stride': 16, 'scales': [8, 16, 32]{}}}\" }}"
)
SSH = (
    'python_param { module: "SSH.layers.proposal_layer" layer: "ProposalLayer"'
    " param_str: \"{'feat_stride': 8,'scales': [1,2], 'ratios':[1,]}\" }"
)


def test_anchors_are_those_that_faster_rcnn_lists() -> None:
    """The table in the comment of rbgirshick/py-faster-rcnn lib/rpn/generate_anchors.py, which counts from 1."""
    listed = [
        [-83, -39, 100, 56],
        [-175, -87, 192, 104],
        [-359, -183, 376, 200],
        [-55, -55, 72, 72],
        [-119, -119, 136, 136],
        [-247, -247, 264, 264],
        [-35, -79, 52, 96],
        [-79, -167, 96, 184],
        [-167, -343, 184, 360],
    ]
    found = np.array(anchors(16, (0.5, 1, 2), (8, 16, 32)))
    assert (found + 1).tolist() == listed
    assert (np.array(anchors(16, (0.5, 1, 2), (8, 16, 32), up=True)) + 1).tolist() == listed


@pytest.mark.parametrize(("up", "width"), [(False, 2), (True, 3)])
def test_halves_are_rounded_up_or_to_even_numbers(up: bool, width: int) -> None:
    """A square of 5 pixels and the ratio 4: 5 / 2 is 2.5."""
    ((left, _, right, _),) = anchors(5, [4], [1], up)
    assert right - left + 1 == width


def bottoms(count: int, height: int, width: int, images: int = 1) -> list[np.ndarray]:
    """Scores and offsets of anchors for images of 16 x 16 pixels for each place, and the images' sizes."""
    random = np.random.default_rng(count)
    scores = random.uniform(size=(images, 2 * count, height, width))
    offsets = random.normal(0, 0.3, (images, 4 * count, height, width))
    info = np.array([[16 * height - 3, 16 * width + 2, 1.5]] * images)
    return [each.astype(np.float32) for each in (scores, offsets, info)]


def by_loops(
    scores: np.ndarray,
    offsets: np.ndarray,
    boxes: list[tuple[float, float, float, float]],
    size: tuple[float, float],
    least: float,
    before: int,
    after: int,
    overlap: float,
    drop: bool,
) -> list[list[float]]:
    """Regions and their scores box by box, as the C++ layer enumerates them."""
    found = []
    count = len(boxes)
    for y in range(scores.shape[1]):
        for x in range(scores.shape[2]):
            for k, (x1, y1, x2, y2) in enumerate(boxes):
                w, h = x2 - x1 + 1, y2 - y1 + 1
                dx, dy, dw, dh = (float(offsets[4 * k + i, y, x]) for i in range(4))
                cx, cy = 16 * x + x1 + w / 2 + dx * w, 16 * y + y1 + h / 2 + dy * h
                w, h = w * math.exp(dw), h * math.exp(dh)
                box = [
                    min(max(cx - w / 2, 0), size[1] - 1),
                    min(max(cy - h / 2, 0), size[0] - 1),
                    min(max(cx + w / 2, 0), size[1] - 1),
                    min(max(cy + h / 2, 0), size[0] - 1),
                ]
                large = box[2] - box[0] + 1 >= least and box[3] - box[1] + 1 >= least
                if large or not drop:
                    found.append([*box, float(scores[count + k, y, x]) * large])
    found.sort(key=lambda row: -row[4])
    kept: list[list[float]] = []
    for row in found[:before]:
        if len(kept) < after and all(intersection_over_union(row, other) <= overlap for other in kept):
            kept.append(row)
    return kept


def intersection_over_union(a: list[float], b: list[float]) -> float:
    """By counting pixels along each axis, ends included."""
    wide = min(a[2], b[2]) - max(a[0], b[0]) + 1
    high = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if wide <= 0 or high <= 0:
        return 0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return wide * high / (sum(areas) - wide * high)


def test_faster_rcnn_proposes_what_its_loops_propose() -> None:
    """Of an image of 93 x 146 pixels, scaled by 1.5: boxes under 24 pixels are dropped; 40 are compared, 12 kept."""
    scores, offsets, info = bottoms(9, 6, 9)
    it = layer("Python", "abc", RPN.format(", 'pre_nms_topn': 40, 'post_nms_topn': 12"), "rois scores")
    rois, found = tops_of(net(it, [scores, offsets, info]), scores, offsets, info)
    boxes = anchors(16, (0.5, 1, 2), (8, 16, 32))
    expected = np.array(by_loops(scores[0], offsets[0], boxes, (93, 146), 24, 40, 12, 0.7, True))
    assert 5 < len(expected) <= 12
    assert rois.shape == (len(expected), 5)
    assert (rois[:, 0] == 0).all()
    assert np.allclose(rois[:, 1:], expected[:, :4], atol=1e-3)
    assert np.allclose(found, expected[:, 4:], atol=1e-6)


FRCNN = "frcnn_param { anchors: [%s] test_rpn_pre_nms_top_n: 40 test_rpn_post_nms_top_n: 12 }"


@pytest.mark.parametrize("stride", [8, 16])
def test_anchors_of_a_configuration_file(stride: int) -> None:
    """Those of Faster R-CNN, listed; proposal_param has the stride where the project states it."""
    blobs = bottoms(9, 6, 9)
    listed = ", ".join(f"{number:g}" for box in anchors(16, (0.5, 1, 2), (8, 16, 32)) for number in box)
    settings = FRCNN % listed + f" proposal_param {{ feat_stride: {stride} }}" * (stride != 16)
    rois, scores = tops_of(net(layer("FrcnnProposal", "abc", settings, "rois scores"), blobs), *blobs)
    same = RPN.replace("'feat_stride': 16", f"'feat_stride': {stride}").format(
        ", 'pre_nms_topn': 40, 'post_nms_topn': 12"
    )
    expected = tops_of(net(layer("Python", "abc", same, "rois scores"), blobs), *blobs)
    assert len(rois) > 5
    assert np.array_equal(rois, expected[0])
    assert np.array_equal(scores, expected[1])


@pytest.mark.parametrize(("settings", "count"), [("", 0), (FRCNN % "-84, -40, 99, 55", 4)])
def test_anchors_that_a_prototxt_lacks(settings: str, count: int) -> None:
    problem = (
        r"layer 'it': its anchors are in the project's configuration file: add those of 9 as frcnn_param"
        rf" \{{ anchors: \[-84, -40, 99, 55, \.\.\.\] \}}, not {count} numbers"
    )
    with pytest.raises(DefinitionError, match=problem):
        net(layer("FrcnnProposal", "abc", settings), bottoms(9, 6, 9))


RPN_PARAM = (
    "rpn_param { feat_stride: 16 basesize: 9 scale: 1 scale: 2 ratio: 0.5 ratio: 1 boxminsize: 6 per_nms_topn: 100"
    " post_nms_topn: 12 nms_thresh: 0.5 }"
)


def test_rpn_proposes_what_its_loops_propose() -> None:
    """Corners of anchors lose their halves, boxes are measured before they are cut, and 0.5 is too much overlap."""
    scores, offsets, info = bottoms(4, 6, 9)
    rois, found = tops_of(
        net(layer("RPN", "abc", RPN_PARAM, "rois scores"), [scores, offsets, info]), scores, offsets, info
    )
    # Of 9 x 9 pixels: 81 / 0.5 is 12.7 squared, so 13 wide and 6.5, rounded 7, high; then 9 x 9; each once and twice.
    anchors = [(-2, 1, 10, 7), (-8, -2, 16, 10), (0, 0, 8, 8), (-4, -4, 12, 12)]
    boxes = []
    for y, x, (k, (x1, y1, x2, y2)) in itertools.product(range(6), range(9), enumerate(anchors)):
        w, h = x2 - x1 + 1, y2 - y1 + 1
        dx, dy, dw, dh = (float(offsets[0, 4 * k + i, y, x]) for i in range(4))
        cx, cy = 16 * x + x1 + w / 2 + dx * w, 16 * y + y1 + h / 2 + dy * h
        w, h = w * math.exp(dw), h * math.exp(dh)
        if min(w, h) >= 6 * 1.5:
            corners = zip((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), (146, 93) * 2, strict=True)
            boxes.append([*(min(max(at, 0), last) for at, last in corners), float(scores[0, 4 + k, y, x])])
    kept: list[list[float]] = []
    for box in sorted(boxes, key=lambda box: -box[4])[:100]:
        if all(intersection_over_union(box, other) < 0.5 for other in kept):
            kept.append(box)
    assert len(kept) > 12
    assert np.allclose(np.hstack([rois[:, 1:], found]), kept[:12], atol=1e-3)


def test_rpn_drops_an_overlap_of_its_threshold() -> None:
    """Of two boxes of 8 and 4 x 8 pixels in one place half is shared; one of 8 x 3 shares less."""
    settings = RPN_PARAM.replace("9 scale: 1 scale: 2 ratio: 0.5 ratio: 1 boxminsize: 6", "8 scale: 1 ratio: 1")
    offsets = np.zeros((1, 4, 1, 2), np.float32)
    scores, info = np.array([[[[0, 0]], [[0.9, 0.8]]]], np.float32), np.array([[8, 32, 1]], np.float32)
    for share, count in ((0.5, 1), (3 / 8, 2)):
        # The second box lies 16 pixels to the right, and starts where the first starts.
        wide = 8 * share
        offsets[0, :, 0, 1] = (-16 - 4 + wide / 2) / 8, 0, math.log(share), 0
        first = tops_of(net(layer("RPN", "abc", settings, "rois"), [scores, offsets, info]), scores, offsets, info)[0]
        assert len(first) == count


def test_rpn_needs_its_anchors() -> None:
    problem = "layer 'it': feat_stride, basesize, scale and ratio must be given, and positive"
    for settings in ("", RPN_PARAM.replace("scale: 1", "scale: 0"), RPN_PARAM.replace("ratio: 1", "ratio: -1")):
        with pytest.raises(DefinitionError, match=problem):
            net(layer("RPN", "abc", settings), bottoms(4, 6, 9))


PROPOSAL = (
    "proposal_param { feat_stride: 16 base_size: 16 min_size: 16 ratio: 0.5 ratio: 1 scale: 1 scale: 2"
    " pre_nms_topn: %d post_nms_topn: %d nms_thresh: 0.6 }"
)


def test_proposal_proposes_what_its_loops_propose() -> None:
    """Boxes under 20 pixels are kept with a score of 0."""
    scores, offsets, _ = bottoms(4, 5, 7)
    info = np.array([[80, 112, 1.25, 1.25]], np.float32)
    it = layer("Proposal", "abc", PROPOSAL % (100, 60), "rois scores")
    rois, found = tops_of(net(it, [scores, offsets, info]), scores, offsets, info)
    boxes = anchors(16, (0.5, 1), (1, 2))
    expected = np.array(by_loops(scores[0], offsets[0], boxes, (80, 112), 20, 100, 60, 0.6, False))
    large = expected[:, 4] > 0
    assert 10 < large.sum() < len(expected)
    assert rois.shape == (len(expected), 5)
    assert found.shape == (len(expected),)
    # Boxes of the score 0 are in no order.
    assert np.allclose(rois[: large.sum(), 1:], expected[large, :4], atol=1e-3)
    assert np.allclose(found, expected[:, 4], atol=1e-6)


def test_proposal_proposes_what_opencv_proposes(tmp_path: Path) -> None:
    """OpenCV clips and compares boxes without their last pixels: the same boxes, up to a pixel."""
    scores, offsets, _ = bottoms(4, 5, 7)
    info = np.array([[80, 112, 1]], np.float32)
    it = layer("Proposal", "abc", PROPOSAL.replace("min_size: 16", "min_size: 0") % (30, 8))
    found, expected = run(it, [scores, offsets, info]), opencv(it, [scores, offsets, info], tmp_path)
    assert np.allclose(found[:, 1:], expected[:8, 1:], atol=1.01)


def test_proposal_without_ratios_and_scales_has_those_of_synopsys() -> None:
    """Three scales and one ratio: anchors of 128, 256 and 512 pixels; boxes under 30 pixels are dropped."""
    scores, offsets, info = bottoms(3, 5, 7)
    it = layer(
        "Proposal",
        "abc",
        "proposal_param { anchor_ratio: 1 max_rois: 6 rpn_min_size: 20 rpn_nms_thresh: 0.5 }",
        "rois scores",
    )
    rois, found = tops_of(net(it, [scores, offsets, info]), scores, offsets, info)
    boxes = [(7.5 - half, 7.5 - half, 7.5 + half, 7.5 + half) for half in (63.5, 127.5, 255.5)]
    expected = np.array(by_loops(scores[0], offsets[0], boxes, (77, 114), 30, 6000, 6, 0.5, True))
    assert len(expected) > 1
    assert np.allclose(rois[:, 1:], expected[:, :4], atol=1e-3)
    assert np.allclose(found, expected[:, 4:], atol=1e-6)
    nine = bottoms(9, 2, 2)
    assert net(layer("Proposal", "abc", "proposal_param { feat_stride: 16 }"), nine).shapes["top"] == (300, 5)


def test_widths_and_heights_have_their_own_scale() -> None:
    """A box of 16 x 16 pixels is large enough for a scale of 1 along its height, not for 2 along its width."""
    scores, offsets = np.ones((1, 2, 1, 1), np.float32), np.zeros((1, 4, 1, 1), np.float32)
    it = layer("Proposal", "abc", "proposal_param { ratio: 1 scale: 1 }", "rois scores")
    for info, score in (([40, 40, 1, 1], 1), ([40, 40, 1, 2], 0), ([40, 40, 2, 1], 0)):
        blobs = [scores, offsets, np.array([info], np.float32)]
        rois, found = tops_of(net(it, blobs), *blobs)
        assert rois.tolist() == [[0, 0, 0, 16, 16]]
        assert found.tolist() == [score]


def test_the_python_layer_has_one_scale_whatever_the_size_says() -> None:
    """PVANet's images come with 6 numbers: its C++ layer reads two scales of them, the Python layer the first."""
    scores, offsets, info = bottoms(9, 4, 5)
    python = layer("Python", "abc", RPN.format(""))
    sizes = [info, np.array([[*info[0], 99]], np.float32), np.array([[*info[0], 99, 99, 99]], np.float32)]
    first, *others = (run(python, [scores, offsets, size]) for size in sizes)
    assert len(first)
    assert all(np.array_equal(first, other) for other in others)
    blobs = [np.ones((1, 2, 1, 1), np.float32), np.zeros((1, 4, 1, 1), np.float32)]
    it = layer("Proposal", "abc", "proposal_param { ratio: 1 scale: 1 }", "rois scores")
    for size, score in (([40, 40, 1, 1, 9, 9], 1), ([40, 40, 1, 2, 9, 9], 0)):
        info = np.array([size], np.float32)
        assert tops_of(net(it, [*blobs, info]), *blobs, info)[1].tolist() == [score]


def test_each_image_of_a_batch_has_its_regions() -> None:
    blobs = bottoms(9, 4, 5, images=2)
    it = layer("Python", "abc", RPN.format(", 'min_size': 0"))
    both = run(it, blobs)
    for image in (0, 1):
        one = run(it, [each[image : image + 1] for each in blobs])
        assert np.array_equal(both[both[:, 0] == image][:, 1:], one[:, 1:])
    assert len(both) > len(one)
    blobs[2] = blobs[2][:1]
    assert np.array_equal(run(it, blobs), both)


def test_regions_are_stated_for_all_boxes_that_may_be_kept() -> None:
    blobs = bottoms(9, 4, 5)
    it = net(layer("Python", "abc", RPN.format(""), "rois scores"), blobs)
    assert it.shapes["rois"] == (300, 5)
    assert it.shapes["scores"] == (300, 1)
    blobs[0][:] = 0
    blobs[2][:, 2] = 100  # every box is too small
    assert [top.shape for top in tops_of(it, *blobs)] == [(0, 5), (0, 1)]


def test_ssh_keeps_overlapping_faces_and_has_a_box_where_there_is_none() -> None:
    """Two anchors of 16 and 32 pixels at 2 places, 8 apart, clipped to 24 x 12 pixels."""
    scores = np.array([0, 0, 0, 0, 0.1, 0.4, 0.3, 0.2], np.float32).reshape(1, 4, 1, 2)
    offsets, info = np.zeros((1, 8, 1, 2), np.float32), np.array([[12, 24, 1]], np.float32)
    it = layer("Python", "abc", SSH, "rois scores")
    rois, found = tops_of(net(it, [scores, offsets, info]), scores, offsets, info)
    assert found.ravel().tolist() == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert rois.tolist() == [[0, 8, 0, 23, 11], [0, 0, 0, 23, 11], [0, 0, 0, 23, 11], [0, 0, 0, 16, 11]]
    strict = SSH.replace("'ratios'", "'min_size': 99, 'ratios'")
    none, found = tops_of(
        net(layer("Python", "abc", strict, "rois scores"), [scores, offsets, info]), scores, offsets, info
    )
    assert none.tolist() == [[0, 0, 0, 16, 16]]
    assert found.shape == (0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "'feat_stride': 16",
        "feat_stride: 16",
        '{\\"feat_stride\\": 16, \\"x\\": null, \\"y\\": [true, false]}',
        "'feat_stride': 16 \\n'scales': !!python/tuple [8, 16, 32]",
        "{'feat_stride': 16, 'scales': [8, 16, 32], 'ratios': (0.5, 1, 2)}",
    ],
)
def test_param_str_is_a_mapping_in_any_of_its_forms(text: str) -> None:
    blobs = bottoms(9, 4, 5)
    it = f'python_param {{ module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "{text}" }}'
    assert np.array_equal(run(layer("Python", "abc", it), blobs), run(layer("Python", "abc", RPN.format("")), blobs))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("16", r"param_str '16' must be a mapping, such as \{'feat_stride': 16\}"),
        ("'feat_stride': open('x')", "must be a mapping"),
        ("'scales': [8]", "feat_stride must be given"),
        ("'feat_stride': 16, 'scales': 8", "'int' object is not iterable"),
        ("'feat_stride': 16, 'ratios': [0]", "division by zero"),
        (
            "'feat_stride': 16, 'scales': [8, 16]",
            r"6 anchors need 12 channels .*, and the bottoms have those of 9; add the project's scales or ratios",
        ),
        ("'feat_stride': 16, 'nms_thresh': 'x'", "could not convert string to float: 'x'"),
    ],
)
def test_param_str_that_is_not_understood(text: str, problem: str) -> None:
    it = f'python_param {{ module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "{text}" }}'
    with pytest.raises(DefinitionError, match=rf"layer 'it': .*{problem}"):
        run(layer("Python", "abc", it), bottoms(9, 4, 5))


def test_blobs_that_do_not_fit() -> None:
    it, blobs = layer("Python", "abc", RPN.format("")), bottoms(9, 4, 5)
    with pytest.raises(DefinitionError, match="9 anchors need 18 channels of scores and 36 of offsets"):
        run(it, [blobs[0][:, 1:], *blobs[1:]])
    with pytest.raises(DefinitionError, match="an image's size has 3 or more numbers"):
        run(it, [*blobs[:2], blobs[2][:, :2]])
    with pytest.raises(InputError, match=r"layer 'it' \(Python\) .* 3 or more numbers"):
        net(it, blobs)(*map(torch.from_numpy, [*blobs[:2], np.ones((3, 3), np.float32)]))
    with pytest.raises(DefinitionError, match="layer 'it': ratio and scale must be given, and positive"):
        run(layer("Proposal", "abc", "proposal_param { ratio: 1 }"), blobs)
