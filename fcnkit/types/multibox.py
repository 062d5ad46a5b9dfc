"""The loss of single-shot detectors."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import LOSS, PLAIN, Count, LayerType, Origin, every

MULTI_BOX_LOSS = LayerType(
    "MultiBoxLoss",
    v1=None,
    origin=Origin("weiliu89/caffe", "src/caffe/layers/multibox_loss_layer.cpp"),
    bottoms=Count(4, 6),
    tops=Count(0, 1),
    looks=every(WHOLE),
    channels=LOST,
    role=LOSS,
    moves=False,
    drawn=PLAIN,
)
