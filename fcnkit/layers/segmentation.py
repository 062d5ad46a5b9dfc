"""Layers of the forks of Caffe for segmentation: SegNet, ENet, PSPNet, DeepLab."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from torch import Tensor, nn

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.nn import dropout, resizing
from fcnkit.nn.affine import Scale
from fcnkit.nn.normalization import BatchStatisticsNorm, FrozenBatchNorm2d

_SEGNET = ("bn_mode", "scale_filler", "shift_filler")
_PSPNET = ("slope_filler", "bias_filler", "momentum", "eps", "frozen", "engine")


@layer("BN")
class BN(Layer):
    """Two layers of one name; which of them is told by the settings that only one of them has.

    SegNet's has 2 blobs, scale and shift. In the mode INFERENCE they are all it does, since the statistics have been
    worked into them; in the mode LEARN it normalizes with the batch's own statistics in both phases, and gives these
    as further tops.
    PSPNet's has 4, slope, bias, mean and variance; frozen, it uses the stored statistics in training too.
    All blobs have the shape (1, channels, 1, 1).

    Source: alexgkendall/caffe-segnet src/caffe/layers/bn_layer.cpp; hszhao/PSPNet src/caffe/layers/bn_layer.cpp.
    """

    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.bn_param
        if len(bottoms[0]) != 4:
            raise DefinitionError(f"layer {layer.name!r}: BN reads blobs of 4 axes, not of shape {bottoms[0]}")
        channels = bottoms[0][1]
        if self._is_pspnets(layer):
            kind = FrozenBatchNorm2d if p.frozen else nn.BatchNorm2d
            return kind(channels, p.eps, 1 - p.momentum)
        if p.bn_mode == p.INFERENCE:
            return Scale((channels,), bias=(channels,))
        return BatchStatisticsNorm(channels, 1e-9, len(layer.top))

    def blobs(self, module: nn.Module, layer: Message) -> list[Tensor]:
        names = ["weight", "bias", *(["running_mean", "running_var"] if self._is_pspnets(layer) else [])]
        return [getattr(module, name).view(1, -1, 1, 1) for name in names]

    def fillers(self, layer: Message) -> list[Message]:
        p = layer.bn_param
        if not self._is_pspnets(layer):
            return [p.scale_filler, p.shift_filler]
        return [p.slope_filler, p.bias_filler, *(type(p.bias_filler)(value=value) for value in (0, p.frozen))]

    def batchwise(self, layer: Message) -> bool:
        return self._is_pspnets(layer) or layer.bn_param.bn_mode == layer.bn_param.INFERENCE

    @staticmethod
    def _is_pspnets(layer: Message) -> bool:
        pspnet, segnet = (any(map(layer.bn_param.HasField, fields)) for fields in (_PSPNET, _SEGNET))
        if pspnet == segnet:
            raise DefinitionError(
                f"layer {layer.name!r}: BN is SegNet's, with 2 blobs, or PSPNet's, with 4;"
                " choose in bn_param by bn_mode or by slope_filler"
            )
        return pspnet


@layer("Upsample")
class Upsample(Layer):
    """Puts each value of its first bottom where the second, a pooling's mask, says that it came from.

    Source: alexgkendall/caffe-segnet src/caffe/layers/upsample_layer.cpp, LayerSetUp.
    """

    moves = True
    bottom_count = (2, 2)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.upsample_param
        if p.HasField("upsample_h") and p.HasField("upsample_w"):
            if min(p.upsample_h, p.upsample_w) < 2:
                raise DefinitionError(f"layer {layer.name!r}: upsample_h and upsample_w must be over 1")
            return resizing.Unpool(size=(p.upsample_h, p.upsample_w))
        pair = p.HasField("scale_h") and p.HasField("scale_w") and not p.HasField("scale")
        if not pair and (p.HasField("scale_h") or p.HasField("scale_w")):
            raise DefinitionError(f"layer {layer.name!r}: give scale, or scale_h and scale_w")
        scale = (p.scale_h, p.scale_w) if pair else (p.scale, p.scale)
        less = (int(p.pad_out_h), int(p.pad_out_w))
        if min(scale) < 2 or any(cut and factor != 2 for cut, factor in zip(less, scale, strict=True)):
            raise DefinitionError(f"layer {layer.name!r}: scale {scale} must be over 1, and 2 where pad_out is set")
        return resizing.Unpool(scale, less)

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("Interp")
class Interp(Layer):
    """Bilinear interpolation by a whole factor, or to a fixed size.

    Both factors count only where no size is given; one alone rules over the size.

    Source: hszhao/PSPNet src/caffe/layers/interp_layer.cpp, LayerSetUp and Reshape.
    """

    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.interp_param
        factors = p.HasField("shrink_factor"), p.HasField("zoom_factor")
        sized = p.HasField("height") and p.HasField("width") and factors[0] == factors[1]
        if not sized and not any(factors):
            raise DefinitionError(f"layer {layer.name!r}: give zoom_factor, shrink_factor, or height and width")
        if max(p.pad_beg, p.pad_end) > 0:
            raise DefinitionError(f"layer {layer.name!r}: pad_beg and pad_end must be 0 or below: they crop")
        if min(p.shrink_factor, p.zoom_factor) < 1 or (sized and min(p.height, p.width) < 1):
            raise DefinitionError(f"layer {layer.name!r}: factors, height and width must be positive")
        size = (p.height, p.width) if sized else None
        return resizing.Interp(p.shrink_factor, p.zoom_factor, size, (-p.pad_beg, -p.pad_end))

    def batchwise(self, layer: Message) -> bool:
        return True


@layer("spatial_dropout.SpatialDropoutLayer")
class SpatialDropout(Layer):
    """ENet's dropout of channels, a Python layer.

    Its param_str states the net's phase, which here is the module's own mode.

    Source: TimoSaemann/caffe-enet python/spatial_dropout.py.
    """

    moves = True
    bottom_count = (1, 1)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        text = layer.python_param.param_str
        try:
            ratio = float(ast.literal_eval(text)["p"])
        except (SyntaxError, ValueError, TypeError, KeyError, MemoryError, RecursionError):
            ratio = 0
        if not 0 < ratio < 1:
            raise DefinitionError(f"layer {layer.name!r}: param_str must give p, over 0 and below 1; it is {text!r}")
        return dropout.SpatialDropout(ratio)

    def batchwise(self, layer: Message) -> bool:
        return True
