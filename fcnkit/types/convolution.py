"""Layers with filters that slide over a blob."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import Filtered, Made, OnePerFilter
from fcnkit.types.looks import Everything, Look
from fcnkit.types.record import COMPUTES, EACH, ONE, SOME, TWO, Drawn, LayerType, Origin, bvlc, every, no_words
from fcnkit.types.windows import sides_of, sliding_convolution
from fcnkit.types.words import convolution_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

OTHER_AXES = Everything("does not have its channels on axis 1", leads=False)
MORE_AXES = Everything("slides over more axes than height and width", leads=False)
OTHER_SIDES = Everything("has another pad on each side", leads=False)


def slides(up: bool) -> Callable[[LayerParameter], Sequence[Look]]:
    """The window of convolution_param, into every bottom."""

    def looks(layer: LayerParameter) -> Sequence[Look]:
        p = layer.convolution_param
        otherwise = OTHER_SIDES if sides_of(layer, p) else OTHER_AXES if p.axis not in (1, -3) else MORE_AXES
        return [sliding_convolution(layer, up=up) or otherwise] * len(layer.bottom)

    return looks


CONVOLUTION = LayerType(
    "Convolution",
    v1="CONVOLUTION",
    origin=bvlc("conv"),
    bottoms=SOME,
    tops=EACH,
    looks=slides(up=False),
    channels=Filtered("convolution_param", rows=False),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", convolution_words),
)
DECONVOLUTION = LayerType(
    "Deconvolution",
    v1="DECONVOLUTION",
    origin=bvlc("deconv"),
    bottoms=SOME,
    tops=EACH,
    looks=slides(up=True),
    channels=Filtered("convolution_param", rows=True),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("up", convolution_words),
)
# The second bottom moves the place that each tap is read at.
DEFORMABLE_CONVOLUTION = LayerType(
    "DeformableConvolution",
    v1=None,
    origin=Origin("unsky/Deformable-ConvNets-caffe", "caffe/src/caffe/layers/deformable_conv_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=every(Everything("reads where its second bottom states", leads=False)),
    channels=Filtered("deformable_convolution_param", rows=False),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", no_words),
)
# A filter of its own for each pixel of the top.
LOCAL = LayerType(
    "Local",
    v1=None,
    origin=Origin("happynear/caffe-windows", "src/caffe/layers/local_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(Everything("has filters for one image size", leads=False)),
    channels=Made("local_param"),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", no_words),
)
DEPTHWISE_CONVOLUTION = LayerType(
    "DepthwiseConvolution",
    v1=None,
    origin=Origin("yonghenglh6/DepthwiseConvolution", "caffe/src/caffe/layers/depthwise_conv_layer.cpp"),
    bottoms=SOME,
    tops=EACH,
    looks=slides(up=False),
    channels=Filtered("convolution_param", rows=False),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", convolution_words),
)
CONVOLUTION_DEPTHWISE = LayerType(
    "ConvolutionDepthwise",
    v1=None,
    origin=Origin("openvinotoolkit/training_toolbox_caffe", "src/caffe/layers/conv_dw_layer.cpp"),
    bottoms=SOME,
    tops=EACH,
    looks=slides(up=False),
    channels=OnePerFilter("convolution_param", rows=True),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", convolution_words),
)
