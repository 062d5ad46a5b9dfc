"""Layers of forks that compute what another type computes, under a name and settings of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fcnkit.types import activation, affine, normalization
from fcnkit.types.looks import PIXEL, WHOLE, Look
from fcnkit.types.record import ONE, TWO, LayerType, Origin, every

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def _renamed(
    name: str,
    same: LayerType,
    repository: str,
    file: str,
    looks: Callable[[LayerParameter], Sequence[Look]] | None = None,
) -> LayerType:
    origin = Origin(repository, f"src/caffe/layers/{file}_layer.cpp")
    return replace(same, name=name, v1=None, origin=origin, looks=looks or same.looks)


_MEX, _NOISE, _HAPPY = "liuyuisanai/CaffeMex_v2", "huangyangyu/NoiseFace", "happynear/caffe-windows"

BNHK = _renamed("BNHK", normalization.BN, _MEX, "bnhk", looks=every(PIXEL))
NORM_L2 = replace(normalization.L2_NORMALIZE, name="NormL2", origin=Origin(_NOISE, "layer/normL2_layer.cpp"))
NORMALIZATION_L2 = replace(
    normalization.L2_NORMALIZE,
    name="NormalizationL2",
    origin=Origin("liu-xb/GGL", "caffe/src/caffe/layers/normalization_l2_layer.cpp"),
)
INSANITY = _renamed("Insanity", activation.RRELU, _HAPPY, "insanity")
# The form of BVLC's Scale before it had weights of its own.
SCALAR = replace(
    _renamed("Scalar", affine.SCALE, "superyyzg/deep-filter-panorama", "scalar"),
    bottoms=TWO,
    looks=lambda layer: [PIXEL, WHOLE],
)
# DehazeNet's bilateral rectifier.
BRELU = _renamed("BReLU", activation.CLIP, "yanhuama/mycaffe", "brelu")
VOXEL_SOFTMAX = replace(
    activation.SOFTMAX,
    bottoms=ONE,
    name="VoxelSoftmax",
    v1=None,
    origin=Origin("facebook/C3D", "C3D-v1.0/src/caffe/layers/voxel_wise_softmax_layer.cpp"),
)
MULTI_SOFTMAX = _renamed(
    "MultiSoftmax",
    replace(activation.SOFTMAX, bottoms=ONE),
    "xiaolonw/caffe-3dnormal_joint_pose",
    "multi_softmax",
    looks=every(PIXEL),
)
