"""Layers that split, join and select blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels
from fcnkit.types.channels import JOINED, KEPT, LOST
from fcnkit.types.looks import CHANNELWISE, PIXEL, SHIFTED, SIZE, WHOLE, Look
from fcnkit.types.record import (
    COMPUTES,
    NONE,
    ONE,
    PLAIN,
    SEVERAL,
    SINK,
    SOME,
    TWO,
    Drawn,
    LayerType,
    bvlc,
    every,
    no_words,
)
from fcnkit.types.words import crop_words, eltwise_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def _concat_looks(layer: LayerParameter) -> Sequence[Look]:
    return [PIXEL if along_channels(layer.concat_param, "concat_dim") else WHOLE] * len(layer.bottom)


def _slice_looks(layer: LayerParameter) -> Sequence[Look]:
    return [PIXEL if along_channels(layer.slice_param, "slice_dim") else WHOLE]


BATCH_REINDEX = LayerType(
    "BatchReindex",
    v1=None,
    origin=bvlc("batch_reindex"),
    bottoms=TWO,
    tops=ONE,
    looks=lambda layer: [PIXEL, CHANNELWISE],
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
CONCAT = LayerType(
    "Concat",
    v1="CONCAT",
    origin=bvlc("concat"),
    bottoms=SOME,
    tops=ONE,
    looks=_concat_looks,
    channels=JOINED,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("fuse", no_words),
)
CROP = LayerType(
    "Crop",
    v1=None,
    origin=bvlc("crop"),
    bottoms=TWO,
    tops=ONE,
    looks=lambda layer: [SHIFTED, SIZE],
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("plain", crop_words),
)
ELTWISE = LayerType(
    "Eltwise",
    v1="ELTWISE",
    origin=bvlc("eltwise"),
    bottoms=SEVERAL,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("fuse", eltwise_words),
)
FILTER = LayerType(
    "Filter",
    v1=None,
    origin=bvlc("filter"),
    bottoms=SEVERAL,
    tops=SOME,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
HDF5_OUTPUT = LayerType(
    "HDF5Output",
    v1="HDF5_OUTPUT",
    origin=bvlc("hdf5_output"),
    bottoms=TWO,
    tops=NONE,
    looks=every(WHOLE),
    channels=LOST,
    role=SINK,
    moves=True,
    drawn=PLAIN,
)
SLICE = LayerType(
    "Slice",
    v1="SLICE",
    origin=bvlc("slice"),
    bottoms=ONE,
    tops=SOME,
    looks=_slice_looks,
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
SPLIT = LayerType(
    "Split",
    v1="SPLIT",
    origin=bvlc("split"),
    bottoms=ONE,
    tops=SOME,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
SILENCE = LayerType(
    "Silence",
    v1="SILENCE",
    origin=bvlc("silence"),
    bottoms=SOME,
    tops=NONE,
    looks=every(WHOLE),
    channels=LOST,
    role=SINK,
    moves=True,
    drawn=PLAIN,
)
