"""Layers that change the shape of a blob or rearrange its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels
from fcnkit.types.channels import KEPT, LOST, Channels, Made
from fcnkit.types.convolution import slides
from fcnkit.types.looks import PIXEL, WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, PLAIN, Drawn, LayerType, Origin, bvlc, every
from fcnkit.types.words import convolution_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from fcnkit.caffe.messages import LayerParameter


def _moves(
    name: str, v1: str | None, origin: Origin, looks: Callable[[LayerParameter], Sequence[Look]], channels: Channels
) -> LayerType:
    return LayerType(name, v1, origin, ONE, ONE, looks, channels, COMPUTES, moves=True, drawn=PLAIN)


def _tile_looks(layer: LayerParameter) -> Sequence[Look]:
    return [PIXEL if along_channels(layer.tile_param) else WHOLE]


FLATTEN = _moves("Flatten", "FLATTEN", bvlc("flatten"), every(WHOLE), LOST)
RESHAPE = _moves("Reshape", None, bvlc("reshape"), every(WHOLE), LOST)
TILE = _moves("Tile", None, bvlc("tile"), _tile_looks, LOST)
PERMUTE = _moves("Permute", None, Origin("weiliu89/caffe", "src/caffe/layers/permute_layer.cpp"), every(WHOLE), LOST)
TILING = _moves(
    "Tiling", None, Origin("SeokjuLee/VPGNet", "caffe/src/caffe/layers/tiling_layer.cpp"), every(WHOLE), LOST
)
# By anchors: (1, anchors * n, height, width) as (height * width * anchors, n).
BY_ANCHOR = _moves(
    "misc.transpose_layer.TransposeLayer",
    None,
    Origin("demonzyj56/py-faster-rcnn", "lib/misc/transpose_layer.py"),
    every(WHOLE),
    LOST,
)
SHUFFLE_CHANNEL = _moves(
    "ShuffleChannel", None, Origin("farmingyard/ShuffleNet", "shuffle_channel_layer.cpp"), every(PIXEL), KEPT
)
PERIODIC_SHUFFLE = _moves(
    "PeriodicShuffle",
    None,
    Origin("Wangyupei/CED", "src/caffe/layers/periodic_shuffle_layer.cpp"),
    every(WHOLE),
    Made("periodic_shuffle_param"),
)
REORG = _moves("Reorg", None, Origin("eric612/MobileNet-YOLO", "src/caffe/layers/reorg_layer.cpp"), every(WHOLE), LOST)
# The same as a Python layer, always with a stride of 2.
DARKNET_REORG = _moves(
    "yolov2.darknet_reorg",
    None,
    Origin("foss-for-synopsys-dwc-arc-processors/synopsys-caffe-models", "caffe_models/yolo_v2_voc/yolov2.py"),
    every(WHOLE),
    LOST,
)
IM2COL = LayerType(
    "Im2col",
    v1="IM2COL",
    origin=bvlc("im2col"),
    bottoms=ONE,
    tops=ONE,
    looks=slides(up=False),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("plain", convolution_words),
)
_SYNOPSYS = "foss-for-synopsys-dwc-arc-processors/synopsys-caffe"


def _synopsys(name: str, file: str) -> LayerType:
    return _moves(name, None, Origin(_SYNOPSYS, f"src/caffe/layers/{file}_layer.cpp"), every(WHOLE), LOST)


SQUEEZE = _synopsys("Squeeze", "squeeze")
EXPAND_DIMS = _synopsys("ExpandDimsND", "expand_dims_nd")
PAD = _synopsys("Pad", "pad")
DEPTH_TO_SPACE = _synopsys("DepthToSpace", "depth_to_space")
SPACE_TO_DEPTH = _synopsys("SpaceToDepth", "space_to_depth")
SPACE_TO_BATCH = _synopsys("SpaceToBatchND", "space_to_batch_nd")
BATCH_TO_SPACE = _synopsys("BatchToSpaceND", "batch_to_space_nd")
PADDING = _moves(
    "Padding", None, Origin("TheLegendAli/DeepLab-Context", "src/caffe/layers/padding_layer.cpp"), every(WHOLE), KEPT
)
FLIP = _moves("Flip", None, Origin("happynear/caffe-windows", "src/caffe/layers/flip_layer.cpp"), every(WHOLE), KEPT)
REVERSE = _moves(
    "Reverse", None, Origin("senlinuc/caffe_ocr", "src/caffe/layers/reverse_layer.cpp"), every(WHOLE), KEPT
)
TRANSPOSE = _moves(
    "Transpose", None, Origin("senlinuc/caffe_ocr", "src/caffe/layers/transpose_layer.cpp"), every(WHOLE), LOST
)
