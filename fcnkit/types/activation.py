"""Layers that act on each value, or along the channels, and keep the shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels
from fcnkit.types.channels import KEPT
from fcnkit.types.looks import PIXEL, WHOLE, Everything, Look
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, LayerType, Origin, bvlc, every

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


_SYNOPSYS = "foss-for-synopsys-dwc-arc-processors/synopsys-caffe"


def elementwise(name: str, v1: str | None, origin: Origin) -> LayerType:
    """A type whose layers compute each value of their top from the same value of their bottom."""
    return LayerType(name, v1, origin, ONE, ONE, every(PIXEL), KEPT, COMPUTES, moves=False, drawn=PLAIN)


ABS_VAL = elementwise("AbsVal", "ABSVAL", bvlc("absval"))
BNLL = elementwise("BNLL", "BNLL", bvlc("bnll"))
CLIP = elementwise("Clip", None, bvlc("clip"))
ELU = elementwise("ELU", None, bvlc("elu"))
EXP = elementwise("Exp", "EXP", bvlc("exp"))
LOG = elementwise("Log", None, bvlc("log"))
POWER = elementwise("Power", "POWER", bvlc("power"))
PRELU = elementwise("PReLU", None, bvlc("prelu"))
# HyeonwooNoh/caffe makes a second top (src/caffe/layers/relu_layer.cpp).
RELU = replace(elementwise("ReLU", "RELU", bvlc("relu")), tops=ONE_OR_TWO)
SIGMOID = elementwise("Sigmoid", "SIGMOID", bvlc("sigmoid"))
SWISH = elementwise("Swish", None, bvlc("swish"))
TANH = elementwise("TanH", "TANH", bvlc("tanh"))
THRESHOLD = elementwise("Threshold", "THRESHOLD", bvlc("threshold"))
RELU6 = elementwise("ReLU6", None, Origin("openvinotoolkit/training_toolbox_caffe", "src/caffe/layers/relu6_layer.cpp"))
HARD_SWISH = elementwise(
    "HardSwish",
    None,
    Origin(_SYNOPSYS, "src/caffe/layers/hard_swish_layer.cpp"),
)

HARD_SIGMOID = elementwise("HardSigmoid", None, Origin(_SYNOPSYS, "src/caffe/layers/hard_sigmoid_layer.cpp"))
MISH = elementwise("Mish", None, Origin(_SYNOPSYS, "src/caffe/layers/mish_layer.cpp"))
SELU = elementwise("SeLU", None, Origin(_SYNOPSYS, "src/caffe/layers/selu_layer.cpp"))
SCALE_TANH = elementwise("ScaleTanH", None, Origin("thuml/HashNet", "caffe/src/caffe/layers/scale_tanh_layer.cpp"))
SOFTPLUS = elementwise("Softplus", None, Origin(_SYNOPSYS, "src/caffe/layers/softplus_layer.cpp"))
SOFTSIGN = elementwise("Softsign", None, Origin(_SYNOPSYS, "src/caffe/layers/softsign_layer.cpp"))
RRELU = elementwise("RReLU", None, Origin("ducha-aiki/caffe", "src/caffe/layers/rrelu_layer.cpp"))
SCALE_TANH = elementwise("ScaleTanH", None, Origin("thuml/HashNet", "caffe/src/caffe/layers/scale_tanh_layer.cpp"))
SIGNED_SQRT = elementwise(
    "SignedSqrt",
    None,
    Origin("gy20073/compact_bilinear_pooling", "caffe-20160312/src/caffe/layers/signed_sqrt_layer.cpp"),
)


def _softmax_looks(layer: LayerParameter) -> Sequence[Look]:
    looks = [PIXEL if along_channels(layer.softmax_param) else WHOLE, WHOLE]
    return looks[: len(layer.bottom)]


# With a second bottom that of peteanderson80/caffe, src/caffe/layers/softmax_layer.cpp.
SOFTMAX = LayerType(
    "Softmax",
    v1="SOFTMAX",
    origin=bvlc("softmax"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=_softmax_looks,
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
SPATIAL_SOFTMAX = LayerType(
    "SpatialSoftmax",
    v1=None,
    origin=Origin("cbfinn/caffe", "src/caffe/layers/spatial_softmax_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(Everything("divides by the sum of the whole image", leads=True)),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
