"""Layers that pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, LOST
from fcnkit.types.convolution import MORE_AXES, OTHER_SIDES
from fcnkit.types.looks import WHOLE, Everything, Look
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, Drawn, LayerType, Origin, bvlc, every, no_words
from fcnkit.types.windows import pools_volumes, sides_of, sliding_pool
from fcnkit.types.words import pooling_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_GLOBAL = Everything("covers its whole bottom", leads=False)


def _pooling_looks(layer: LayerParameter) -> Sequence[Look]:
    if pools_volumes(layer):
        return [MORE_AXES]
    return [sliding_pool(layer) or (OTHER_SIDES if sides_of(layer, layer.pooling_param) else _GLOBAL)]


POOLING = LayerType(
    "Pooling",
    v1="POOLING",
    origin=bvlc("pooling"),
    bottoms=ONE,
    tops=ONE_OR_TWO,
    looks=_pooling_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("pool", pooling_words),
)
SPP = LayerType(
    "SPP",
    v1=None,
    origin=bvlc("spp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("pool", no_words),
)
# Learning from bags of pixels ("multiple instances"), each of which is positive if one of its pixels is.
MIL = LayerType(
    "MIL",
    v1=None,
    origin=Origin("s-gupta/caffe", "src/caffe/layers/mil_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_GLOBAL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("pool", no_words),
)
POOLING_ND = LayerType(
    "PoolingND",
    v1=None,
    origin=Origin("yulequan/3D-Caffe", "src/caffe/layers/pooling_nd_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(MORE_AXES),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("pool", no_words),
)
