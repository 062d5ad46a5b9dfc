"""The regions of MaskYolo, which segments the objects that YOLO finds."""

from __future__ import annotations

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, TWO, Drawn, LayerType, Origin, every, no_words

_FOLDER = "caffe-maskyolo/src/caffe/layers"

ROI_GEN = LayerType(
    "RoiGen",
    v1=None,
    origin=Origin("leon-liangwu/MaskYolo_Caffe", f"{_FOLDER}/roi_gen_layer.cpp"),
    bottoms=ONE,
    tops=TWO,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
ROI_ALIGNMENT = LayerType(
    "ROIAlignment",
    v1=None,
    origin=Origin("leon-liangwu/MaskYolo_Caffe", f"{_FOLDER}/roi_alignment_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("pool", no_words),
)
