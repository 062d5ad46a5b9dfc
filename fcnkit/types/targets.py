"""Layers that choose or score boxes in the training of detectors; the net for inference has none of them."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import LOSS, PLAIN, SAMPLES, SINK, SOME, THREE, TWO, Count, LayerType, Origin, Role, every

_FASTER, _RFCN, _NVIDIA = "rbgirshick/py-faster-rcnn", "daijifeng001/caffe-rfcn", "NVIDIA/caffe"
_MSCNN, _YOLO = "zhaoweicai/mscnn", "eric612/MobileNet-YOLO"
_RRPN = "mjq11302010044/RRPN"
_DETECTNET = "caffe.layers.detectnet"


def _trains(name: str, repository: str, file: str, bottoms: Count, tops: Count, role: Role = SINK) -> LayerType:
    channels = KEPT if role is SAMPLES else LOST
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
