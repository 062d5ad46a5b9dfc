"""Layers of detectors of rotated boxes."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, THREE, Drawn, LayerType, Origin, every, no_words

_RRPN = "mjq11302010044/RRPN"

ROTATED_PROPOSAL = LayerType(
    "rotation.rproposal_layer.ProposalLayer",
    v1=None,
    origin=Origin(_RRPN, "lib/rotation/rproposal_layer.py"),
    bottoms=THREE,
    tops=ONE_OR_TWO,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
ROTATE_ROI_POOLING = LayerType(
    "RotateROIPooling",
    v1=None,
    origin=Origin(_RRPN, "caffe-fast-rcnn/src/caffe/layers/rotate_roi_pooling_layer.cpp"),
    bottoms=THREE,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("pool", no_words),
)
