"""Conditional random fields between all pixels of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import CHANNELWISE, Everything, Look
from fcnkit.types.record import COMPUTES, ONE, PLAIN, THREE, Count, LayerType, Origin, every

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_PAIRS = Everything("compares every pixel with all others", leads=True)


def _dense_crf_looks(layer: LayerParameter) -> Sequence[Look]:
    looks: list[Look] = [_PAIRS, CHANNELWISE, _PAIRS]
    return looks[: len(layer.bottom)]


DENSE_CRF = LayerType(
    "DenseCRF",
    v1=None,
    origin=Origin("TheLegendAli/DeepLab-Context", "src/caffe/layers/densecrf_layer.cpp"),
    bottoms=Count(2, 3),
    tops=ONE,
    looks=_dense_crf_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
MULTI_STAGE_MEANFIELD = LayerType(
    "MultiStageMeanfield",
    v1=None,
    origin=Origin("torrvision/caffe-tvg", "src/caffe/layers/multi_stage_meanfield.cpp"),
    bottoms=THREE,
    tops=ONE,
    looks=every(_PAIRS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
