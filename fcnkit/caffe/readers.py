"""The shapes of inputs that the layers which read them state."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fcnkit.aliases import Shape
from fcnkit.caffe.data import UNKNOWN
from fcnkit.errors import DefinitionError
from fcnkit.types import LayerType, kind_of, type_of
from fcnkit.types.channels import Cut, Kept
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
    for layer in net.layer:
        record = type_of(layer)
        source = origin.get(layer.bottom[0], "") if layer.bottom else ""
        if not source or record is None:
            continue
        shape = shapes[source]
        if layer.type == RESHAPE.name and sum(layer.bottom[0] in other.bottom for other in net.layer) == 1:
            shapes[source] = _before_reshape(layer, shape)
        elif isinstance(record.channels, Cut) and len(shape) == 4:
            shapes[source] = _before_slice(record.channels.whole(layer), shape)
        elif layer.HasField("augmentation_param") and len(shape) == 4:
            shapes[source] = _before_augmentation(layer, shape)
        elif isinstance(record.channels, Kept) and _keeps_pixels(layer, record):
            origin.update(dict.fromkeys(layer.top, source))


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


def _before_slice(whole: int, shape: Shape) -> Shape:
    """The shape of several images, whose channels a Slice cuts, where a data layer's mean is that of one.

    Source: bryanyzhu/Hidden-Two-Stream models/multiframe_MotionNet/train.prototxt.
    """
    one = shape[1]
    several = one != UNKNOWN and whole > one and whole % one == 0
    return (shape[0], whole, *shape[2:]) if several else shape


def _before_augmentation(layer: LayerParameter, shape: Shape) -> Shape:
    """The size of the part that augmentation cuts out, for an image of unknown size.

    Source: lmb-freiburg/flownet2 src/caffe/layers/data_augmentation_layer.cpp, LayerSetUp.
    """
    p = layer.augmentation_param
    part = (p.crop_height, p.crop_width)
    return (*shape[:2], *(size or cut for size, cut in zip(shape[2:], part, strict=True)))
