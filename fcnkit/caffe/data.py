"""The shapes of the images that data layers feed."""

from __future__ import annotations

from fcnkit.caffe.messages import LayerParameter
from fcnkit.types import type_of
from fcnkit.types.record import Data

UNKNOWN = 0


def is_data_layer(layer: LayerParameter) -> bool:
    """Whether a layer feeds data: one of a type that does, or of an unknown one with tops and no bottom."""
    record = type_of(layer)
    feeds = record is None or isinstance(record.role, Data)
    return bool(layer.top) and not layer.bottom and feeds


def top_shape(layer: LayerParameter, index: int) -> tuple[int, ...]:
    """The shape of a data layer's top, UNKNOWN (0) where the layer does not say it.

    The batch is 1: what the layer's batch size was in training means nothing for the net.
    """
    if index > 0:
        record = type_of(layer)
        # BVLC/caffe src/caffe/layers/base_data_layer.cpp
        per_image = record is not None and isinstance(record.role, Data) and record.role.label_per_image
        return (1,) if per_image else (1, UNKNOWN, UNKNOWN, UNKNOWN)
    channels = layer.memory_data_param.channels
    if not channels and len(layer.transform_param.mean_value) == 3:
        channels = 3
    return 1, channels, *_size(layer)


def _size(layer: LayerParameter) -> tuple[int, int]:
    """The (height, width) of the images: what is cropped from them, else what they are resized to."""
    p, dense = layer.transform_param, layer.dense_image_data_param
    fixed = p.resize_param.Resize_mode.Name(p.resize_param.resize_mode) != "FIT_SMALL_SIZE"
    sizes = (
        (p.crop_size, p.crop_size),
        (p.crop_h, p.crop_w),  # SSD
        (p.crop_height, p.crop_width),  # DeepLab
        (dense.crop_height, dense.crop_width),  # SegNet
        (layer.memory_data_param.height, layer.memory_data_param.width),
        (layer.image_data_param.new_height, layer.image_data_param.new_width),
        (dense.new_height, dense.new_width),
        (p.resize_param.height * fixed, p.resize_param.width * fixed),
    )
    return next((size for size in sizes if all(size)), (UNKNOWN, UNKNOWN))
