"""The shapes of a net's inputs, derived from the definition, the weights and the caller's choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from fcnkit.aliases import Shape
from fcnkit.caffe.data import UNKNOWN, data_set_shape
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.readers import cut_length, pools_regions, set_by_readers, set_fixed_shapes
from fcnkit.errors import InputError, nearest
from fcnkit.types import is_input, type_of
from fcnkit.types.axes import along_channels
from fcnkit.types.channels import Cut, Filtered, Joined, Kept, KeptByValue

# The default input height and width of a fully convolutional net, in pixels: those of the published FCNs.
FCN_SIZE = 500


def input_layers(net: NetParameter) -> list[LayerParameter]:
    """The Input layers of a net, in order."""
    return [layer for layer in net.layer if is_input(layer)]


def input_shapes(net: NetParameter) -> dict[str, Shape]:
    """The shape of every input blob by name; UNKNOWN (0) stands for a size that is not yet determined."""
    shapes: dict[str, Shape] = {}
    for index, name in enumerate(net.input):
        shape = net.input_shape[index].dim if net.input_shape else net.input_dim[4 * index : 4 * index + 4]
        shapes[name] = tuple(shape)
    for layer in input_layers(net):
        stated = [tuple(shape.dim) for shape in layer.input_param.shape]
        if stated and len(stated) not in (1, len(layer.top)):
            raise InputError(f"layer {layer.name!r} states {len(stated)} shapes for {len(layer.top)} tops")
        for index, top in enumerate(layer.top):
            shapes[top] = stated[min(index, len(stated) - 1)] if stated else (1, UNKNOWN, UNKNOWN, UNKNOWN)
    return shapes


def set_input_shapes(net: NetParameter, shapes: Mapping[str, Shape]) -> None:
    """Write the shapes into the net's Input layers, or into the net's own fields if they declare the inputs."""
    net.ClearField("input_dim")
    net.ClearField("input_shape")
    for name in net.input:
        if all(len(shapes[name]) == 4 for name in net.input):
            net.input_dim.extend(shapes[name])
        else:
            net.input_shape.add(dim=shapes[name])
    for layer in input_layers(net):
        layer.input_param.ClearField("shape")
        for top in layer.top:
            layer.input_param.shape.add(dim=shapes[top])


def to_legacy_inputs(net: NetParameter) -> None:
    """Declare the inputs, in place, as Caffe did before it had Input layers.

    The net's fields input and input_dim are used; input_shape replaces input_dim if an input does not have four axes.
    """
    shapes = input_shapes(net)
    layers = [layer for layer in net.layer if not is_input(layer)]
    del net.layer[:]
    net.layer.extend(layers)
    net.input[:] = shapes
    set_input_shapes(net, shapes)


def set_data_set_shapes(net: NetParameter, trained: NetParameter) -> list[str]:
    """Fill in, in place, the shapes of images that a Data layer read from a data set with a name that is common.

    Args:
        net: as `deploy` or `runnable` returns it.
        trained: the net with its data layers.

    Returns:
        A remark for each input whose size is that of a data set's images.
    """
    shapes, remarks = input_shapes(net), []
    for layer in trained.layer:
        known = data_set_shape(layer)
        image = layer.top[0] if layer.top else ""
        if known is not None and shapes.get(image) == (1, UNKNOWN, UNKNOWN, UNKNOWN):
            shapes[image] = (1, *known[1])
            remarks.append(f"input {image!r} has the shape {shapes[image]} of {known[0]}, which the source names")
    if remarks:
        set_input_shapes(net, shapes)
    return remarks


def resolve(
    net: NetParameter,
    blobs: Mapping[str, Sequence[Any]] | None,
    given: Sequence[int] | Mapping[str, Sequence[int]] | None,
) -> bool:
    """Fill in, in place, those unknown sizes of the net's inputs that can be determined without torch.

    The channels come from the first weights that read the input. Without weights, an image has 3 channels. An input
    that no filters read or that is joined to an image, such as a label or a depth map, has 1. Height and width are
    500 in a net without InnerProduct, and stay UNKNOWN in a net with one. Further inputs take those of the first.

    Args:
        net: as `deploy` or `runnable` returns it.
        blobs: the weights by layer name, or None for a net without weights.
        given: the caller's shape for the first input, or shapes by input name.

    Returns:
        Whether a height or width is a guess: 500 because nothing states it.

    Raises:
        InputError: given names an unknown input or has an invalid size, or the channels cannot be determined.
    """
    shapes = input_shapes(net)
    if not shapes:
        if given is None and any(not layer.bottom for layer in net.layer):
            return False  # layers such as DummyData make all blobs
        raise InputError("the net has no input")
    _apply_given(shapes, given)
    first = next(iter(shapes))
    set_fixed_shapes(net, shapes)
    set_by_readers(net, shapes, stated=() if given is None else given)
    # Pooling of regions makes blobs of one size from images of any size.
    sized = any(layer.type == "InnerProduct" for layer in net.layer)
    fully_convolutional = not sized or any(map(pools_regions, net.layer))
    # From the last to the first, so that the first of several joined inputs takes the remaining channels.
    for name, shape in reversed(shapes.items()):
        if len(shape) == 4 and shape[1] == UNKNOWN:
            channels = _channels(net, name, blobs, shapes) or (1 if name != first else 3 if blobs is None else None)
            if channels is None:
                raise InputError(f"the channels of input {name!r} are unknown; give its shape with `input_shape`")
            shapes[name] = (shape[0], channels, *shape[2:])
    guessed = False
    for name, shape in shapes.items():
        if UNKNOWN in shape[2:] and name != first and len(shapes[first]) == 4:
            shape = (*shape[:2], *shapes[first][2:])
        if UNKNOWN in shape[2:] and fully_convolutional:
            shape = (*shape[:2], *(size or FCN_SIZE for size in shape[2:]))
            guessed = True
        shapes[name] = shape
    set_input_shapes(net, shapes)
    return guessed


def _apply_given(shapes: dict[str, Shape], given: Sequence[int] | Mapping[str, Sequence[int]] | None) -> None:
    if given is None:
        return
    named = given if isinstance(given, Mapping) else {next(iter(shapes)): given}
    for name, shape in named.items():
        if not isinstance(shape, Iterable) or not all(isinstance(size, Integral) for size in shape):
            problem = f"input {name!r} cannot have the shape {shape!r}"
            raise InputError(f"{problem}; give whole numbers, such as (1, 3, 60, 80)")
        shape = tuple(map(int, shape))
        if name not in shapes:
            hint = nearest(name, shapes)
            raise InputError(f"the net has no input {name!r}{hint}; its inputs are {', '.join(map(repr, shapes))}")
        if not shape or min(shape) < 1:
            raise InputError(f"input {name!r} cannot have the shape {shape}; sizes are whole numbers from 1 up")
        shapes[name] = shape


def _channels(
    net: NetParameter, blob: str, blobs: Mapping[str, Sequence[Any]] | None, inputs: Mapping[str, Shape]
) -> int | None:
    """The channels of an input blob by the first filters that read it: by their weights, or 3 for an image."""
    same = {blob}
    joined = 0
    for index, layer in enumerate(net.layer):
        record = type_of(layer)
        if record is None or not same.intersection(layer.bottom):
            continue
        match record.channels:
            case Joined() if not along_channels(layer.concat_param, "concat_dim"):
                same.update(layer.top)
            case Joined():
                others = [inputs.get(bottom, ())[1:2] for bottom in layer.bottom if bottom not in same]
                if all(others) and all(channels != UNKNOWN for (channels,) in others):
                    joined += sum(channels for (channels,) in others)
                    same.update(layer.top)
            case Filtered() as filters:
                if blobs is None:
                    return 3
                shape: Shape = tuple(blobs[layer.name][0].shape) if blobs.get(layer.name) else ()
                if len(shape) == 4:
                    return filters.read(layer, shape) - joined
            case Cut() if blobs is None and cut_length(net.layer[index:], 1) != UNKNOWN:
                return cut_length(net.layer[index:], 1)
            case KeptByValue() as kept if kept.stated(layer) > 1 and layer.bottom[0] in same:
                return kept.stated(layer)
            case Kept(which) if layer.bottom[which : which + 1] and layer.bottom[which] in same:
                same.update(layer.top[:1])
    return None
