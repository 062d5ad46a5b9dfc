"""Layers that read an image at computed positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.caffe.param_str import settings_of
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.nn import sampling
from fcnkit.types import sampling as types


@rule(types.REMAP)
class Remap(Elementwise):
    """Reads its first bottom at the positions that the second states."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return sampling.Remap()


@rule(types.RESIZE)
class Resize(Elementwise):
    """Interpolates to a stated size, by a factor, or to the size of a second bottom.

    With is_pyramid_test it is another fork's, which does not align the corners.

    Source: tinghuiz/appearance-flow caffe/src/caffe/layers/resize_layer.cpp, Reshape; Liusifei/caffe-lowlevel
    src/caffe/layers/resize_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.resize_param
        if p.HasField("is_pyramid_test"):
            factors = (p.out_height_scale, p.out_width_scale) if p.is_pyramid_test else None
            if len(bottoms) > 1 or min(factors or (p.height, p.width)) <= 0:
                raise DefinitionError(
                    f"layer {layer.name!r}: with is_pyramid_test give one bottom, and out_height_scale and"
                    " out_width_scale, or, if it is false, height and width"
                )
            return sampling.CornerResize((p.height, p.width), factors)
        height, width = (_axis(layer, *names) for names in (("height", "scale_y"), ("width", "scale_x")))
        if len(bottoms) < 2 and None in (height[0] or height[1], width[0] or width[1]):
            raise DefinitionError(f"layer {layer.name!r}: give height and width, scale, or a second bottom")
        crop = (p.crop_y if p.HasField("crop_y") else p.crop, p.crop_x if p.HasField("crop_x") else p.crop)
        return sampling.Resize((height[0], width[0]), (height[1], width[1]), crop)


def _axis(layer: LayerParameter, size: str, scale: str) -> tuple[int | None, float | None]:
    """The size of the top along an axis and the scale, as far as they are stated; a size of 0 is a scale of 1."""
    p: Any = layer.resize_param
    made = getattr(p, size) if p.HasField(size) else None
    factor = getattr(p, scale) if p.HasField(scale) else p.scale if p.HasField("scale") else None
    if (made is not None and factor is not None) or (made or 0) < 0 or (factor is not None and factor <= 0):
        raise DefinitionError(f"layer {layer.name!r}: give a size or a scale for an axis, and positive")
    return (None, 1.0) if made == 0 else (made, factor)


@rule(types.TRANSFORMATION)
class Transformation(Elementwise):
    """Subtracts a mean and scales; random crops, mirroring and rotation are refused.

    Source: tinghuiz/appearance-flow caffe/src/caffe/layers/transformation_layer.cpp, LayerSetUp and Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.transform_param
        if p.crop_size or p.mirror or p.mean_file:
            raise DefinitionError(f"layer {layer.name!r}: crop_size, mirror and mean_file are not supported")
        channels, mean = bottoms[0][-3] if len(bottoms[0]) > 2 else 0, list(p.mean_value)
        if any(bottom[-3:-2] != (channels,) for bottom in bottoms) or len(mean) not in (0, 1, channels):
            raise DefinitionError(f"layer {layer.name!r}: {len(mean)} mean_value for bottoms {list(bottoms)}")
        return sampling.Normalized(mean, p.scale)


@rule(types.MESHGRID)
class Meshgrid(Layer):
    """The positions of the pixels of an image.

    Source: tinghuiz/appearance-flow caffe/python/python_layers.py, setup.
    """

    module: type[sampling.Positions] = sampling.Positions

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        settings = settings_of(layer)
        sizes: list[Any] = [settings.get(name) for name in ("batch", "height", "width")]
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise DefinitionError(f"layer {layer.name!r}: param_str must give batch, height and width, and positive")
        return self.module(*sizes)


@rule(types.MEAN_VALS)
class MeanVals(Meshgrid):
    """The mean of ImageNet's images at each pixel."""

    module = sampling.MeanPixels
