"""Layers that pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn.pooling import NoisyOr, PaddedPool2d, Pool2d, SpatialPyramid
from fcnkit.types import pooling as types
from fcnkit.types.windows import pooling_window, pools_volumes, sides_of

# Modules by method and number of axes: those that slide, and those that reduce a whole bottom.
_OF_AXES: dict[str, dict[int, tuple[Callable[..., nn.Module], Callable[..., nn.Module]]]] = {
    "MAX": {
        1: (nn.MaxPool1d, nn.AdaptiveMaxPool1d),
        2: (nn.MaxPool2d, nn.AdaptiveMaxPool2d),
        3: (nn.MaxPool3d, nn.AdaptiveMaxPool3d),
    },
    "AVE": {
        1: (nn.AvgPool1d, nn.AdaptiveAvgPool1d),
        2: (nn.AvgPool2d, nn.AdaptiveAvgPool2d),
        3: (nn.AvgPool3d, nn.AdaptiveAvgPool3d),
    },
}


@rule(types.POOLING)
class Pooling(Layer):
    """Maximum, average or stochastic pooling; the number of windows is rounded up unless round_mode is FLOOR.

    A second top of MAX pooling contains the positions of the maxima.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.pooling_param
        method = p.PoolMethod.Name(p.pool)
        if len(bottoms[0]) not in (3, 4, 5):
            problem = f"Pooling reads blobs of 3 to 5 axes, the first two batch and channels, not of shape {bottoms[0]}"
            raise DefinitionError(f"layer {layer.name!r}: {problem}")
        if len(bottoms[0]) != 4 or pools_volumes(layer):
            return self._of_axes(layer, len(bottoms[0]) - 2, method)
        mask = method == "MAX" and len(layer.top) > 1
        window, sides = pooling_window(layer), sides_of(layer, p)
        excluding = method in ("AVE_EXC_PAD", "AVE_TF")
        if window is None:
            if mask or method == "STOCHASTIC":
                return Pool2d(method, None, mask=mask)
            return nn.AdaptiveMaxPool2d(1) if method == "MAX" else nn.AdaptiveAvgPool2d(1)
        kernel, stride, pad, dilation = window
        if set(dilation) != {1}:
            self._check_dilated(layer, method)
        if sides is not None or excluding:
            if mask or method == "STOCHASTIC":
                raise DefinitionError(f"layer {layer.name!r}: a pad for each side is for MAX and AVE, without a mask")
            around = (pad[0], pad[0], pad[1], pad[1]) if sides is None else None if sides.same else sides[:4]
            method = "AVE_EXC_PAD" if excluding else method
            (height, width), (down, across) = kernel, stride
            return PaddedPool2d(
                method, (height, width), (down, across), around, p.RoundMode.Name(p.round_mode) == "CEIL"
            )
        if method == "STOCHASTIC" and any(pad):
            raise DefinitionError(f"layer {layer.name!r}: only MAX and AVE pooling can have a pad, not STOCHASTIC")
        ceil = p.RoundMode.Name(p.round_mode) == "CEIL"
        pads_fit = all(2 * pad_ <= kernel_ for pad_, kernel_ in zip(pad, kernel, strict=True))
        gaps = ceil and not any(pad) and any(s > k for s, k in zip(stride, kernel, strict=True))
        if set(dilation) != {1}:
            if not pads_fit or gaps:
                raise DefinitionError(f"layer {layer.name!r}: with dilation, stride and twice pad are up to the kernel")
            return nn.MaxPool2d(kernel, stride, pad, dilation, ceil_mode=ceil)
        if mask or method == "STOCHASTIC" or not pads_fit or gaps:
            return Pool2d(method, kernel, stride, pad, ceil, mask)
        module: Any = nn.MaxPool2d if method == "MAX" else nn.AvgPool2d
        built: nn.Module = module(kernel, stride, pad, ceil_mode=ceil)
        return built

    @staticmethod
    def _check_dilated(layer: LayerParameter, method: str) -> None:
        """Only the maximum is dilated.

        Source: naibaf7/caffe src/caffe/layers/pooling_layer.cu, GenerateProgram.
        """
        if method != "MAX" or len(layer.top) > 1 or sides_of(layer, layer.pooling_param):
            raise DefinitionError(f"layer {layer.name!r}: dilation is for MAX, without a mask, with one pad")

    @staticmethod
    def _of_axes(layer: LayerParameter, axes: int, method: str) -> nn.Module:
        """Pooling over one or three spatial axes, or over two whose number the definition confirms, as forks have it.

        Source: mzolfaghari/ECO-efficient-video-understanding caffe_3d/src/caffe/layers/pooling_layer.cpp, Reshape.
        """
        if method not in _OF_AXES or len(layer.top) > 1 or sides_of(layer, layer.pooling_param):
            problem = f"pooling over {axes} axes is MAX or AVE, without a mask, with one pad for both sides"
            raise DefinitionError(f"layer {layer.name!r}: {problem}")
        window = pooling_window(layer, axes)
        sliding, whole = _OF_AXES[method][axes]
        if window is None:
            return whole(1)
        kernel, stride, pad, dilation = window
        limits = zip(kernel, stride, pad, strict=True)
        if any(2 * around > size or step > size for size, step, around in limits):
            problem = f"stride {stride} must not exceed the kernel {kernel}, nor pad {pad} its half"
            raise DefinitionError(f"layer {layer.name!r}: {problem}")
        p = layer.pooling_param
        ceil = p.RoundMode.Name(p.round_mode) == "CEIL"
        if set(dilation) != {1}:
            Pooling._check_dilated(layer, method)
            return sliding(kernel, stride, pad, dilation, ceil_mode=ceil)
        return sliding(kernel, stride, pad, ceil_mode=ceil)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.POOLING_ND)
class PoolingND(Pooling):
    """The same with settings for any number of axes.

    Source: yulequan/3D-Caffe src/caffe/layers/pooling_nd_layer.cpp, LayerSetUp and Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.pooling_nd_param
        axes = len(bottoms[0]) - 2
        if p.axis != 1 or not 1 <= axes <= 3:
            raise DefinitionError(
                f"layer {layer.name!r}: PoolingND reads blobs of 3 to 5 axes with the channels on axis 1, not of shape"
                f" {bottoms[0]}, axis {p.axis}"
            )
        other = LayerParameter(name=layer.name, top=layer.top)
        own = other.pooling_param
        own.pool, own.global_pooling = int(p.pool), p.global_pooling
        own.each_kernel_size.extend(p.kernel_size)
        own.each_stride.extend(p.stride)
        own.each_pad.extend(p.pad)
        return self._of_axes(other, axes, p.PoolMethod.Name(p.pool))


@rule(types.SPP)
class SPP(Layer):
    """Pooling over 1, 2, 4, ... windows along each axis, flattened and joined."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.spp_param
        if len(bottoms[0]) != 4:
            raise DefinitionError(f"layer {layer.name!r}: SPP reads blobs of 4 axes, not of shape {bottoms[0]}")
        if p.pyramid_height < 1:
            raise DefinitionError(f"layer {layer.name!r}: pyramid_height {p.pyramid_height} must be positive")
        return SpatialPyramid(p.pyramid_height, p.PoolMethod.Name(p.pool))

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.MIL)
class MIL(Layer):
    """The largest value of each channel, or the probability that one pixel is positive, as (batch, channels, 1, 1).

    Source: s-gupta/caffe, branch mil, src/caffe/layers/mil_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if len(bottoms[0]) != 4:
            raise DefinitionError(f"layer {layer.name!r}: MIL reads blobs of 4 axes, not of shape {bottoms[0]}")
        return nn.AdaptiveMaxPool2d(1) if layer.mil_param.type == layer.mil_param.MAX else NoisyOr()

    def batchwise(self, layer: LayerParameter) -> bool:
        return True
