"""Numbers of a layer in its net that the limits of targets are about.

A measure gives all values that a limit must admit, none where it has no meaning. A name with a dot is a field of
LayerParameter, as `eltwise_param.operation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.types import type_of
from fcnkit.types.looks import Sliding


class InNet(NamedTuple):
    """A layer, and the shapes of its bottoms and tops."""

    layer: LayerParameter
    bottoms: Sequence[Shape]
    tops: Sequence[Shape]


class Measure(NamedTuple):
    """A measure in words, and its values for a layer."""

    words: str
    values: Callable[[InNet], Sequence[Any]]


MEASURES: dict[str, Measure] = {}


def measure(words: str) -> Callable[[Callable[[InNet], Sequence[Any]]], Callable[[InNet], Sequence[Any]]]:
    """Add a function to the measures, under its name."""

    def added(function: Callable[[InNet], Sequence[Any]]) -> Callable[[InNet], Sequence[Any]]:
        MEASURES[function.__name__] = Measure(words, function)
        return function

    return added


def find(name: str) -> Measure:
    """A measure by its name, or that of a field."""
    if "." in name:
        return Measure(name, lambda at: field_values(at.layer, name))
    return MEASURES[name]


def field_values(layer: LayerParameter, path: str) -> list[Any]:
    """The values of a field, or its default; enums by their names. Empty for a repeated field that is not given.

    Args:
        path: names separated by dots, as `convolution_param.kernel_size`.
    """
    holders: list[Any] = [layer]
    *outer, last = path.split(".")
    for name in outer:
        holders = [getattr(holder, name) for holder in holders]
    found: list[Any] = []
    for holder in holders:
        field = holder.DESCRIPTOR.fields_by_name[last]
        value = getattr(holder, last)
        values = list(value) if hasattr(value, "extend") else [value]
        names = field.enum_type and field.enum_type.values_by_number
        found += [names[each].name for each in values] if names else values
    return found


def sliding(at: InNet) -> Sliding | None:
    """The layer's window over height and width, None if it has none."""
    record = type_of(at.layer)
    try:
        looks = record.looks(at.layer) if record is not None else ()
    except DefinitionError:
        return None  # a window over three axes
    return next((look for look in looks if isinstance(look, Sliding)), None)


@measure("kernel")
def kernel(at: InNet) -> Sequence[Any]:
    look = sliding(at)
    return look.kernel if look else ()


@measure("height x width of the kernel")
def kernel_area(at: InNet) -> Sequence[Any]:
    return [math.prod(kernel(at))] if kernel(at) else []


@measure("values of a filter")
def filter_size(at: InNet) -> Sequence[Any]:
    look = sliding(at)
    return [math.prod(look.kernel) * at.bottoms[0][1] // at.layer.convolution_param.group] if look else []


@measure("stride")
def stride(at: InNet) -> Sequence[Any]:
    look = sliding(at)
    return look.stride if look else ()


@measure("vertical x horizontal stride")
def stride_area(at: InNet) -> Sequence[Any]:
    return [math.prod(stride(at))] if stride(at) else []


@measure("stride / kernel")
def stride_per_kernel(at: InNet) -> Sequence[Any]:
    return [step / side for step, side in zip(stride(at), kernel(at), strict=True)]


@measure("pad beyond half of the kernel")
def excess_pad(at: InNet) -> Sequence[Any]:
    look = sliding(at)
    return [max(0, own - (side - 1) // 2) for own, side in zip(look.pad, look.kernel, strict=True)] if look else []


@measure("pad")
def pad(at: InNet) -> Sequence[Any]:
    look = sliding(at)
    return look.pad if look else ()


@measure("dilation")
def dilation(at: InNet) -> Sequence[Any]:
    look = sliding(at)
    return look.dilation if look else ()


@measure("difference of the dilations of height and width")
def dilation_gap(at: InNet) -> Sequence[Any]:
    return [abs(dilation(at)[0] - dilation(at)[1])] if dilation(at) else []


@measure("remainder of dilation / stride")
def dilation_rest(at: InNet) -> Sequence[Any]:
    return [each % step for each, step in zip(dilation(at), stride(at), strict=True) if each > 1]


@measure("height, width")
def size(at: InNet) -> Sequence[Any]:
    return [side for shape in (*at.bottoms, *at.tops) if len(shape) == 4 for side in shape[2:]]


@measure("height x width of the bottom")
def area(at: InNet) -> Sequence[Any]:
    return [math.prod(shape[2:]) for shape in at.bottoms[:1]]


@measure("height, width times stride")
def upsampled(at: InNet) -> Sequence[Any]:
    return [side * step for side, step in zip(at.bottoms[0][2:], stride(at), strict=True)] if stride(at) else []


@measure("buffer of average pooling")
def average_buffer(at: InNet) -> Sequence[Any]:
    """Kernel area x 32 + width x (31 x vertical stride + kernel width), where the padded width exceeds the kernel's."""
    look = sliding(at)
    if look is None or at.bottoms[0][3] + 2 * look.pad[1] <= look.kernel[1]:
        return []
    return [math.prod(look.kernel) * 32 + at.bottoms[0][3] * (31 * look.stride[0] + look.kernel[1])]


@measure("axes of a blob")
def axes(at: InNet) -> Sequence[Any]:
    return [len(shape) for shape in (*at.bottoms, *at.tops)]


@measure("batch")
def batch(at: InNet) -> Sequence[Any]:
    return [shape[0] for shape in (*at.bottoms, *at.tops) if shape]


@measure("channels")
def channels(at: InNet) -> Sequence[Any]:
    return [shape[1] for shape in (*at.bottoms, *at.tops) if len(shape) > 1]


@measure("channels of a group")
def group_channels(at: InNet) -> Sequence[Any]:
    group = max(at.layer.convolution_param.group, 1)
    return [each // group for each in channels(at)]


@measure("outputs for each channel")
def multiplier(at: InNet) -> Sequence[Any]:
    """Of a depthwise convolution only."""
    group = at.layer.convolution_param.group
    return [at.layer.convolution_param.num_output // group] if group > 1 and group == at.bottoms[0][1] else []


@measure("bottoms")
def bottoms(at: InNet) -> Sequence[Any]:
    return [len(at.bottoms)]


@measure("tops")
def tops(at: InNet) -> Sequence[Any]:
    return [len(at.tops)]


@measure("characters of a name")
def name(at: InNet) -> Sequence[Any]:
    return [len(each) for each in (at.layer.name, *at.layer.top)]


@measure("entries of kernel_size, stride or pad")
def entries(at: InNet) -> Sequence[Any]:
    p = at.layer.convolution_param
    return [max(len(each) for each in (p.kernel_size, p.stride, p.pad))]


@measure("axis")
def axis(at: InNet) -> Sequence[Any]:
    """As given: negative for an axis counted from the end."""
    for field, param in at.layer.ListFields():
        if field.message_type and "axis" in field.message_type.fields_by_name:
            return [param.axis]
    return []


@measure("axis, counted from the end")
def axis_from_end(at: InNet) -> Sequence[Any]:
    rank = len(at.bottoms[0])
    return [each if each < 0 else each - rank for each in axis(at) or [1]]


@measure("first axis of the order")
def first_order(at: InNet) -> Sequence[Any]:
    return at.layer.permute_param.order[:1]


@measure("first dim")
def reshape_batch(at: InNet) -> Sequence[Any]:
    """Of a Reshape that begins at axis 0."""
    p = at.layer.reshape_param
    return p.shape.dim[:1] if p.axis == 0 else []


@measure("missing slice points")
def missing_slice_points(at: InNet) -> Sequence[Any]:
    """The number of points that are left out."""
    return [len(at.tops) - 1 - len(at.layer.slice_param.slice_point)]


@measure("axis of the factors")
def scale_axes(at: InNet) -> Sequence[Any]:
    """Of a Scale with weights of its own."""
    p = at.layer.scale_param
    return [] if len(at.bottoms) > 1 else [p.axis if p.num_axes == 1 else f"{p.num_axes} axes"]


@measure("alpha is given:")
def given_alpha(at: InNet) -> Sequence[Any]:
    return [at.layer.lrn_param.HasField("alpha")]


@measure("use_global_stats")
def batch_statistics(at: InNet) -> Sequence[Any]:
    """As given; a net for inference uses the stored statistics by default."""
    p = at.layer.batch_norm_param
    return [p.use_global_stats] if p.HasField("use_global_stats") else []


@measure("length of the last axis")
def last_side(at: InNet) -> Sequence[Any]:
    return at.bottoms[0][-1:]


@measure("batch")
def recurrent_batch(at: InNet) -> Sequence[Any]:
    """Of a recurrent layer, whose axis 0 is time."""
    return at.bottoms[0][1:2]
