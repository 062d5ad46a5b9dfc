"""The last steps of writing a net: its outputs, layers without effect, and shared weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import InputError
from fcnkit.export.views import View
from fcnkit.export.writer import Writer


def set_outputs(net: Writer, outputs: Sequence[tuple[str | None, Any]]) -> list[str]:
    """Make views the net's outputs, in their order, and its only ones: Caffe's are the blobs that no layer reads.

    Args:
        net: changed.
        outputs: each output's name, or None for any, and its view.

    Returns:
        The name of the blob of each output.

    Raises:
        InputError: an output does not depend on the inputs.
    """
    blobs = []
    for name, view in outputs:
        if not isinstance(view, View):
            raise InputError("an output of the module does not depend on its inputs; leave it out of the module")
        net.begin(net.free(name or "output"))
        blobs.append(net.blob(view))
    _drop_unread(net, {blob.name for blob in blobs})
    read = {bottom for layer in net.layers for bottom in layer.bottom}
    read |= {top for layer in net.layers if not layer.bottom for top in layer.top}
    ends = [name for name in dict.fromkeys(blob.name for blob in blobs) if name not in read]
    layers = _with_last(net.layers, ends)
    if [top for layer in layers for top in layer.top if top in ends] != ends:
        # The tops of one layer have the order of the layer; copies can have any.
        read |= {top for layer in layers for top in layer.top if len(layer.top) > 1}
    # A blob that is several outputs has a copy for each.
    read |= {blob.name for blob, number in Counter(blobs).items() if number > 1}
    made: list[str] = []
    for (name, _), blob in zip(outputs, blobs, strict=True):
        top = net.renamed.get(blob.name, blob.name)
        if blob.name in read:
            # A copy that no layer reads.
            net.begin(net.free(name or f"{blob.name}_output"))
            top = net.power(View.of(blob)).blob.name
        made.append(_rename(net, top, name) if name else top)
    net.layers[:] = _with_last(net.layers, made)
    read = {bottom for layer in net.layers for bottom in layer.bottom}
    unread = [top for layer in net.layers for top in layer.top if top not in read and top not in made]
    if unread:
        net.layers.append(LayerParameter(name=net.free("silence"), type="Silence", bottom=unread))
    return made


def _with_last(layers: Sequence[LayerParameter], ends: Sequence[str]) -> list[LayerParameter]:
    """Layers with those at the end whose tops are the blobs ends, which no layer reads, in the order of ends."""
    read = {bottom for layer in layers for bottom in layer.bottom}

    def place(layer: LayerParameter) -> int:
        found = [ends.index(top) for top in layer.top if top in ends]
        return 1 + min(found) if found and read.isdisjoint(layer.top) else 0

    return sorted(layers, key=place)


def _drop_unread(net: Writer, outputs: set[str]) -> None:
    """Remove the layers whose tops no layer reads, except inputs."""
    wanted, kept = set(outputs), []
    for layer in reversed(net.layers):
        if layer.type == "Input" or wanted.intersection(layer.top):
            wanted.update(layer.bottom)
            kept.append(layer)
        else:
            net.weights.pop(layer.name, None)
    net.layers[:] = kept[::-1]


def _rename(net: Writer, blob: str, name: str) -> str:
    """Rename a blob; another blob of that name gets a number, unless it is an input. Returns the new name."""
    if blob == name:
        return name
    if name in net.shapes:
        if any(name in layer.top for layer in net.layers if layer.type == "Input"):
            return _rename(net, blob, net.free(name))
        _rename(net, name, net.free(name))
    for layer in net.layers:
        for names in (layer.bottom, layer.top):
            names[:] = [name if each == blob else each for each in names]
    net.shapes[name] = net.shapes.pop(blob)
    original = next((old for old, new in net.renamed.items() if new == blob), blob)
    net.renamed[original] = name
    return name


def share(net: Writer, parameters: Mapping[object, str]) -> None:
    """Give the weights that several layers have in common a name, by which Caffe shares them.

    Args:
        net: changed.
        parameters: the module's names of its weights, by `identity`.
    """
    users: dict[object, list[tuple[LayerParameter, int]]] = {}
    for layer in net.layers:
        for index, weight in enumerate(net.weights.get(layer.name, ())):
            users.setdefault(identity(weight), []).append((layer, index))
    for key, places in users.items():
        if len(places) < 2:
            continue
        first, position = places[0]
        name = parameters.get(key, f"{first.name}.{position}")
        for layer, index in places:
            while len(layer.param) <= index:
                # Caffe requires a rate of 0 for a BatchNorm's statistics (src/caffe/layers/batch_norm_layer.cpp).
                layer.param.add(**({"lr_mult": 0} if layer.type == "BatchNorm" else {}))
            layer.param[index].name = name


def identity(weight: Tensor) -> object:
    """The same for tensors that are the same values in memory, in the same shape."""
    return weight.data_ptr(), tuple(weight.shape), weight.stride()
