"""Derive the net for inference from a training net: data layers become inputs, and losses are removed."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from fcnkit.caffe.data import UNKNOWN, dummy_shape, is_data_layer, top_shape
from fcnkit.caffe.messages import TEST, LayerParameter, NetParameter, NetState
from fcnkit.caffe.phase import filter_net
from fcnkit.caffe.samples import read_unsampled, sampled_bottom, without_labels, without_samples
from fcnkit.errors import DefinitionError
from fcnkit.types import is_input, kind_of, type_of
from fcnkit.types.channels import Made
from fcnkit.types.combine import SILENCE
from fcnkit.types.looks import SIZE
from fcnkit.types.record import LOSS, SINK
from fcnkit.types.volumes import reads_volumes

# The default state: TEST, level 0, no stages.
TEST_STATE = NetState(phase=TEST)

# Names of losses, metrics, and layers that write files or draw, as forks choose them:
# SigmoidCrossEntropyLossWeighted, PosePDJAccuracy, WriteDataIntoFile, VisualizedHeatMaps, VisualizationLayer.
_TRAINS = re.compile(r"(Loss|Accuracy|Evaluate|Write|Writer|Visuali[sz](e|ed|ation)|Display)(?![a-z])")


def runnable(net: NetParameter, state: NetState = TEST_STATE, declared: Sequence[str] = ()) -> NetParameter:
    """The layers of a net that take part in a state, with an Input for each blob that a data layer fed.

    Args:
        net: a V2 net, with the layers of all phases or, from a snapshot, those of its training phase.
        state: the NetState that the layers' include and exclude rules are matched against.
        declared: names of inputs that the file declares without a shape, as old snapshots do.

    Returns:
        A new net. Its Input layers may have unknown (0) dimensions.
    """
    result = _fed_by_inputs(net, state, declared)
    _check_bottoms(result.layer)
    return result


def _fed_by_inputs(net: NetParameter, state: NetState, declared: Sequence[str]) -> NetParameter:
    """As `runnable`, though layers may read blobs that no layer makes."""
    result = filter_net(net, state.phase, state.level, state.stage)
    layers = list(result.layer)
    del result.layer[:]
    for layer in layers:
        # The rules have been applied, so they mean nothing in the resulting net.
        for field in ("phase", "include", "exclude"):
            layer.ClearField(field)
    read_unsampled(layers, net)
    needed = _unmade(layers)
    wanted = {*needed, *(top for source in filter(is_data_layer, layers) for top in source.top)}
    made = {top for layer in layers if not is_data_layer(layer) for top in layer.top} - needed
    volumes = any(map(reads_volumes, layers))
    # A training snapshot has only that phase's data layers, so the data layers of all phases are searched.
    for source in [*filter(is_data_layer, layers), *filter(is_data_layer, net.layer)]:
        for index, top in enumerate(source.top):
            if top in wanted and top not in made:
                made.add(top)
                shape = top_shape(source, index, volumes)
                # Labels in HDF5 files can have any shape.
                if source.type == "HDF5Data" and index and _read_by_sinks(top, layers):
                    shape = (1, UNKNOWN)
                result.layer.append(_input(top, shape))
    for source in net.layer:
        for index, top in enumerate(source.top if source.type == "DummyData" else ()):
            if top in needed and top not in made:
                made.add(top)
                result.layer.append(_input(top, dummy_shape(source, index)))
    for name in declared:
        if name in wanted and name not in made:
            result.layer.append(_input(name, (1, UNKNOWN, UNKNOWN, UNKNOWN)))
    result.layer.extend(layer for layer in layers if not is_data_layer(layer))
    return result


def deploy(net: NetParameter, state: NetState = TEST_STATE, declared: Sequence[str] = ()) -> NetParameter:
    """The net for inference: without losses, labels and the Split layers that Caffe inserted.

    Args:
        net, state, declared: as in `runnable`.

    Raises:
        DefinitionError: no layer remains.
    """
    result = _fed_by_inputs(net, state, declared)
    # A loss may lack labels that only another phase makes.
    layers = without_labels(_without_sinks(list(result.layer)), net)
    _check_bottoms(layers, {top for layer in filter(is_sink, result.layer) for top in layer.top})
    layers = _without_metrics(layers, label_blobs(list(result.layer), net))
    layers = _without_inserted_splits(without_samples(layers))
    if not any(map(is_input, layers)):
        layers = _fed(layers)
    layers = _without_label_branches(layers, net)
    read = {bottom for layer in layers for bottom in layer.bottom}
    for layer in filter(is_input, layers):
        _keep_tops(layer, read)
    layers = [layer for layer in layers if not is_input(layer) or layer.top]
    if all(map(is_input, layers)):
        raise DefinitionError("no layer remains after data layers and losses are removed")
    del result.layer[:]
    result.layer.extend(layers)
    for field in ("force_backward", "debug_info", "state"):
        result.ClearField(field)
    return result


def _read_by_sinks(blob: str, layers: list[LayerParameter]) -> bool:
    return all(is_sink(layer) for layer in layers if blob in layer.bottom)


def _unmade(layers: list[LayerParameter]) -> set[str]:
    """The blobs that layers read and no earlier layer makes, data layers aside: a layer may change one in place."""
    made: set[str] = set()
    unmade: set[str] = set()
    for layer in layers:
        unmade.update(bottom for bottom in layer.bottom if bottom not in made)
        if not is_data_layer(layer):
            made.update(layer.top)
    return unmade


def _input(top: str, shape: tuple[int, ...]) -> LayerParameter:
    layer = LayerParameter(name=top, type="Input", top=[top])
    layer.input_param.shape.add(dim=shape)
    return layer


def _keep_tops(layer: LayerParameter, kept: Container[str]) -> None:
    """Leave an Input, in place, the tops that are kept, with their shapes."""
    p, places = layer.input_param, [index for index, top in enumerate(layer.top) if top in kept]
    if len(p.shape) == len(layer.top):
        shapes = [list(p.shape[index].dim) for index in places]
        p.ClearField("shape")
        for shape in shapes:
            p.shape.add(dim=shape)
    layer.top[:] = [layer.top[index] for index in places]


def _check_bottoms(layers: Iterable[LayerParameter], removed: Iterable[str] = ()) -> None:
    """Check that layers read what earlier ones make; removed are the tops of layers that were removed."""
    made = set(removed)
    for layer in layers:
        for bottom in layer.bottom:
            if bottom not in made:
                raise DefinitionError(f"layer {layer.name!r}: bottom {bottom!r} is not a top of an earlier layer")
        made.update(layer.top)


def _without_sinks(layers: list[LayerParameter]) -> list[LayerParameter]:
    """Remove the sinks, but silence the tops whose layer makes others: they would become outputs."""
    made_with_others = {
        top
        for layer in layers
        for top in layer.top
        if not is_data_layer(layer) and not is_sink(layer) and len(layer.top) > 1
    }
    silenced = {bottom for layer in layers if layer.type == SILENCE.name for bottom in layer.bottom}
    unsilenced = [layer for layer in layers if not silenced.issuperset(layer.top)]
    needed = {top for layer in unsilenced for top in made_with_others.intersection(layer.top)}
    for layer in layers:
        if layer.type == SILENCE.name:
            layer.bottom[:] = [bottom for bottom in layer.bottom if bottom in needed]
    return [layer for layer in layers if not is_sink(layer) or (layer.type == SILENCE.name and layer.bottom)]


def is_sink(layer: LayerParameter) -> bool:
    """Whether a layer serves only training or testing."""
    record = type_of(layer)
    if record is not None:
        return record.role in (LOSS, SINK)
    if not layer.top or (layer.type == "Python" and any(layer.loss_weight)):
        return True  # without tops, it changes nothing that the net computes
    return _TRAINS.search(kind_of(layer)) is not None


def label_blobs(layers: list[LayerParameter], net: NetParameter) -> set[str]:
    """The labels, data that losses read behind their first bottom, and the blobs that layers make of them alone."""
    images = _images(layers, net)
    made_of = {top: {top} for tops in _fed_tops(net) for top in tops}
    labels: set[str] = set()
    for layer in layers:
        record = type_of(layer)
        if is_sink(layer) and (record is None or record.role is LOSS):
            labels.update(label for bottom in layer.bottom[1:] for label in made_of.get(bottom, ()))
        elif layer.bottom and made_of.keys() >= set(layer.bottom):
            made_of.update(dict.fromkeys(layer.top, set().union(*(made_of[bottom] for bottom in layer.bottom))))
            sampled = sampled_bottom(layer)
            if sampled is not None:
                made_of.update((top, made_of[top] - made_of[sampled]) for top in layer.top[1:])
                made_of[layer.top[0]] = made_of[sampled]
    return {blob for blob, sources in made_of.items() if sources & (labels - images)}


def _without_metrics(layers: list[LayerParameter], labels: set[str]) -> list[LayerParameter]:
    """Remove the layers that read labels, unless they are filters or others read what they make."""
    read: set[str] = set()
    kept = []
    for layer in reversed(layers):
        record = type_of(layer)
        filters = record is not None and isinstance(record.channels, Made)
        if not labels.isdisjoint(layer.bottom) and not filters and read.isdisjoint(layer.top):
            continue
        read.update(layer.bottom)
        kept.append(layer)
    return kept[::-1]


def _without_inserted_splits(layers: list[LayerParameter]) -> list[LayerParameter]:
    """Remove the Split layers that Caffe inserts on loading where a blob has several readers.

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


def _fed(layers: list[LayerParameter]) -> list[LayerParameter]:
    """Layers with an Input for each blob that filters read and that DummyData makes, in a net without any input."""
    inputs, others = [], []
    for layer in layers:
        for index, top in enumerate(layer.top if layer.type == "DummyData" else ()):
            if _is_filtered(top, layers):
                inputs.append(_input(top, dummy_shape(layer, index)))
        fed = {each.top[0] for each in inputs}
        layer.top[:] = [top for top in layer.top if layer.type != "DummyData" or top not in fed]
        if layer.top or layer.type != "DummyData":
            others.append(layer)
    read = {bottom for layer in others for bottom in layer.bottom}
    return inputs + [layer for layer in others if layer.type != "DummyData" or not inputs or read & set(layer.top)]


def _without_label_branches(layers: list[LayerParameter], net: NetParameter) -> list[LayerParameter]:
    """Remove layers that only prepare labels: they neither read an image nor feed a layer that does."""
    aside = {top for tops in _fed_tops(net) for top in tops} - _images(layers, net)
    image: set[str] = set()
    for layer in layers:
        if any(bottom in image for bottom in _valued(layer)):
            image.update(layer.top)
        elif not layer.bottom:
            image.update(top for top in layer.top if top not in aside)
    needed: set[str] = set()
    kept = []
    for layer in reversed(layers):
        silences = not layer.top and image.issuperset(layer.bottom)
        if is_input(layer) or silences or any(top in image or top in needed for top in layer.top):
            needed.update(layer.bottom)
            kept.append(layer)
    return kept[::-1]


def _valued(layer: LayerParameter) -> list[str]:
    """The bottoms of a layer whose values it reads, not their size alone; all where it reads sizes alone."""
    record = type_of(layer)
    looks = record.looks(layer) if record is not None and len(layer.bottom) > 1 else ()
    sizes = {bottom for bottom, look in zip(layer.bottom, looks, strict=False) if look == SIZE}
    return [bottom for bottom in layer.bottom if bottom not in sizes] or list(layer.bottom)


def _images(layers: list[LayerParameter], net: NetParameter) -> set[str]:
    """The tops of data layers that are images: those that filters read, directly or through other layers.

    Where there is none, the first top of each data layer that any layer but a loss reads.
    """
    data = _fed_tops(net)
    filtered = {top for tops in data for top in tops if _is_filtered(top, layers)}
    if filtered:
        return filtered
    read = {bottom for layer in layers for bottom in layer.bottom}
    return {first for tops in data for first in [top for top in tops if top in read][:1]}


def _fed_tops(net: NetParameter) -> list[list[str]]:
    """The tops of each data layer; of a net with losses and Inputs alone, those of all Inputs as of one data layer.

    Such a net was saved in training, when Inputs had replaced its data layers.
    """
    data = [list(layer.top) for layer in net.layer if is_data_layer(layer)]
    if data or not any(is_sink(layer) and layer.type != SILENCE.name for layer in net.layer):
        return data
    return [[top for layer in net.layer if is_input(layer) for top in layer.top]]


def _is_filtered(blob: str, layers: list[LayerParameter]) -> bool:
    """Whether filters read a blob, or one that is made of it."""
    reached = {blob}
    for layer in layers:
        if reached.isdisjoint(layer.bottom):
            continue
        record = type_of(layer)
        if record is not None and isinstance(record.channels, Made):
            return True
        reached.update(layer.top)
    return False
