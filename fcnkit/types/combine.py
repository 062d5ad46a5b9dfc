"""Layers that split, join and select blobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels
from fcnkit.types.channels import JOINED, KEPT, LOST, Cut
from fcnkit.types.looks import CHANNELWISE, PIXEL, SHIFTED, SIZE, WHOLE, Look
from fcnkit.types.record import (
    COMPUTES,
    EACH,
    NONE,
    ONE,
    PLAIN,
    SEVERAL,
    SINK,
    SOME,
    TWO,
    Count,
    Drawn,
    LayerType,
    Origin,
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
# Of two bottoms the first can be a row or a column larger.
CLIPPED_CONCAT = LayerType(
    "concat_layer.layer.PythonConcatLayer",
    v1=None,
    origin=Origin("demonzyj56/py-faster-rcnn", "lib/concat_layer/layer.py"),
    bottoms=TWO,
    tops=ONE,
    looks=every(PIXEL),
    channels=JOINED,
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


def _eltwise_looks(layer: LayerParameter) -> Sequence[Look]:
    looks: list[Look] = [PIXEL] * len(layer.bottom)
    if layer.eltwise_param.coeff_blob:
        looks[-1:] = [CHANNELWISE]
    return looks


# The Caffe of FlowNet 2 sums a single bottom too (lmb-freiburg/flownet2 include/caffe/layers/eltwise_layer.hpp).
ELTWISE = LayerType(
    "Eltwise",
    v1="ELTWISE",
    origin=bvlc("eltwise"),
    bottoms=SOME,
    tops=ONE,
    looks=_eltwise_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("fuse", eltwise_words),
)
SUM = LayerType(
    "Sum",
    v1=None,
    origin=Origin("WalterMa/caffe-fast-rcnn", "src/caffe/layers/sum_layer.cpp"),
    bottoms=SOME,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("fuse", no_words),
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
    channels=Cut(),
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
# The coordinate maps decide the offset, as for a Crop without crop_param.
AUTO_CROP = LayerType(
    "AutoCrop",
    v1=None,
    origin=Origin("yun-liu/rcf", "src/caffe/layers/auto_crop_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=lambda layer: [SHIFTED, SIZE],
    channels=KEPT,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("plain", crop_words),
)
MERGE_CROP = LayerType(
    "MergeCrop",
    v1=None,
    origin=Origin("naibaf7/caffe", "src/caffe/layers/mergecrop_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("fuse", no_words),
)


def _arithmetic(name: str, file: str, bottoms: Count = TWO) -> LayerType:
    """A function of two bottoms of any shapes that fit, or of one and a blob."""
    return LayerType(
        name,
        v1=None,
        origin=Origin("foss-for-synopsys-dwc-arc-processors/synopsys-caffe", f"src/caffe/layers/{file}_layer.cpp"),
        bottoms=bottoms,
        tops=ONE,
        looks=every(WHOLE),
        channels=LOST,
        role=COMPUTES,
        moves=False,
        drawn=Drawn("fuse", no_words),
    )


ADD = _arithmetic("Add", "add")
SUB = _arithmetic("Sub", "sub")
MUL = _arithmetic("Mul", "mul", Count(1, 2))
DIV = _arithmetic("Div", "div")
MAXIMUM = _arithmetic("Maximum", "maximum")
MINIMUM = _arithmetic("Minimum", "minimum")
MAT_MUL = _arithmetic("MatMul", "matmul", Count(1, 2))


def _exchanged(name: str, file: str) -> LayerType:
    """Passes blobs on between the processes of a training."""
    origin = Origin("yjxiong/caffe", f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, SOME, EACH, every(PIXEL), KEPT, COMPUTES, moves=True, drawn=PLAIN)


GATHER = _exchanged("Gather", "gather")
SCATTER = _exchanged("Scatter", "scatter")
