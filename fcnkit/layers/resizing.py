"""Layers that change the height and width of a blob."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.nn import resizing
from fcnkit.types import resizing as types


@rule(types.UPSAMPLE)
class Upsample(Layer):
    """Puts each value of its first bottom at the position that the second, a pooling mask, gives for it.

    Without a second bottom each value is repeated scale times along height and width.

    Source: alexgkendall/caffe-segnet src/caffe/layers/upsample_layer.cpp, LayerSetUp; eric612/MobileNet-YOLO
    src/caffe/layers/upsample_layer.cpp for one bottom.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.upsample_param
        if len(bottoms) == 1:
            return _repeated(layer, "scale", p.scale if p.HasField("scale") else 0)
        if p.HasField("upsample_h") and p.HasField("upsample_w"):
            if min(p.upsample_h, p.upsample_w) < 2:
                raise DefinitionError(f"layer {layer.name!r}: upsample_h and upsample_w must be above 1")
            return resizing.Unpool(size=(p.upsample_h, p.upsample_w))
        pair = p.HasField("scale_h") and p.HasField("scale_w") and not p.HasField("scale")
        if not pair and (p.HasField("scale_h") or p.HasField("scale_w")):
            raise DefinitionError(f"layer {layer.name!r}: give scale, or scale_h and scale_w")
        scale = (p.scale_h, p.scale_w) if pair else (p.scale, p.scale)
        less = (int(p.pad_out_h), int(p.pad_out_w))
        if min(scale) < 2 or any(cut and factor != 2 for cut, factor in zip(less, scale, strict=True)):
            raise DefinitionError(f"layer {layer.name!r}: scale {scale} must be above 1, and 2 if pad_out is set")
        return resizing.Unpool(scale, less)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.UPSAMPLE_DARKNET)
class UpsampleDarknet(Elementwise):
    """Repeats each value stride times along height and width.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/upsample_darknet_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return _repeated(layer, "stride", layer.upsample_darknet_param.stride)


def _repeated(layer: LayerParameter, name: str, factor: int) -> nn.Module:
    if factor < 1:
        raise DefinitionError(f"layer {layer.name!r}: {name} must be given, and positive")
    return nn.Upsample(scale_factor=factor, mode="nearest")


@rule(types.INTERP)
class Interp(Layer):
    """Bilinear interpolation by a whole factor, to a fixed size, or to that of a second bottom.

    A single factor overrides the size. Both factors together are used only if no size is given.

    Source: hszhao/PSPNet src/caffe/layers/interp_layer.cpp, LayerSetUp and Reshape; ermig1979/Synet
    src/Synet/Layers/InterpLayer.cpp for use_blob_size.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.interp_param
        factors = p.HasField("shrink_factor"), p.HasField("zoom_factor")
        if p.use_blob_size != (len(bottoms) > 1):
            raise DefinitionError(f"layer {layer.name!r}: a second bottom needs use_blob_size, and the other way round")
        sized = p.HasField("height") and p.HasField("width") and factors[0] == factors[1]
        if not sized and not any(factors) and not p.use_blob_size:
            raise DefinitionError(f"layer {layer.name!r}: give zoom_factor, shrink_factor, or height and width")
        if max(p.pad_beg, p.pad_end) > 0:
            raise DefinitionError(f"layer {layer.name!r}: pad_beg and pad_end must be 0 or below: they crop")
        if min(p.shrink_factor, p.zoom_factor) < 1 or (sized and min(p.height, p.width) < 1):
            raise DefinitionError(f"layer {layer.name!r}: factors, height and width must be positive")
        size = (p.height, p.width) if sized else None
        return resizing.Interp(p.shrink_factor, p.zoom_factor, size, (-p.pad_beg, -p.pad_end))

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


class _PlainResize(Layer):
    kind: str

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.resize_bilinear_param if self.kind == "bilinear" else layer.resize_nearest_neighbor_param
        size = p.output_height, p.output_width
        flags = {
            "corners": p.align_corners,
            "half": p.half_pixel_onnx or p.pytorch_half_pixel or (p.half_pixel_centers and self.kind == "bilinear"),
            "shifted": p.half_pixel_centers and self.kind == "nearest",
        }
        positions = [name for name, stated in flags.items() if stated] or ["plain"]
        if len(positions) > 1 or p.data_format not in ("NHWC", "NCHW") or min(*size, 0) < 0:
            raise DefinitionError(
                f"layer {layer.name!r}: align_corners excludes half pixels, data_format is NHWC or NCHW"
            )
        return resizing.PlainResize(
            self.kind, size, (p.scale_height, p.scale_width), positions[0], p.data_format == "NHWC"
        )


@rule(types.RESIZE_BILINEAR)
class ResizeBilinear(_PlainResize):
    """Bilinear interpolation as in TensorFlow, channels last unless data_format is NCHW."""

    kind = "bilinear"


@rule(types.RESIZE_NEAREST)
class ResizeNearestNeighbor(_PlainResize):
    """The nearest pixel as in TensorFlow, channels last unless data_format is NCHW."""

    kind = "nearest"


@rule(types.UNPOOLING)
class Unpooling(Layer):
    """Undoes pooling: puts each value where the mask of a second bottom states, or at its window's beginning.

    With the methods AVE and TILE it is spread over its window, divided by the number of pixels there or not.

    Source: HyeonwooNoh/caffe src/caffe/layers/unpooling_layer.cpp, LayerSetUp, which needs the size of the top;
    jimeiyang/objectContourDetector caffe-cedn/src/caffe/layers/unpooling_layer.cpp, which computes it.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.unpooling_param
        kernel = (p.kernel_size,) * 2 if p.HasField("kernel_size") else (p.kernel_h, p.kernel_w)
        stride = (p.stride_h, p.stride_w) if p.HasField("stride_h") else (p.stride,) * 2
        size = (p.unpool_size,) * 2 if p.HasField("unpool_size") else (p.unpool_h, p.unpool_w)
        if p.pad or p.pad_h or p.pad_w:
            raise DefinitionError(f"layer {layer.name!r}: unpooling has no pad")
        if min(*kernel, *stride) < 1:
            raise DefinitionError(f"layer {layer.name!r}: kernel_size and stride must be positive")
        method = p.UnpoolMethod.Name(p.unpool)
        return resizing.Unpooling(kernel, stride, size if all(size) else (), method)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.BILINEAR_INTERPOLATION)
class BilinearInterpolation(Elementwise):
    """Bilinear interpolation with aligned corners, to the size of a second bottom.

    Source: waldol1/caffe src/caffe/layers/bilinear_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return resizing.Interp()
