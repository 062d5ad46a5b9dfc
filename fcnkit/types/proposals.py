"""Layers that propose regions of an image where a first stage of a detector finds an object."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, THREE, Count, LayerType, Origin, every


def _proposes(name: str, repository: str, file: str, bottoms: Count, tops: Count = ONE_OR_TWO) -> LayerType:
    origin = Origin(repository, file)
    return LayerType(name, None, origin, bottoms, tops, every(WHOLE), LOST, COMPUTES, moves=False, drawn=PLAIN)


PROPOSAL = _proposes("Proposal", "sanghoon/caffe", "src/caffe/layers/proposal_layer.cpp", THREE)
RPN_PROPOSAL = _proposes(
    "rpn.proposal_layer.ProposalLayer", "rbgirshick/py-faster-rcnn", "lib/rpn/proposal_layer.py", THREE
)
MNC_PROPOSAL = _proposes(
    "pylayer.proposal_layer.ProposalLayer", "daijifeng001/MNC", "lib/pylayer/proposal_layer.py", THREE, ONE
)
RPN = _proposes("RPN", "xyfer17/faster-rcnn-caffe", "src/caffe/layers/rpn_layer.cpp", THREE)
FRCNN_PROPOSAL = _proposes("FrcnnProposal", "makefile/frcnn", "src/caffe/FRCNN/frcnn_proposal_layer.cpp", THREE)
POSE_REGION = _proposes(
    "python_layers.py_generate_roi_layer.PyGenerateROILayer",
    "xinghaochen/Pose-REN",
    "src/libs/python_layers/py_generate_roi_layer.py",
    ONE,
    ONE,
)
SSH_PROPOSAL = _proposes(
    "SSH.layers.proposal_layer.ProposalLayer", "mahyarnajibi/SSH", "SSH/layers/proposal_layer.py", THREE
)
