"""Every layer type answers every question, and the answers are true of what its layers compute."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

import fcnkit
from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import LayerParameter
from fcnkit.caffe.schema import message_class
from fcnkit.geometry.grids import windows
from fcnkit.layers import supported
from fcnkit.types import LayerType, all_types, find, own_type, type_of
from fcnkit.types.channels import UNKNOWN
from fcnkit.types.looks import Around, Aside, Everything, Look, Pixel, Shifted, Sliding
from fcnkit.types.record import AUGMENTS, COMPUTES, INPUT, LOSS, SINK, SOURCE, Data, Samples
from tests.paths import LAYERS

# Recorded, so that a net that has them is recognized; how they compute is not written yet.
UNSUPPORTED = {
    "LabelSpecificAdd",
    "LabeledMatching",
    "UnlabeledMatching",
    "Affinity",
    "ConnectedComponent",
    "pylayer.anchor_target_layer.AnchorTargetLayer",
    "rpn.hard_sample_layer.HardSampleLayer",
    "roi_data_layer.layer.OHEMDataLayer",
    "BlackAugmentation",
    "FLOWriter",
    "FloatWriter",
    "FlowAugmentation",
    "GenerateAugmentationParameters",
    "ImgWriter",
    "PFMWriter",
    "Noise",
    "BboxAccuracy",
    "BoxAnnotatorOHEM",
    "DetectNetTransformation",
    "DetectionAccuracy",
    "DetectionEvaluate",
    "DetectionGroupAccuracy",
    "EltwiseAccuracy",
    "EvalDetection",
    "FrcnnAnchorTarget",
    "FrcnnProposalTarget",
    "fast_rcnn.crop_angles.CropAnglesLayer",
    "GradientScaler",
    "gen_image.GenLayer",
    "gen_image_bn.GenLayer",
    "pylayers.CRFLayer",
    "PoseDistance",
    "GaussianYolov3",
    "MatWrite",
    "ProposalTarget",
    "RandomCrop",
    "SegAccuracy",
    "SegmentationEvaluate",
    "SmoothL1LossOHEM",
    "SoftmaxWithLossOHEM",
    "YoloSeg",
    "Yolov3",
    "SSH.layers.anchor_target_layer.AnchorTargetLayer",
    "caffe.layers.detectnet.clustering.ClusterGroundtruth",
    "caffe.layers.detectnet.mean_ap.ScoreDetections",
    "caffe.layers.detectnet.mean_ap.mAP",
    "rotation.anchor_target_layer.AnchorTargetLayer",
    "rotation.rproposal_target_layer.ProposalTargetLayer",
    "rpn.anchor_target_layer.AnchorTargetLayer",
    "rpn.proposal_target_layer.ProposalTargetLayer",
}
CASES = sorted(path.name for path in LAYERS.iterdir())


@pytest.mark.parametrize("record", all_types(), ids=lambda record: record.name)
def test_every_type_answers_every_question(record: LayerType) -> None:
    bottoms = [f"b{index}" for index in range(max(record.bottoms.least, 1 if record.bottoms.most != 0 else 0))]
    layer = message_class("LayerParameter")(name="l", type=record.name, bottom=bottoms, top=["t"])
    layer.convolution_param.kernel_size.append(3)
    layer.pooling_param.kernel_size = 3
    layer.bn_param.frozen = True
    looks = record.looks(layer)
    assert len(looks) == len(bottoms)
    assert all(isinstance(look, Pixel | Sliding | Around | Shifted | Everything | Aside) for look in looks)
    assert all(look.why for look in looks if isinstance(look, Everything))
    assert record.channels.of(layer, [2] * len(bottoms)) >= UNKNOWN
    assert all(isinstance(word, str) for word in record.drawn.words(layer, (1, 3, 8, 8)))
    assert record.role in (INPUT, SOURCE, COMPUTES, LOSS, AUGMENTS, SINK) or isinstance(record.role, Data | Samples)
    assert (record.bottoms.most == 0) == (record.role in (INPUT, SOURCE) or isinstance(record.role, Data))
    assert record.tops.admits(max(record.tops.least, 0))
    assert "/" in record.origin.repository
    assert record.origin.file.endswith((".cpp", ".py"))
    assert record.of_fork == (record.origin.repository != "BVLC/caffe")
    assert record.v1 is None or not record.of_fork


def test_types_and_rules_belong_together() -> None:
    computed = {record.name for record in all_types() if record.role is not INPUT and not isinstance(record.role, Data)}
    assert computed - set(supported()) == UNSUPPORTED
    assert set(supported()) <= computed


def test_a_type_is_added_once() -> None:
    with pytest.raises(TypeError, match="missing 9 required positional arguments"):
        LayerType("Mine")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"the record of layer type 'Mine' is not among those of fcnkit.types"):
        fcnkit.layers.rule(own_type("Mine"))(fcnkit.layers.Layer)
    assert find("Mine") is None


def single(case: str) -> tuple[fcnkit.CaffeNet, LayerParameter] | None:
    """The net of a golden case that is one layer on inputs, and the layer; None for other cases."""
    definition = prototxt.read(LAYERS / case / "net.prototxt")
    layers = [layer for layer in definition.layer if layer.type not in ("Input", "Silence")]
    if len(layers) != 1 or layers[0].include:
        return None
    weights = LAYERS / case / "net.caffemodel"
    net = fcnkit.convert(weights if weights.exists() else None, LAYERS / case / "net.prototxt", deploy=False)
    return net, layers[0]


def reached(look: Look, pixel: tuple[int, int], top: tuple[int, ...], layer: LayerParameter) -> np.ndarray | None:
    """Which pixels of a top may depend on a pixel of a bottom by what the record states; None for any."""
    rows: list[set[int]] = []
    if isinstance(look, Everything | Aside):
        return None
    for axis, (at, length) in enumerate(zip(pixel, top[2:], strict=True)):
        if isinstance(look, Pixel):
            rows.append({at})
        elif isinstance(look, Around):
            rows.append(set(range(at - look.size // 2, at + look.size // 2 + 1)))
        elif isinstance(look, Sliding):
            window = windows(look)[axis]
            if window.up:
                first = at * window.stride - window.pad
                rows.append(set(range(first, first + window.kernel)))
            else:
                starts = {index: index * window.stride - window.pad for index in range(length)}
                rows.append({index for index, start in starts.items() if start <= at < start + window.kernel})
        else:
            crop = layer.crop_param
            offsets = list(crop.offset) or [0]
            index = axis + 2 - crop.axis % 4
            rows.append({at - (offsets[index if len(offsets) > 1 else 0] if index >= 0 else 0)})
    mask = np.zeros(top[2:], bool)
    for row, column in product(*rows):
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
            mask[row, column] = True
    return mask


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_a_changed_pixel_changes_no_more_than_the_record_states(case: str) -> None:
    found = single(case)
    if found is None:
        return
    net, layer = found
    record = type_of(layer)
    assert record is not None
    shapes = [net.shapes[bottom] for bottom in layer.bottom]
    if any(len(shape) != 4 for shape in [*shapes, *(net.shapes[top] for top in layer.top)]):
        return
    made = record.channels.of(layer, [shape[1] for shape in shapes])
    assert made in (UNKNOWN, net.shapes[layer.top[0]][1])
    assert record.bottoms.admits(len(layer.bottom))
    assert record.tops.admits(len(layer.top))
    with np.load(LAYERS / case / "blobs.npz") as blobs:
        inputs = {name: torch.from_numpy(blobs[f"in/{name}"]) for name in net.inputs}
    before = net.forward_blobs(**inputs)
    for bottom, look, shape in zip(layer.bottom, record.looks(layer), shapes, strict=True):
        for pixel in [(0, 0), (shape[2] // 2, shape[3] // 3), (shape[2] - 1, shape[3] - 1)]:
            changed = dict(inputs)
            changed[bottom] = changed[bottom].clone()
            changed[bottom][..., pixel[0], pixel[1]] += 1
            after = net.forward_blobs(**changed)
            for top in layer.top:
                allowed = reached(look, pixel, net.shapes[top], layer)
                differs = (before[top] != after[top]).any(1).any(0).numpy()
                assert allowed is None or not (differs & ~allowed).any(), (bottom, pixel, math.prod(differs.shape))
