"""The shapes of inputs that the layers which read them state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fcnkit.aliases import Shape
from fcnkit.caffe.data import UNKNOWN
from fcnkit.errors import DefinitionError
from fcnkit.types import LayerType, kind_of, type_of
from fcnkit.types.axes import along_channels
from fcnkit.types.channels import Cut, Joined, Kept, Made
from fcnkit.types.fixed import FIXED_BOTTOMS
from fcnkit.types.looks import PIXEL
from fcnkit.types.rings import REGION_POOLING
from fcnkit.types.shape import RESHAPE

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter, NetParameter


def pools_regions(layer: LayerParameter) -> bool:
    """Whether a layer reads boxes as its second bottom: ROIPooling and its variants."""
    return ("ROI" in layer.type or layer.type == REGION_POOLING.name) and len(layer.bottom) > 1


def set_fixed_shapes(net: NetParameter, shapes: dict[str, Shape]) -> None:
    """Give a shape to inputs that are no images and that a data layer does not state.

    They are the size of an image, boxes, and sequences. There is room for one box: an image's number and corners.

    Source: rbgirshick/caffe-fast-rcnn src/caffe/layers/roi_pooling_layer.cpp, Forward_cpu.
    """
    for layer in net.layer:
        fixed = FIXED_BOTTOMS.get(kind_of(layer)) or ({1: (1, 5)} if pools_regions(layer) else {})
        for index, shape in fixed.items():
            blob = layer.bottom[index] if index < len(layer.bottom) else ""
            if blob in shapes and UNKNOWN in shapes[blob]:
                shapes[blob] = shape


def set_by_readers(net: NetParameter, shapes: dict[str, Shape], stated: Iterable[Any]) -> None:
    """Give inputs the shape that the layers need which read them, as they are or after changes to single pixels.

    Args:
        net: the net.
        shapes: of its inputs by name; changed in place.
        stated: the inputs, among others, whose shape the caller states.
    """
    # The input that blobs of its size come from.
    origin = {name: name for name in shapes if name not in stated}
    # The input that blobs of its number of items come from.
    items = dict(origin)
    # The inputs that blobs of their height and width come from.
    sized = {name: {name} for name in origin}
    layers = list(net.layer)
    for index, layer in enumerate(layers):
        record = type_of(layer)
        batch = items.get(layer.bottom[0], "") if layer.bottom else ""
        if batch and record is not None:
            # As many as the parts of a Slice: the views of an object (suhangpro/mvcnn caffe/mvccn_12view.prototxt).
            if shapes[batch][:1] == (1,):
                shapes[batch] = (cut_length(layers[index:], 0) or 1, *shapes[batch][1:])
            if isinstance(record.channels, Kept | Made) and not pools_regions(layer):
                items.update(dict.fromkeys(layer.top, batch))
        images = set().union(*(sized.get(bottom, ()) for bottom in layer.bottom))
        if images and record is not None:
            if layer.HasField("augmentation_param"):
                shapes.update((name, _before_augmentation(layer, shapes[name])) for name in images)
            elif _keeps_size(layer, record):
                sized.update(dict.fromkeys(layer.top, images))
        source = origin.get(layer.bottom[0], "") if layer.bottom else ""
        if not source or record is None:
            continue
        shape = shapes[source]
        if layer.type == RESHAPE.name and sum(layer.bottom[0] in other.bottom for other in net.layer) == 1:
            shapes[source] = _before_reshape(layer, shape)
        elif isinstance(record.channels, Cut) and len(shape) == 4:
            shapes[source] = _before_slice(layers[index:], shape)
        elif isinstance(record.channels, Kept) and _keeps_pixels(layer, record):
            origin.update(dict.fromkeys(layer.top, source))


def _keeps_size(layer: LayerParameter, record: LayerType) -> bool:
    """Whether the tops of a layer are as high and wide as its bottoms: changed pixels, or other channels."""
    match record.channels:
        case Joined():
            return along_channels(layer.concat_param, "concat_dim")
        case Cut() as cut:
            return cut.along(layer, 1)
        case Kept():
            return _keeps_pixels(layer, record)
    return False


def _keeps_pixels(layer: LayerParameter, record: LayerType) -> bool:
    try:
        return all(look == PIXEL for look in record.looks(layer))
    except DefinitionError:
        return False  # reported where the layer is built


def _before_reshape(layer: LayerParameter, shape: Shape) -> Shape:
    """The shape that a Reshape states but for one dimension, which is 1 before it.

    A Reshape that splits the channels of clips reads them with time and channels on one axis.

    Source: BVLC/caffe src/caffe/layers/reshape_layer.cpp, Reshape.
    """
    p = layer.reshape_param
    sizes = [size for size in p.shape.dim if size != -1]
    if min(sizes, default=0) < 1:
        return shape
    if UNKNOWN in shape and (p.axis, p.num_axes) == (0, -1):
        return 1, math.prod(sizes)
    if len(shape) > 3 and len(sizes) == 1 and (p.axis, p.num_axes) == (1, 1):
        return shape[0], sizes[0] * (shape[2] if len(shape) == 5 else 1), *shape[-2:]
    return shape


def cut_length(layers: Sequence[LayerParameter], axis: int) -> int:
    """The length of the bottom of the first layer, which cuts it along an axis; UNKNOWN for other layers.

    Later layers may cut its last part.
    """
    layer = layers[0]
    record = type_of(layer)
    if record is None or not isinstance(record.channels, Cut) or not record.channels.along(layer, axis):
        return UNKNOWN
    last = layer.top[-1:]
    readers = [index for index, other in enumerate(layers) if index and last and other.bottom[:1] == last]
    return record.channels.whole(layer, max((cut_length(layers[index:], axis) for index in readers), default=UNKNOWN))


def _before_slice(layers: Sequence[LayerParameter], shape: Shape) -> Shape:
    """The shape of several images whose channels a Slice cuts apart, where a data layer's mean is that of one.

    Source: bryanyzhu/Hidden-Two-Stream models/multiframe_MotionNet/train.prototxt.
    """
    items, channels, *size = shape
    whole = cut_length(layers, 1)
    several = channels != UNKNOWN and whole > channels and whole % channels == 0
    return (items, whole, *size) if several else shape


def _before_augmentation(layer: LayerParameter, shape: Shape) -> Shape:
    """The size of the part that augmentation cuts out, for an image of unknown size.

    Source: lmb-freiburg/flownet2 src/caffe/layers/data_augmentation_layer.cpp, LayerSetUp.
    """
    p = layer.augmentation_param
    part = (p.crop_height, p.crop_width)
    if len(shape) != 4:
        return shape
    return (*shape[:2], *(size or cut for size, cut in zip(shape[2:], part, strict=True)))
