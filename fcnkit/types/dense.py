"""Blocks of DenseNet as single layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import LOST
from fcnkit.types.looks import Around, Look
from fcnkit.types.record import COMPUTES, ONE, Drawn, LayerType, Origin, no_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def _dense_looks(layer: LayerParameter) -> Sequence[Look]:
    """Each convolution of 3 x 3 pixels reads what the last one made."""
    return [Around(2 * max(layer.denseblock_param.numTransition, 0) + 1)]


DENSE_BLOCK = LayerType(
    "DenseBlock",
    v1=None,
    origin=Origin("senlinuc/caffe_ocr", "src/caffe/layers/DenseBlock_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=_dense_looks,
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", no_words),
)
