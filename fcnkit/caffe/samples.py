"""Layers that sample regions or augment images for training, removed from the net for inference."""

from __future__ import annotations

from fcnkit.caffe.data import is_data_layer
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.types import type_of
from fcnkit.types.record import AUGMENTS, Samples


def without_samples(layers: list[LayerParameter]) -> list[LayerParameter]:
    """Remove the layers that sample or augment for training; the readers of their first tops read what is sampled."""
    original: dict[str, str] = {}
    labels: set[str] = set()
    kept = []
    for layer in layers:
        if not _computes(layer, labels):
            continue
        bottoms = [original.get(bottom, bottom) for bottom in layer.bottom]
        record = type_of(layer)
        sampled = sampled_bottom(layer)
        if sampled is not None:
            original[layer.top[0]] = original.get(sampled, sampled)
            labels.update(layer.top[1:])
        else:
            augments = record is not None and record.role is AUGMENTS
            layer.bottom[:] = bottoms[:1] if augments else bottoms
            layer.top[:] = layer.top[:1] if augments else layer.top
            kept.append(layer)
    return kept


def read_unsampled(layers: list[LayerParameter], net: NetParameter) -> None:
    """Let the readers of samples that only layers of another phase make read, in place, what is sampled there."""
    made = {top for layer in layers for top in layer.top} | {
        top for layer in net.layer if is_data_layer(layer) for top in layer.top
    }
    original: dict[str, str] = {}
    for layer in net.layer:
        sampled = sampled_bottom(layer)
        if sampled is not None and layer.top and layer.top[0] not in made:
            original[layer.top[0]] = original.get(sampled, sampled)
    for layer in layers:
        layer.bottom[:] = [original.get(bottom, bottom) for bottom in layer.bottom]


def without_labels(layers: list[LayerParameter], net: NetParameter) -> list[LayerParameter]:
    """Drop the labels of samples that only layers of another phase make, as `_computes` does."""
    made = {top for layer in layers for top in layer.top}
    labels = {top for layer in net.layer if sampled_bottom(layer) for top in layer.top[1:]} - made
    return [layer for layer in layers if _computes(layer, labels)]


def sampled_bottom(layer: LayerParameter) -> str | None:
    """The bottom that a layer samples, which its first top is at inference; None for other layers."""
    record = type_of(layer)
    if record is None or not isinstance(record.role, Samples):
        return None
    return next(iter(layer.bottom[record.role.bottom :]), None)


def _computes(layer: LayerParameter, labels: set[str]) -> bool:
    """Drop labels from a layer's bottoms, in place, and their tops if it has one for each; False if none remains.

    A layer that reads samples and their labels computes on the samples alone at inference, as Cascade R-CNN's
    ScaleRoute and DecodeBBox (zhaoweicai/cascade-rcnn, examples/coco/res50-15s-800-fpn-cascade, train.prototxt and
    deploy.prototxt).

    Args:
        layer: the layer, which is changed.
        labels: the labels so far; the tops that are made of labels are added.
    """
    kept = [index for index, bottom in enumerate(layer.bottom) if bottom not in labels]
    if not kept and layer.bottom:
        labels.update(layer.top)
        return False
    if len(layer.top) == len(layer.bottom):
        labels.update(top for index, top in enumerate(layer.top) if index not in kept)
        layer.top[:] = [layer.top[index] for index in kept]
    layer.bottom[:] = [layer.bottom[index] for index in kept]
    return True
