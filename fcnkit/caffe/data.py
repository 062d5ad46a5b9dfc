"""The shapes of the images that data layers feed."""

from __future__ import annotations

from fcnkit.caffe.schema import Message

# Sources of numbers that are part of the net; every other layer without a bottom feeds data.
_NET_SOURCES = frozenset({"Input", "Parameter", "DummyData"})
# Their second top is one class label per image (BVLC/caffe src/caffe/layers/base_data_layer.cpp).
_LABEL_PER_IMAGE = frozenset({"Data", "ImageData", "MemoryData", "WindowData"})
UNKNOWN = 0


def is_data_layer(layer: Message) -> bool:
    """Whether a layer feeds data: Data, ImageData, Python and whatever else has tops and no bottom."""
    return bool(layer.top) and not layer.bottom and layer.type not in _NET_SOURCES


def top_shape(layer: Message, index: int) -> tuple[int, ...]:
    """The shape of a data layer's top, UNKNOWN (0) where the layer does not say it.

    The batch is 1: what the layer's batch size was in training means nothing for the net.
    """
    if index > 0:
        return (1,) if layer.type in _LABEL_PER_IMAGE else (1, UNKNOWN, UNKNOWN, UNKNOWN)
    channels = layer.memory_data_param.channels
    if not channels and len(layer.transform_param.mean_value) == 3:
        channels = 3
    return 1, channels, *_size(layer)


def _size(layer: Message) -> tuple[int, int]:
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
