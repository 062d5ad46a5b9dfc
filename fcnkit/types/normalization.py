"""Layers that normalize a blob."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import PIXEL, Around, Everything, Look
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, Count, LayerType, Origin, bvlc, every

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_STATISTICS = Everything("takes its statistics from the whole image", leads=True)


def _batch_norm_looks(layer: LayerParameter) -> Sequence[Look]:
    p = layer.batch_norm_param
    return [PIXEL if p.use_global_stats or not p.HasField("use_global_stats") else _STATISTICS]


def is_pspnets(layer: LayerParameter) -> bool | None:
    """Whether a BN layer is PSPNet's, with 4 blobs, or SegNet's, with 2; None if its settings fit neither or both.

    Source: hszhao/PSPNet and alexgkendall/caffe-segnet, src/caffe/proto/caffe.proto, BNParameter.
    """
    given = {field.name for field, _ in layer.bn_param.ListFields()}
    pspnet = bool(given & {"slope_filler", "bias_filler", "momentum", "eps", "frozen", "engine", "icnet"})
    segnet = bool(given & {"bn_mode", "scale_filler", "shift_filler"})
    return None if pspnet == segnet else pspnet


def keeps_averages(layer: LayerParameter) -> bool:
    """Whether a BN layer is CaffeMex's, with 4 blobs: SegNet's scale and shift, and moving averages beside them.

    Source: liuyuisanai/CaffeMex_v2 src/caffe/proto/caffe.proto, BNParameter.
    """
    given = {field.name for field, _ in layer.bn_param.ListFields()}
    return bool(given & {"var_eps", "moving_average", "decay", "sync_forward"})


def _bn_looks(layer: LayerParameter) -> Sequence[Look]:
    p = layer.bn_param
    stored = keeps_averages(layer) or is_pspnets(layer) or p.bn_mode == p.INFERENCE
    return [PIXEL if stored else _STATISTICS]


def _lrn_looks(layer: LayerParameter) -> Sequence[Look]:
    p = layer.lrn_param
    return [Around(p.local_size) if p.norm_region == p.WITHIN_CHANNEL else PIXEL]


def is_ssds(layer: LayerParameter) -> bool:
    """Whether a Normalize layer is SSD's, with a weight, or happynear's, with none.

    Each fork has settings of its own for its layer, and in a net without any the layer is happynear's: SSD's own nets
    all state norm_param (weiliu89/caffe examples/ssd; happynear/AMSoftmax prototxt/face_train_test.prototxt).
    """
    return bool(layer.HasField("norm_param"))


def _normalize_looks(layer: LayerParameter) -> Sequence[Look]:
    return [_STATISTICS if is_ssds(layer) and layer.norm_param.across_spatial else PIXEL]


BATCH_NORM = LayerType(
    "BatchNorm",
    v1=None,
    origin=bvlc("batch_norm"),
    bottoms=ONE,
    tops=ONE,
    looks=_batch_norm_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
BN = LayerType(
    "BN",
    v1=None,
    origin=Origin("alexgkendall/caffe-segnet", "src/caffe/layers/bn_layer.cpp"),
    bottoms=ONE,
    tops=Count(1, 3),
    looks=_bn_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
LRN = LayerType(
    "LRN",
    v1="LRN",
    origin=bvlc("lrn"),
    bottoms=ONE,
    tops=ONE,
    looks=_lrn_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
MVN = LayerType(
    "MVN",
    v1="MVN",
    origin=bvlc("mvn"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_STATISTICS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
MVN_ND = LayerType(
    "MVN_ND",
    v1=None,
    origin=Origin("antran89/my-very-deep-caffe", "src/caffe/layers/mvn_nd_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_STATISTICS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
NORMALIZE = LayerType(
    "Normalize",
    v1=None,
    origin=Origin("weiliu89/caffe", "src/caffe/layers/normalize_layer.cpp"),
    bottoms=ONE,
    tops=ONE_OR_TWO,
    looks=_normalize_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
GRN = LayerType(
    "GRN",
    v1=None,
    origin=Origin("openvinotoolkit/training_toolbox_caffe", "caffe/src/caffe/layers/grn_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
L2_NORMALIZE = LayerType(
    "L2Normalize",
    v1=None,
    origin=Origin("facebook/C3D", "C3D-v1.1/src/caffe/layers/l2_normalize_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_STATISTICS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
LAYER_NORM = LayerType(
    "LayerNorm",
    v1=None,
    origin=Origin("foss-for-synopsys-dwc-arc-processors/synopsys-caffe", "src/caffe/layers/layer_norm_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_STATISTICS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
L2_NORM = LayerType(
    "L2Norm",
    v1=None,
    origin=Origin("zlmzju/caffe", "src/caffe/layers/l2_norm_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_STATISTICS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
NORM = LayerType(
    "Norm",
    v1=None,
    origin=Origin("xiaolonw/caffe-video_triplet", "src/caffe/layers/norm_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
GROUP_NORM = LayerType(
    "GroupNorm",
    v1=None,
    origin=Origin("blankWorld/GroupNorm-caffe", "group_norm_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(_STATISTICS),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
