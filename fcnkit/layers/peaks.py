"""Layers that find the peaks of heat maps: joints of people."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import peaks
from fcnkit.types import peaks as types


@rule(types.IM_RESIZE)
class ImResize(Layer):
    """Resizes the heat maps of an image at several scales to one size, and averages them.

    Source: CMU-Perceptual-Computing-Lab/caffe_rtpose src/caffe/cpm/layers/imresize_layer.cpp, Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.imresize_param
        size = None if p.factor else (p.target_spatial_height, p.target_spatial_width)
        return peaks.MeanOfScales(p.factor, size, p.start_scale, p.scale_gap)


@rule(types.NMS)
class Nms(Layer):
    """The peaks of the first num_parts heat maps.

    Source: CMU-Perceptual-Computing-Lab/caffe_rtpose src/caffe/cpm/layers/nms_layer.cpp, Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, channels = layer.nms_param, bottoms[0][1]
        if not 0 < p.num_parts <= channels or not p.max_peaks:
            raise DefinitionError(
                f"layer {layer.name!r}: num_parts {p.num_parts} must be from 1 to {channels}, and max_peaks positive"
            )
        return peaks.Peaks(p.num_parts, p.max_peaks, p.threshold)
