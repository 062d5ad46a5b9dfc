"""What the formats that hold a state dict share: building a net from it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from torch import Tensor

from fcnkit.caffe import prototxt as prototxts
from fcnkit.caffe.inputs import resolve
from fcnkit.caffe.schema import Message
from fcnkit.errors import BlobShapeError, FileFormatError, MissingBlobsError, naming
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, prepare


def net_from_state(
    tensors: Mapping[str, Tensor],
    prototxt: str | os.PathLike[str] | None,
    input_shape: InputShape | None,
    state: Message,
    stored: str | None = None,
) -> CaffeNet:
    """Build a net with the tensors of a state dict.

    Args:
        tensors: the state dict; its tensors become the net's own.
        prototxt: the definition; it rules over the stored one, and is cut down to the net that runs.
        input_shape: as in `convert`.
        state: a NetState, against which the prototxt's rules are held.
        stored: the definition that came with the state dict, as it runs.

    Raises:
        FileFormatError: there is no definition, or weights are no floating point numbers.
        MissingBlobsError, BlobShapeError: state dict and net do not fit.
    """
    blobs: dict[str, list[Tensor]] = {}
    for name, tensor in tensors.items():
        blobs.setdefault(name.rpartition(".")[0], []).append(tensor)
    if prototxt is not None:
        definition = prototxts.read(prototxt)
        with naming(prototxt):
            definition, preprocessing = prepare(definition, blobs, input_shape, state)
            net = CaffeNet(definition, filled=False)
        net.preprocessing = preprocessing
    elif stored is not None:
        definition = prototxts.parse(stored)
        resolve(definition, blobs, input_shape)
        net = CaffeNet(definition, filled=False)
    else:
        raise FileFormatError("contains weights alone; give the net's definition with `prototxt`")
    _load(net, tensors)
    return net


def _load(net: CaffeNet, state: Mapping[str, Tensor]) -> None:
    own = net.state_dict()
    # A shared weight need not be there under the names of all that share it.
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
