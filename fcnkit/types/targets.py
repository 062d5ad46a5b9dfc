"""Layers that choose or score boxes in the training of detectors; the net for inference has none of them."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import (
    LOSS,
    PLAIN,
    SAMPLES,
    SINK,
    SOME,
    THREE,
    TWO,
    Count,
    LayerType,
    Origin,
    Role,
    Samples,
    every,
)

_FASTER, _RFCN, _NVIDIA = "rbgirshick/py-faster-rcnn", "daijifeng001/caffe-rfcn", "NVIDIA/caffe"
_MSCNN, _YOLO = "zhaoweicai/mscnn", "eric612/MobileNet-YOLO"
_RRPN = "mjq11302010044/RRPN"
_SEARCH = "ShuangLI59/person_search"
_DETECTNET = "caffe.layers.detectnet"


def _trains(name: str, repository: str, file: str, bottoms: Count, tops: Count, role: Role = SINK) -> LayerType:
    channels = KEPT if isinstance(role, Samples) else LOST
    origin = Origin(repository, file)
    return LayerType(name, None, origin, bottoms, tops, every(WHOLE), channels, role, moves=False, drawn=PLAIN)


ANCHOR_TARGET = _trains(
    "rpn.anchor_target_layer.AnchorTargetLayer",
    _FASTER,
    "lib/rpn/anchor_target_layer.py",
    Count(1, None),
    Count(1, 4),
)
SSH_ANCHOR_TARGET = _trains(
    "SSH.layers.anchor_target_layer.AnchorTargetLayer",
    "mahyarnajibi/SSH",
    "SSH/layers/anchor_target_layer.py",
    Count(1, None),
    Count(1, 4),
)
MNC_ANCHOR_TARGET = _trains(
    "pylayer.anchor_target_layer.AnchorTargetLayer",
    "daijifeng001/MNC",
    "lib/pylayer/anchor_target_layer.py",
    Count(1, None),
    Count(1, 4),
)
PROPOSAL_TARGET = _trains(
    "rpn.proposal_target_layer.ProposalTargetLayer",
    _FASTER,
    "lib/rpn/proposal_target_layer.py",
    TWO,
    Count(1, None),
    SAMPLES,
)
FRCNN_ANCHOR_TARGET = _trains(
    "FrcnnAnchorTarget",
    "makefile/frcnn",
    "src/caffe/FRCNN/frcnn_anchor_target_layer.cpp",
    Count(1, None),
    Count(1, 4),
)
FRCNN_PROPOSAL_TARGET = _trains(
    "FrcnnProposalTarget",
    "makefile/frcnn",
    "src/caffe/FRCNN/frcnn_proposal_target_layer.cpp",
    TWO,
    Count(1, None),
    SAMPLES,
)
ROTATED_ANCHOR_TARGET = _trains(
    "rotation.anchor_target_layer.AnchorTargetLayer",
    _RRPN,
    "lib/rotation/anchor_target_layer.py",
    Count(1, None),
    Count(1, 4),
)
ROTATED_PROPOSAL_TARGET = _trains(
    "rotation.rproposal_target_layer.ProposalTargetLayer",
    _RRPN,
    "lib/rotation/rproposal_target_layer.py",
    TWO,
    Count(1, None),
    SAMPLES,
)
# Chooses the angles of the labels' classes.
CROP_ANGLES = _trains(
    "fast_rcnn.crop_angles.CropAnglesLayer",
    "cguindel/lsi-faster-rcnn",
    "lib/fast_rcnn/crop_angles.py",
    TWO,
    Count(1, 1),
    SAMPLES,
)
# Chooses the regions whose losses are largest.
OHEM_DATA = _trains(
    "roi_data_layer.layer.OHEMDataLayer",
    "abhi2610/ohem",
    "lib/roi_data_layer/layer.py",
    Count(7, 7),
    Count(5, 5),
    Samples("chooses regions for training; at inference its first top is all of them", 2),
)
HARD_SAMPLE = _trains("rpn.hard_sample_layer.HardSampleLayer", _RRPN, "lib/rpn/hard_sample_layer.py", TWO, Count(1, 1))
# Compare features with those of the labels' persons, and of persons without a name.
LABELED_MATCHING = _trains(
    "LabeledMatching", _SEARCH, "caffe/src/caffe/layers/labeled_matching_layer.cpp", TWO, Count(1, 2)
)
UNLABELED_MATCHING = _trains(
    "UnlabeledMatching", _SEARCH, "caffe/src/caffe/layers/unlabeled_matching_layer.cpp", TWO, Count(1, 1)
)
# Prepare the loss of boundaries between neurons.
AFFINITY = _trains("Affinity", "naibaf7/caffe", "src/caffe/layers/affinity_layer.cpp", SOME, SOME)
CONNECTED_COMPONENT = _trains(
    "ConnectedComponent", "naibaf7/caffe", "src/caffe/layers/connected_component_layer.cpp", SOME, SOME
)
BOX_ANNOTATOR_OHEM = _trains(
    "BoxAnnotatorOHEM", _RFCN, "src/caffe/layers/box_annotator_ohem_layer.cpp", Count(4, None), Count(1, 2)
)
PROPOSAL_TARGET_MSCNN = _trains(
    "ProposalTarget", _MSCNN, "src/caffe/layers/proposal_target_layer.cpp", Count(2, None), Count(1, None), SAMPLES
)
BBOX_ACCURACY = _trains(
    "BboxAccuracy", _MSCNN, "src/caffe/layers/bbox_accuracy_layer.cpp", Count(1, None), Count(1, None)
)
DETECTION_ACCURACY = _trains(
    "DetectionAccuracy", _MSCNN, "src/caffe/layers/detection_accuracy_layer.cpp", Count(1, None), Count(1, None)
)
DETECTION_GROUP_ACCURACY = _trains(
    "DetectionGroupAccuracy",
    "zhaoweicai/cascade-rcnn",
    "src/caffe/layers/detection_group_accuracy_layer.cpp",
    Count(1, None),
    Count(1, None),
)
EVAL_DETECTION = _trains(
    "EvalDetection", "intel/caffe", "src/caffe/layers/eval_detection_layer.cpp", Count(2, 3), Count(1, 1)
)
# Augments the images in training; at inference the images themselves are read.
DETECTNET_TRANSFORMATION = _trains(
    "DetectNetTransformation", _NVIDIA, "src/caffe/layers/detectnet_transform_layer.cpp", TWO, TWO, SAMPLES
)
CLUSTER_GROUNDTRUTH = _trains(
    f"{_DETECTNET}.clustering.ClusterGroundtruth",
    _NVIDIA,
    "python/caffe/layers/detectnet/clustering.py",
    TWO,
    Count(1, 2),
)
SCORE_DETECTIONS = _trains(
    f"{_DETECTNET}.mean_ap.ScoreDetections",
    _NVIDIA,
    "python/caffe/layers/detectnet/mean_ap.py",
    TWO,
    Count(1, None),
)
MEAN_AP = _trains(
    f"{_DETECTNET}.mean_ap.mAP",
    _NVIDIA,
    "python/caffe/layers/detectnet/mean_ap.py",
    Count(1, None),
    THREE,
)
YOLOV3 = _trains("Yolov3", _YOLO, "src/caffe/layers/yolov3_layer.cpp", SOME, Count(0, None), LOSS)
GAUSSIAN_YOLOV3 = _trains(
    "GaussianYolov3", _YOLO, "src/caffe/layers/gaussian_yolov3_layer.cpp", SOME, Count(0, None), LOSS
)
YOLO_SEG = _trains("YoloSeg", _YOLO, "src/caffe/layers/yolo_seg.cpp", SOME, Count(0, None), LOSS)
# Adds a margin to the scores of the labels' classes in training.
LABEL_SPECIFIC_ADD = _trains(
    "LabelSpecificAdd",
    "happynear/caffe-windows",
    "src/caffe/layers/label_specific_add.cpp",
    TWO,
    Count(1, 2),
    SAMPLES,
)
