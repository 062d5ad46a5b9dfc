"""Single layers from forks of Caffe."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.layers.convolution import Convolution
from fcnkit.nn.affine import Axpy as AxpyModule
from fcnkit.nn.detection import RegionPool


@layer("DepthwiseConvolution")
class DepthwiseConvolution(Convolution):
    """A Convolution of another name, with as many groups as channels.

    Source: yonghenglh6/DepthwiseConvolution caffe/src/caffe/layers/depthwise_conv_layer.cpp.
    """


@layer("ConvolutionDepthwise")
class ConvolutionDepthwise(Convolution):
    """A Convolution with a filter for each channel, whatever num_output and group say.

    Source: openvinotoolkit/training_toolbox_caffe src/caffe/layers/conv_dw_layer.cpp, LayerSetUp.
    """

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        single = type(layer)()
        single.CopyFrom(layer)
        single.convolution_param.num_output = single.convolution_param.group = bottoms[0][1]
        return super().build(single, bottoms)


@layer("ShuffleChannel")
class ShuffleChannel(Layer):
    """Deals the channels out again: the first of each group, then the second of each.

    Source: farmingyard/ShuffleNet shuffle_channel_layer.cpp.
    """

    moves = True
    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        group, channels = layer.shuffle_channel_param.group, bottoms[0][1]
        if not group or channels % group:
            raise DefinitionError(f"layer {layer.name!r}: group {group} must divide {channels} channels")
        return nn.ChannelShuffle(group)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("ReLU6")
class ReLU6(Layer):
    """min(max(x, 0), 6).

    Source: openvinotoolkit/training_toolbox_caffe src/caffe/layers/relu6_layer.cpp.
    """

    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return nn.ReLU6()

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Axpy")
class Axpy(Layer):
    """Multiplies the channels of its second bottom with the first bottom's factors, and adds the third.

    Source: hujie-frank/SENet src/caffe/layers/axpy_layer.cpp.
    """

    bottom_count = (3, 3)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return AxpyModule()

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("ROIPooling")
class ROIPooling(Layer):
    """The largest values in parts of the regions that its second bottom lists.

    Source: rbgirshick/caffe-fast-rcnn (branch faster-rcnn) src/caffe/layers/roi_pooling_layer.cpp, LayerSetUp.
    """

    bottom_count = (2, 2)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.roi_pooling_param
        if not p.pooled_h or not p.pooled_w:
            raise DefinitionError(f"layer {layer.name!r}: pooled_h and pooled_w must be positive")
        return RegionPool(p.pooled_h, p.pooled_w, p.spatial_scale)
