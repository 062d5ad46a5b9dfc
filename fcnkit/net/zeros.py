"""Layers whose filters are all zero."""

from __future__ import annotations

from collections.abc import Sequence

from fcnkit.net.caffe_net import CaffeNet
from fcnkit.types import type_of
from fcnkit.types.channels import Made

_SHOWN = 3


def filter_layers(net: CaffeNet) -> dict[str, bool]:
    """Whether all filters are zero, for each layer with filters: convolutions, deconvolutions and InnerProducts."""
    blobs = net.blobs()
    found = {}
    for layer in net.definition().layer:
        record = type_of(layer)
        if layer.name in blobs and record is not None and isinstance(record.channels, Made):
            found[layer.name] = not blobs[layer.name][0].any().item()
    return found


def some_named(layers: Sequence[str]) -> str:
    """The first few names of layers, and the number of the others."""
    names = ", ".join(map(repr, layers[:_SHOWN]))
    return names if len(layers) <= _SHOWN else f"{names} and {len(layers) - _SHOWN} more"
