"""Shared code of the formats that store a state dict: building a net from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from fcnkit.aliases import AnyPath, Shape
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.inputs import input_shapes, resolve
from fcnkit.caffe.messages import NetParameter
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import BlobShapeError, FileFormatError, MissingBlobsError, naming
from fcnkit.formats.checkpoint import unwrapped
from fcnkit.formats.images import adopt_images
from fcnkit.formats.torchvision import for_net
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions, prepare


def net_from_state(
    path: AnyPath,
    tensors: Mapping[str, Tensor],
    options: NetOptions,
    stored: str | None = None,
    preprocessing: str = "{}",
) -> CaffeNet:
    """Build a net with the tensors of a state dict.

    Args:
        path: the file that the state dict was read from.
        tensors: the state dict, also of a wrapped net (see `unwrapped`); its tensors become the net's own.
        options: their prototxt, if any, overrides the stored definition, and is reduced to the net that runs.
        stored: the definition that was stored with the state dict, in the form that runs.
        preprocessing: of the inputs of that definition, as JSON.

    Raises:
        FileFormatError: there is no definition, the preprocessing does not match it, or weights are not floating
            point numbers.
        MissingBlobsError, BlobShapeError: the state dict does not match the net.
    """
    if options.given is not None:
        definition, unknown = options.definition()
        names = {*(layer.name for layer in definition.layer), *(layer.name for layer in definition.layers)}
        tensors, images = for_net(unwrapped(tensors, names), definition)
        tensors, blobs = _by_layer(tensors, definition)
        with naming(options.given):
            prepared = prepare(definition, blobs, options, unknown)
            adopted = adopt_images(prepared.definition, prepared.preprocessing, images)
            net = prepared.net(source=Path(path), filled=False)
        for layer, image in adopted.items():
            weight = f"{layer}.weight"
            tensors[weight] = tensors[weight] * (images[layer].scale / prepared.preprocessing[image].scale)
    elif stored is not None:
        definition = prototxts.parse(stored)
        tensors, blobs = _by_layer(tensors, definition)
        resolve(definition, blobs, options.input_shape)
        images = _preprocessing(preprocessing, input_shapes(definition))
        net = CaffeNet(definition, preprocessing=images, source=Path(path), filled=False)
    else:
        raise FileFormatError("contains weights alone; give the net's definition with `prototxt` or `net`")
    _load(net, tensors)
    return net.train(options.training)


def _by_layer(
    tensors: Mapping[str, Tensor], definition: NetParameter
) -> tuple[dict[str, Tensor], dict[str, list[Tensor]]]:
    """The state dict under the names of a net, and its tensors by layer."""
    names = {*(layer.name for layer in definition.layer), *(layer.name for layer in definition.layers)}
    state = unwrapped(tensors, names)
    blobs: dict[str, list[Tensor]] = {}
    for name, tensor in state.items():
        blobs.setdefault(name.rpartition(".")[0], []).append(tensor)
    return state, blobs


def _preprocessing(text: str, inputs: Mapping[str, Shape]) -> dict[str, Preprocessing]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FileFormatError("has metadata of which the preprocessing is not JSON; was it edited by hand?")
    images = {}
    for name, plain in found.items():
        shape = inputs.get(name, ())
        each = Preprocessing.from_plain(plain, shape[1]) if len(shape) == 4 else None
        if each is None:
            raise FileFormatError(f"has metadata whose preprocessing does not fit {name!r}; was it edited by hand?")
        images[name] = each
    return images


def _load(net: CaffeNet, state: Mapping[str, Tensor]) -> None:
    own = net.state_dict()
    # A shared weight need not be present under the names of all layers that share it.
    state = {**{user.path: own[user.path] for _, user, _ in net.ties}, **state}
    for title, names in (("lacks", own.keys() - state.keys()), ("has beside the net's own", state.keys() - own.keys())):
        if names:
            some = ", ".join(map(repr, sorted(names)[:5]))
            raise MissingBlobsError(f"the state dict {title} {some}" + (", ..." if len(names) > 5 else ""))
    indices: dict[str, int] = {}
    for name, tensor in own.items():
        layer = name.rpartition(".")[0]
        index = indices[layer] = indices.get(layer, -1) + 1
        if state[name].shape != tensor.shape:
            raise BlobShapeError(layer, index, state[name].shape, tensor.shape)
        if state[name].is_floating_point() != tensor.is_floating_point():
            kinds = f"{state[name].dtype}, where the net has {tensor.dtype}"
            raise FileFormatError(f"layer {layer!r}: blob {index} has values of type {kinds}")
    net.load_state_dict(dict(state), assign=True)
