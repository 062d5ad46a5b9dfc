"""Caffe's own weight files, which include the definition."""

from __future__ import annotations

from pathlib import Path

from fcnkit.aliases import AnyPath
from fcnkit.caffe.caffemodel import read, write
from fcnkit.caffe.forks import fork_layers
from fcnkit.errors import OutputError
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions, net_from_weights
from fcnkit.net.images import stated_definition


def save(net: CaffeNet, path: Path) -> None:
    """Write definition and weights to path.

    Raises:
        OutputError: a layer was replaced by one that its definition does not describe.
        BlobShapeError: a layer's weights have another shape than its definition states.
    """
    blobs = net.arrays()
    definition = stated_definition(net)
    # The check follows Caffe's own loading of the two: nothing is copied.
    _require_equal_modules(net, CaffeNet(definition, blobs, mapped=True))
    if fork_layers(definition):
        definition.fcnkit_numbers = True
    write(path, definition, blobs)


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Build the net of the file."""
    definition, blobs = read(path)
    return net_from_weights(path, definition, blobs, options)


def _require_equal_modules(net: CaffeNet, defined: CaffeNet) -> None:
    for step in net.steps:
        found, expected = (repr(each.get_submodule(step.module)) for each in (net, defined))
        if found != expected:
            raise OutputError(f"layer {step.name!r} is now {found}, but its definition states {expected}")
