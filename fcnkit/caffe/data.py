"""The shapes of the images that data layers feed."""

from __future__ import annotations

import re

from fcnkit.caffe.messages import LayerParameter, ResizeParameter
from fcnkit.types import type_of
from fcnkit.types.record import Data

UNKNOWN = 0
# The images of a clip, where nothing states their number (facebook/C3D README.md).
_CLIP = 16

# The images of data sets as BVLC's examples store them, by a part of the name of their source
# (BVLC/caffe examples/siamese/convert_mnist_siamese_data.cpp, examples/mnist/convert_mnist_data.cpp,
# examples/cifar10/convert_cifar_data.cpp).
_DATA_SETS = {"mnist_siamese": (2, 28, 28), "mnist": (1, 28, 28), "cifar": (3, 32, 32)}


def is_data_layer(layer: LayerParameter) -> bool:
    """Whether a layer feeds data: one of a type that does, or of an unknown one with tops and no bottom."""
    record = type_of(layer)
    feeds = record is None or isinstance(record.role, Data)
    return bool(layer.top) and not layer.bottom and feeds


def reads_images(layer: LayerParameter) -> bool:
    """Whether a data layer reads images itself, and so makes their pixels as it states and no other way."""
    record = type_of(layer)
    return record is not None and isinstance(record.role, Data) and record.role.reads_images


def top_shape(layer: LayerParameter, index: int, volumes: bool = False) -> tuple[int, ...]:
    """The shape of a data layer's top, UNKNOWN (0) where the layer does not state it.

    The batch is 1: what the layer's batch size was in training means nothing for the net.

    Args:
        layer, index: the layer, and the number of the top.
        volumes: whether the net reads volumes, with an axis of time after the channels.
    """
    if index > 0:
        record = type_of(layer)
        # BVLC/caffe src/caffe/layers/base_data_layer.cpp
        per_image = record is not None and isinstance(record.role, Data) and record.role.label_per_image
        return (1,) if per_image and index == 1 else (1, UNKNOWN, UNKNOWN, UNKNOWN)
    whole = _whole_shape(layer)
    if whole:
        return (1, *whole[1:])
    channels = layer.memory_data_param.channels
    if not channels and len(layer.transform_param.mean_value) > 1:
        # BVLC/caffe src/caffe/data_transformer.cpp, Transform: one mean for all channels, or one for each.
        channels = len(layer.transform_param.mean_value)
    video = layer.video_data_param
    if video.HasField("modality") or video.HasField("num_segments"):
        # yjxiong/caffe src/caffe/layers/video_data_layer.cpp: the images of all segments, a flow as two.
        each = 2 if video.modality == video.FLOW else 3
        channels = each * (video.new_length or 1) * video.num_segments
    if volumes and channels <= 3:
        length = layer.video_data_param.new_length or layer.image_data_param.new_length or _CLIP
        return 1, channels or 3, length, *_size(layer)
    return 1, channels, *_size(layer)


def _whole_shape(layer: LayerParameter) -> tuple[int, ...]:
    """The shape of a data layer's first top where it states all of it; () for others.

    Source: naibaf7/caffe src/caffe/layers/memory_data_layer.cpp, DataLayerSetUp; CLT29/OpenSALICON CustomData.py, whose
    settings are the shape alone.
    """
    text = layer.python_param.param_str
    if re.fullmatch(r"\s*\d+(\s*,\s*\d+)+\s*", text):
        return tuple(map(int, text.split(",")))
    return tuple(layer.memory_data_param.dim)


def data_set_shape(layer: LayerParameter) -> tuple[str, tuple[int, ...]] | None:
    """The data set that a Data layer reads by the name of its source, and the shape of its images; None for others."""
    source = layer.data_param.source.lower()
    return next(((name, shape) for name, shape in _DATA_SETS.items() if name in source), None)


def dummy_shape(layer: LayerParameter, index: int) -> tuple[int, ...]:
    """The shape of a top of a DummyData layer.

    Source: BVLC/caffe src/caffe/layers/dummy_data_layer.cpp, LayerSetUp.
    """
    p = layer.dummy_data_param
    if p.shape:
        return tuple(p.shape[min(index, len(p.shape) - 1)].dim)
    sizes = (p.num, p.channels, p.height, p.width)
    return tuple(each[min(index, len(each) - 1)] if each else UNKNOWN for each in sizes)


def _size(layer: LayerParameter) -> tuple[int, int]:
    """The (height, width) of the images: what is cropped from them, else what they are resized to."""
    p, dense = layer.transform_param, layer.dense_image_data_param
    resize = p.resize_param[0] if p.resize_param else ResizeParameter()
    fixed = resize.Resize_mode.Name(resize.resize_mode) != "FIT_SMALL_SIZE"
    sizes = (
        (p.crop_size, p.crop_size),
        (p.crop_h, p.crop_w),  # SSD
        (p.crop_height, p.crop_width),  # DeepLab
        (dense.crop_height, dense.crop_width),  # SegNet
        *((own.crop_size, own.crop_size) for own in (layer.image_data_param, layer.video_data_param)),  # C3D
        (layer.memory_data_param.height, layer.memory_data_param.width),
        (layer.image_data_param.new_height, layer.image_data_param.new_width),
        (dense.new_height, dense.new_width),
        (layer.video_data_param.new_height, layer.video_data_param.new_width),
        (resize.height * fixed, resize.width * fixed),
    )
    return next((size for size in sizes if all(size)), (UNKNOWN, UNKNOWN))
