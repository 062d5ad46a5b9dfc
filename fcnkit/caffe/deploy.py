"""From the net that was trained to the net that runs: inputs for data layers, and no losses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fcnkit.caffe import schema
from fcnkit.caffe.data import UNKNOWN, is_data_layer, top_shape
from fcnkit.caffe.messages import LayerParameter, NetParameter, NetState
from fcnkit.caffe.phase import filter_net
from fcnkit.errors import DefinitionError
from fcnkit.types import is_input, type_of
from fcnkit.types.record import LOSS, SINK

# The state that a net runs in unless told otherwise: TEST, level 0, no stages.
TEST_STATE = schema.NetState(phase=schema.TEST)


def runnable(net: NetParameter, state: NetState = TEST_STATE, declared: Sequence[str] = ()) -> NetParameter:
    """The net as it stands in a state, with an Input for each blob that a data layer fed.

    Args:
        net: a V2 net, with the layers of all phases or, from a snapshot, of the one it was trained in.
        state: a NetState, against which the layers' include and exclude rules are held.
        declared: names of inputs that the file states without a shape, as old snapshots do.

    Returns:
        A new net. Its Input layers may have unknown (0) dimensions.
    """
    result = filter_net(net, state.phase, state.level, state.stage)
    layers = list(result.layer)
    del result.layer[:]
    for layer in layers:
        # They have done their work; what is left would mean nothing in the net that results.
        for field in ("phase", "include", "exclude"):
            layer.ClearField(field)
    made = {top for layer in layers if not is_data_layer(layer) for top in layer.top}
    wanted = {bottom for layer in layers for bottom in layer.bottom}
    for source in filter(is_data_layer, layers):
        wanted.update(source.top)
    # A snapshot made in training holds only that phase's data layers: all phases are asked for the sources.
    for source in [*filter(is_data_layer, layers), *filter(is_data_layer, net.layer)]:
        for index, top in enumerate(source.top):
            if top in wanted and top not in made:
                made.add(top)
                result.layer.append(_input(top, top_shape(source, index)))
    for name in declared:
        if name in wanted and name not in made:
            result.layer.append(_input(name, (1, UNKNOWN, UNKNOWN, UNKNOWN)))
    result.layer.extend(layer for layer in layers if not is_data_layer(layer))
    _check_bottoms(result)
    return result


def deploy(net: NetParameter, state: NetState = TEST_STATE, declared: Sequence[str] = ()) -> NetParameter:
    """The net that runs on an image: no losses, no labels, none of Caffe's own Split layers.

    Args:
        net, state, declared: as in `runnable`.

    Raises:
        DefinitionError: nothing is left.
    """
    result = runnable(net, state, declared)
    layers = [layer for layer in result.layer if not _is_sink(layer)]
    layers = _without_inserted_splits(layers)
    layers = _without_label_branches(layers, net)
    read = {bottom for layer in layers for bottom in layer.bottom}
    layers = [layer for layer in layers if not is_input(layer) or any(top in read for top in layer.top)]
    if all(map(is_input, layers)):
        raise DefinitionError("no layer is left of the net once data layers and losses are cut off")
    del result.layer[:]
    result.layer.extend(layers)
    for field in ("force_backward", "debug_info", "state"):
        result.ClearField(field)
    return result


def _input(top: str, shape: tuple[int, ...]) -> LayerParameter:
    layer = LayerParameter(name=top, type="Input", top=[top])
    layer.input_param.shape.add(dim=shape)
    return layer


def _check_bottoms(net: NetParameter) -> None:
    made: set[str] = set()
    for layer in net.layer:
        for bottom in layer.bottom:
            if bottom not in made:
                raise DefinitionError(f"layer {layer.name!r}: bottom {bottom!r} is made by no layer before it")
        made.update(layer.top)


def _is_sink(layer: LayerParameter) -> bool:
    """Whether training and testing need a layer, and running the net does not."""
    record = type_of(layer)
    if record is not None:
        return record.role in (LOSS, SINK)
    return layer.type.endswith("Loss") or (layer.type == "Python" and any(layer.loss_weight))


def _without_inserted_splits(layers: list[LayerParameter]) -> list[LayerParameter]:
    """Undo what Caffe does on loading: a Split wherever a blob has several readers.

    Source: BVLC/caffe src/caffe/util/insert_splits.cpp, SplitLayerName and SplitBlobName.
    """
    original: dict[str, str] = {}
    kept = []
    for layer in layers:
        source = layer.bottom[0] if layer.bottom else ""
        if layer.type == "Split" and re.fullmatch(re.escape(source) + r"_.*_\d+_split", layer.name, re.DOTALL):
            original.update(dict.fromkeys(layer.top, original.get(source, source)))
        else:
            layer.bottom[:] = [original.get(bottom, bottom) for bottom in layer.bottom]
            kept.append(layer)
    return kept


def _without_label_branches(layers: list[LayerParameter], net: NetParameter) -> list[LayerParameter]:
    """Drop layers that only prepared labels: they neither see an image nor feed a layer that does."""
    second = {top for layer in net.layer if is_data_layer(layer) for top in layer.top[1:]}
    image: set[str] = set()
    for layer in layers:
        if any(b in image for b in layer.bottom) or (not layer.bottom and not any(t in second for t in layer.top)):
            image.update(layer.top)
    needed: set[str] = set()
    kept = []
    for layer in reversed(layers):
        if is_input(layer) or any(top in image or top in needed for top in layer.top):
            needed.update(layer.bottom)
            kept.append(layer)
    return kept[::-1]
