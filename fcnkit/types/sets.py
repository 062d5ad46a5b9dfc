"""Layers that make one item of a set of images, weighted by their quality."""

from __future__ import annotations

from dataclasses import replace

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, Count, LayerType, Origin, every

_MEX = "liuyuisanai/CaffeMex_v2"


def _of_sets(name: str, file: str, bottoms: Count) -> LayerType:
    origin = Origin(_MEX, f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, bottoms, ONE, every(WHOLE), KEPT, COMPUTES, moves=False, drawn=PLAIN)


GLOBAL_SUM_POOLING = replace(
    _of_sets("GlobalSumPooling", "", ONE),
    origin=Origin("haochen-rye/LSTD", "src/caffe/layers/global_sum_pooling_layer.cpp"),
)
BATCH_POOL = _of_sets("BatchPool", "batch_pool", ONE_OR_TWO)
NORMALIZATION = _of_sets("Normalization", "normalization", ONE)
