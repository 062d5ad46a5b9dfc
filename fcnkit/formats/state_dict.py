"""Shared code of the formats that store a state dict: building a net from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from fcnkit.aliases import AnyPath, Shape
from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.deploy import is_sink
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
        stored: the definition that was stored with the state dict; losses and labels of a net that was saved in
            training are removed as from a prototxt.
        preprocessing: of the inputs of that definition, as JSON.

    Raises:
        FileFormatError: there is no definition, the preprocessing does not match it, or weights are not floating
            point numbers.
        MissingBlobsError, BlobShapeError: the state dict does not match the net.
    """
    if options.given is not None:
        kept = _preprocessing(preprocessing)
        definition, unknown = options.definition()
        names = {*(layer.name for layer in definition.layer), *(layer.name for layer in definition.layers)}
        tensors, expected = for_net(unwrapped(tensors, names), definition)
        tensors, blobs = _by_layer(tensors, definition)
        with naming(options.given):
            prepared = prepare(definition, blobs, options, unknown, kept=partial(_kept, kept))
            adopted = adopt_images(prepared.definition, prepared.preprocessing, expected)
            net = prepared.net(source=Path(path), filled=False)
        for layer, image in adopted.items():
            weight = f"{layer}.weight"
            tensors[weight] = tensors[weight] * (expected[layer].scale / prepared.preprocessing[image].scale)
    elif stored is not None:
        definition = prototxts.parse(stored)
        tensors, blobs = _by_layer(tensors, definition)
        images = _preprocessing(preprocessing)
        if options.deploy and not options.training and any(map(is_sink, definition.layer)):
            # A net that was saved as it is trained.
            definition = prepare(definition, blobs, options).definition
            images = {name: plain for name, plain in images.items() if name in input_shapes(definition)}
        resolve(definition, blobs, options.input_shape)
        net = CaffeNet(
            definition, preprocessing=_fitting(images, input_shapes(definition)), source=Path(path), filled=False
        )
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


def _preprocessing(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FileFormatError("has metadata of which the preprocessing is not JSON; was it edited by hand?")
    return found


def _fitting(found: Mapping[str, Any], inputs: Mapping[str, Shape]) -> dict[str, Preprocessing]:
    images = {}
    for name, plain in found.items():
        shape = inputs.get(name, ())
        each = Preprocessing.from_plain(plain, shape[1]) if len(shape) == 4 else None
        if each is None:
            raise FileFormatError(f"has metadata whose preprocessing does not fit {name!r}; was it edited by hand?")
        images[name] = each
    return images


def _kept(found: Mapping[str, Any], name: str, channels: int) -> Preprocessing | None:
    """The preprocessing of an input under its name, or of the only one; None where it does not fit."""
    plain = found.get(name, next(iter(found.values())) if len(found) == 1 else None)
    return Preprocessing.from_plain(plain, channels)


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
