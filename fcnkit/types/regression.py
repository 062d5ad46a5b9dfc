"""Losses that compare numbers with numbers."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import LOSS, ONE_OR_TWO, PLAIN, TWO, Count, LayerType, Origin, bvlc, every

_OPTIONAL = Count(0, 1)


def _compares(name: str, v1: str | None, origin: Origin, bottoms: Count = TWO, tops: Count = _OPTIONAL) -> LayerType:
    return LayerType(name, v1, origin, bottoms, tops, every(WHOLE), LOST, LOSS, moves=False, drawn=PLAIN)


EUCLIDEAN_LOSS = _compares("EuclideanLoss", "EUCLIDEAN_LOSS", bvlc("euclidean_loss"))
L1_LOSS = _compares("L1Loss", None, Origin("NVIDIA/caffe", "src/caffe/layers/l1_loss_layer.cpp"), bottoms=ONE_OR_TWO)
LPQ_LOSS = _compares(
    "LpqLoss", None, Origin("lmb-freiburg/flownet2", "src/caffe/layers/lpq_loss_layer.cpp"), bottoms=ONE_OR_TWO
)
SMOOTH_L1_LOSS = _compares(
    "SmoothL1Loss",
    None,
    Origin("rbgirshick/caffe-fast-rcnn", "src/caffe/layers/smooth_L1_loss_layer.cpp"),
    bottoms=Count(2, 4),
)
SMOOTH_L1_LOSS_OHEM = _compares(
    "SmoothL1LossOHEM",
    None,
    Origin("intel/caffe", "src/caffe/layers/smooth_L1_loss_ohem_layer.cpp"),
    bottoms=Count(2, 4),
    tops=Count(0, 2),
)
