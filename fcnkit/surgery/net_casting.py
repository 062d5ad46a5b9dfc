"""Casting the layers of a net's definition together with their weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from fcnkit.aliases import Pair, Shape
from fcnkit.caffe.messages import ConvolutionParameter, InnerProductParameter, LayerParameter, NetParameter
from fcnkit.errors import FcnkitError
from fcnkit.net import blob_shapes
from fcnkit.net.conversion import prepare
from fcnkit.surgery.kernels import (
    Cast,
    CastError,
    KernelFinder,
    Kernels,
    fc_weight_from_conv,
    is_fully_connected,
)
from fcnkit.surgery.state_casting import check_cast_back
from fcnkit.types import type_of
from fcnkit.types.channels import UNKNOWN
from fcnkit.types.windows import convolution_window

Blobs = dict[str, list[np.ndarray]]


def cast_net(net: NetParameter, blobs: Blobs, *, kernel: Kernels = None, order: str = "chw") -> list[Cast]:
    """Turn, in place, the InnerProduct layers of a V2 net into Convolutions, and their weights into filters.

    The kernels follow from the size of the net's input if it is known, else from the channels. A Flatten between a
    map and an InnerProduct is removed.

    Args:
        net: the definition.
        blobs: its weights by layer name.
        kernel, order: as in `cast_state`.

    Returns:
        The casts, in order.

    Raises:
        CastError: there is nothing to cast, or no kernel fits.
    """
    finder = KernelFinder(kernel, order)
    _drop_flatten(net)
    shapes, channels = _map_shapes(net, blobs), _channels(net)
    casts = []
    for layer in net.layer:
        if layer.type != "InnerProduct" or not blobs.get(layer.name):
            continue
        p = layer.inner_product_param
        weight, *bias = blobs[layer.name]
        if p.axis not in (1, -3) or p.num_output < 1 or weight.size % p.num_output:
            raise CastError(f"layer {layer.name!r} is not fully connected over channels and pixels")
        inputs = weight.size // p.num_output
        weight = weight.reshape(inputs, p.num_output).T if p.transpose else weight.reshape(p.num_output, inputs)
        shape = shapes.get(layer.bottom[0], ())
        if len(shape) == 4:
            filters = finder.filters(layer.name, weight, shape[1], (shape[2], shape[3]))
        else:
            filters = finder.filters(layer.name, weight, channels.get(layer.bottom[0], 0))
        blobs[layer.name] = [filters, *(array.reshape(-1) for array in bias)]
        casts.append(Cast(layer.name, weight.shape, filters.shape))
        _become_convolution(layer, filters.shape[2:])
    if not casts:
        raise CastError("has no fully connected layer with weights to cast")
    finder.check_used()
    return casts


def cast_net_back(net: NetParameter, blobs: Blobs, *, layers: Collection[str] = (), order: str = "chw") -> list[Cast]:
    """Turn, in place, Convolutions of a V2 net into InnerProducts, and their filters into fully connected weights.

    Args:
        net: the definition.
        blobs: its weights by layer name.
        layers, order: as in `cast_state_back`.

    Raises:
        CastError: there is nothing to cast, or a layer is not equivalent to a fully connected one.
    """
    order = KernelFinder(order=order).order
    convolutions = [layer for layer in net.layer if layer.type == "Convolution" and blobs.get(layer.name)]
    known, casts = [layer.name for layer in convolutions], []
    for layer in convolutions:
        if not (layer.name in layers if layers else is_fully_connected(layer.name)):
            continue
        filters, *bias = blobs[layer.name]
        window = convolution_window(layer, 2)
        steps = {*window.stride, *window.dilation, layer.convolution_param.group}
        if filters.ndim != 4 or any(window.pad) or steps != {1}:
            raise CastError(
                f"layer {layer.name!r} has a stride, pad, dilation or group, so it cannot become fully connected;"
                " name the fully connected layers with `layers`"
            )
        weight = fc_weight_from_conv(filters, order)
        blobs[layer.name] = [weight, *bias]
        casts.append(Cast(layer.name, filters.shape, weight.shape))
        _become_inner_product(layer)
    check_cast_back(casts, layers, known)
    return casts


def _become_convolution(layer: LayerParameter, kernel: Pair) -> None:
    p, conv = layer.inner_product_param, layer.convolution_param
    layer.type = "Convolution"
    conv.num_output = p.num_output
    if kernel[0] == kernel[1]:
        conv.kernel_size.append(kernel[0])
    else:
        conv.kernel_h, conv.kernel_w = kernel
    _move_settings(p, conv)
    layer.ClearField("inner_product_param")


def _become_inner_product(layer: LayerParameter) -> None:
    layer.type = "InnerProduct"
    layer.inner_product_param.num_output = layer.convolution_param.num_output
    _move_settings(layer.convolution_param, layer.inner_product_param)
    layer.ClearField("convolution_param")


def _move_settings(
    source: ConvolutionParameter | InnerProductParameter, target: ConvolutionParameter | InnerProductParameter
) -> None:
    if source.HasField("bias_term"):
        target.bias_term = source.bias_term
    if source.HasField("weight_filler"):
        target.weight_filler.CopyFrom(source.weight_filler)
    if source.HasField("bias_filler"):
        target.bias_filler.CopyFrom(source.bias_filler)


def _drop_flatten(net: NetParameter) -> None:
    """Remove each Flatten of a map that only InnerProducts read, since they flatten maps themselves."""
    for flatten in [layer for layer in net.layer if layer.type == "Flatten" and layer.flatten_param.axis == 1]:
        flat, blob = flatten.top[0], flatten.bottom[0]
        readers = [layer for layer in net.layer if flat in layer.bottom]
        kinds = {"in place" if layer.bottom == layer.top else layer.type for layer in readers}
        if {"InnerProduct"} <= kinds <= {"InnerProduct", "in place"}:
            net.layer.remove(flatten)
            for layer in readers:
                layer.bottom[:] = [blob if bottom == flat else bottom for bottom in layer.bottom]
                layer.top[:] = [blob if top == flat else top for top in layer.top]


def _map_shapes(net: NetParameter, blobs: Mapping[str, list[np.ndarray]]) -> dict[str, Shape]:
    """The shape of each blob at the net's input size; empty if the net or its input size is unknown."""
    try:
        return blob_shapes(prepare(net, blobs).definition)
    except FcnkitError:
        return {}


def _channels(net: NetParameter) -> dict[str, int]:
    """The channels of each blob if the definition states them, else UNKNOWN (0)."""
    channels: dict[str, int] = {}
    for layer in net.layer:
        record = type_of(layer)
        bottoms = [channels.get(bottom, UNKNOWN) for bottom in layer.bottom]
        made = UNKNOWN if record is None else record.channels.of(layer, bottoms)
        channels.update(dict.fromkeys(layer.top, made))
    return channels
