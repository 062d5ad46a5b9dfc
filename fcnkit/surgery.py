"""Net surgery: weights given another form that computes the same."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fcnkit.caffe import caffemodel
from fcnkit.caffe.schema import Message
from fcnkit.caffe.upgrade import upgrade_net
from fcnkit.errors import FcnkitError, FileFormatError, naming
from fcnkit.files import check_output, writing
from fcnkit.formats.pth import read_state

Pair = tuple[int, int]


class CastError(FcnkitError):
    """Fully connected weights that no convolution is known for."""


class Cast(NamedTuple):
    """What was cast: the layer's name, and the shapes of its weight before and after."""

    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]


def fc2conv(weights: str | os.PathLike[str], output: str | os.PathLike[str], *, force: bool = False) -> list[Cast]:
    """Write a copy of a file of weights in which fully connected weights are convolution filters.

    Nothing else is changed, and no value is. In a .caffemodel the InnerProduct layers become Convolutions too.

    Args:
        weights: a .pth or .pt state dict, or a .caffemodel.
        output: a file of the same format.
        force: replace an existing file.

    Returns:
        What was cast, in the file's order.

    Raises:
        CastError: there is nothing to cast, or the shapes do not tell how.
        FcnkitError: a file cannot be read or written.
    """
    suffix = Path(weights).suffix.lower()
    if suffix not in (".pth", ".pt", ".caffemodel"):
        raise FileFormatError("is not a .pth, .pt or .caffemodel file").in_file(weights)
    if Path(output).suffix.lower() != suffix:
        raise FcnkitError(f"fc2conv keeps the format of its input: name a {suffix} file with -o").in_file(output)
    check_output(output, force)
    with naming(weights):
        if suffix == ".caffemodel":
            net, blobs = caffemodel.read(weights)
            net = upgrade_net(net)
            casts = cast_net(net, blobs)
            with writing(output, force) as partial:
                caffemodel.write(partial, net, blobs)
        else:
            state = read_state(weights)
            casts = cast_state(state)
            with writing(output, force) as partial:
                torch.save(state, partial)
    return casts


def conv_weight_from_fc(weight: Any, channels: int, kernel: Pair) -> Any:
    """Reshape an InnerProduct weight into the convolution filter that computes the same.

    Caffe flattens a bottom in C, H, W order, and so does PyTorch: nothing is transposed.

    Args:
        weight: (num_output, channels * kernel_h * kernel_w), a tensor or an array.
        channels: channels of the bottom that the layer reads.
        kernel: (kernel_h, kernel_w), in elements of that bottom.

    Returns:
        A view of weight: (num_output, channels, kernel_h, kernel_w).

    Source: BVLC/caffe src/caffe/layers/inner_product_layer.cpp, LayerSetUp.
    """
    return weight.reshape(weight.shape[0], channels, *kernel)


def square_kernel(inputs: int, channels: int, name: str) -> Pair:
    """The square kernel over `channels` channels that has as many inputs as a fully connected layer.

    Raises:
        CastError: there is none.
    """
    size = math.isqrt(inputs // channels) if channels else 0
    if size < 1 or channels * size * size != inputs:
        raise CastError(
            f"layer {name!r} has {inputs} inputs, which are no square kernel over the {channels} channels before it"
        )
    return size, size


def cast_state(state: dict[str, Tensor]) -> list[Cast]:
    """Cast, in place, the fully connected weights of a state dict to filters.

    A layer's kernel follows from its inputs and from the outputs of the layer with weights before it.

    Args:
        state: tensors by name, in the order in which the layers run.

    Returns:
        What was cast, in order.

    Raises:
        CastError: there is nothing to cast, or no kernel fits.
    """
    casts = []
    channels = 0
    for key, tensor in state.items():
        layer, _, part = key.rpartition(".")
        if part != "weight":
            continue
        if tensor.dim() == 2:
            if not channels:
                raise CastError(f"layer {layer!r} is fully connected, but no convolution stands before it")
            kernel = square_kernel(tensor.shape[1], channels, layer)
            state[key] = conv_weight_from_fc(tensor, channels, kernel)
            casts.append(Cast(layer, tuple(tensor.shape), tuple(state[key].shape)))
        if tensor.dim() in (2, 4):
            channels = tensor.shape[0]
    if not casts:
        raise CastError("holds no fully connected layer, so there is nothing to cast")
    return casts


def cast_net(net: Message, blobs: dict[str, list[np.ndarray]]) -> list[Cast]:
    """Turn, in place, the InnerProduct layers of a V2 net into Convolutions, and their weights into filters.

    Args:
        net: the definition.
        blobs: its weights by layer name.

    Returns:
        What was cast, in order.

    Raises:
        CastError: there is nothing to cast, or no kernel fits.
    """
    channels = _channels(net, blobs)
    casts = []
    for layer in net.layer:
        if layer.type != "InnerProduct" or not blobs.get(layer.name):
            continue
        p = layer.inner_product_param
        weight, *bias = blobs[layer.name]
        if p.axis != 1 or p.num_output < 1 or weight.size % p.num_output:
            raise CastError(f"layer {layer.name!r} is no fully connected layer over channels and pixels")
        inputs = weight.size // p.num_output
        weight = weight.reshape(inputs, p.num_output).T if p.transpose else weight.reshape(p.num_output, inputs)
        if not channels.get(layer.bottom[0]):
            raise CastError(f"layer {layer.name!r} is fully connected, but no convolution stands before it")
        kernel = square_kernel(inputs, channels[layer.bottom[0]], layer.name)
        filters = conv_weight_from_fc(weight, channels[layer.bottom[0]], kernel)
        blobs[layer.name] = [filters, *(array.reshape(-1) for array in bias)]
        casts.append(Cast(layer.name, weight.shape, filters.shape))
        _become_convolution(layer, kernel)
    if not casts:
        raise CastError("holds no fully connected layer with weights, so there is nothing to cast")
    return casts


def _become_convolution(layer: Message, kernel: Pair) -> None:
    p, conv = layer.inner_product_param, layer.convolution_param
    layer.type = "Convolution"
    conv.num_output = p.num_output
    conv.kernel_size.append(kernel[0])
    for field in ("bias_term", "weight_filler", "bias_filler"):
        if not p.HasField(field):
            continue
        if field == "bias_term":
            conv.bias_term = p.bias_term
        else:
            getattr(conv, field).CopyFrom(getattr(p, field))
    layer.ClearField("inner_product_param")


def _channels(net: Message, blobs: Mapping[str, list[np.ndarray]]) -> dict[str, int]:
    """The channels of each blob as far as the definition tells them, 0 where it does not."""
    channels: dict[str, int] = {}
    for layer in net.layer:
        bottoms = [channels.get(bottom, 0) for bottom in layer.bottom]
        if layer.type in ("Convolution", "Deconvolution"):
            made = layer.convolution_param.num_output
        elif layer.type == "InnerProduct":
            made = layer.inner_product_param.num_output
        elif layer.type == "Concat":
            made = sum(bottoms) if all(bottoms) else 0
        else:
            made = bottoms[0] if bottoms else 0
        channels.update(dict.fromkeys(layer.top, made))
    return channels
