"""Caffe's weights in HDF5, as `.caffemodel.h5`: each blob by its layer's name and its index in the layer."""

from __future__ import annotations

from pathlib import Path

from fcnkit.aliases import AnyPath
from fcnkit.caffe.hdf5 import read, write
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import NetOptions, net_from_weights


def save(net: CaffeNet, path: Path) -> None:
    """Write the weights to path."""
    write(path, net.arrays())


def load(path: AnyPath, options: NetOptions) -> CaffeNet:
    """Build the net of the options' prototxt with the weights of path."""
    return net_from_weights(path, None, read(path), options)
