"""What data layers tell of the images they feed: shapes and preprocessing."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from fcnkit.caffe.messages import LayerParameter
from fcnkit.types import type_of
from fcnkit.types.record import Data

# BGR mean of the published FCN nets (shelhamer/fcn.berkeleyvision.org infer.py and voc_layers.py).
FCN_MEAN = (104.00698793, 116.66876762, 122.67891434)
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


def preprocessing(layers: Sequence[LayerParameter], blob: str, channels: int) -> dict[str, Any]:
    """How an image becomes the values of an input blob, as plain data that fits into JSON.

    Args:
        layers: the layers of the net before its data layers were cut off.
        blob: name of the input.
        channels: its number of channels.

    Returns:
        channel_order ("BGR", or "" unless there are 3 channels), range (of pixel values before the mean is
        taken off), mean (per channel, or one for all), scale (applied after the mean), source (who says so).
    """
    result: dict[str, Any] = {
        "channel_order": "BGR" if channels == 3 else "",
        "range": [0, 255],
        "mean": list(FCN_MEAN) if channels == 3 else [],
        "scale": 1.0,
        "source": "assumed: the mean of the published FCN nets" if channels == 3 else "assumed: no mean",
    }
    for layer in layers:
        if is_data_layer(layer) and blob in layer.top:
            mean = _mean(layer)
            # Layers with several tops state the image's mean; it is none of a depth map's, say.
            if len(mean) in (1, channels):
                result.update(mean=mean, source=f"data layer {layer.name!r}")
            if layer.transform_param.HasField("scale"):
                result["scale"] = layer.transform_param.scale
            if layer.transform_param.mean_file:
                file = layer.transform_param.mean_file
                result["source"] = f"assumed: data layer {layer.name!r} reads its mean from {file}"
            break
    return result


def is_preprocessing(found: Any, channels: int) -> bool:
    """Whether something read from a file is what `preprocessing` gives for an input of that many channels."""
    match found:
        case {"channel_order": str(order), "range": [low, high], "mean": list(mean), "scale": scale, "source": str()}:
            numbers = (*mean, scale, low, high)
            return (
                order in (("BGR", "RGB") if channels == 3 else ("",))
                and len(mean) in (0, 1, channels)
                and all(isinstance(number, int | float) for number in numbers)
            )
    return False


def pixels_in_words(preprocessing: Mapping[str, Any] | None) -> str:
    """How an input's values are made of pixels, in brackets; nothing where it is not known."""
    if not preprocessing:
        return ""
    low, high = preprocessing["range"]
    mean = ", ".join(f"{value:.6g}" for value in preprocessing["mean"])
    words = [preprocessing["channel_order"], f"{low}..{high}", mean and f"minus {mean}"]
    if preprocessing["scale"] != 1:
        words.append(f"times {preprocessing['scale']:.6g}")
    return f" ({', '.join(filter(None, words))}; {preprocessing['source']})"


def _mean(layer: LayerParameter) -> list[float]:
    if layer.transform_param.mean_value:
        return list(layer.transform_param.mean_value)
    try:
        # FCN's Python layers keep their settings as the text of a dict.
        mean = ast.literal_eval(layer.python_param.param_str)["mean"]
        return [float(value) for value in mean]
    except (SyntaxError, ValueError, TypeError, KeyError, MemoryError, RecursionError):
        return []
