"""Caffe's weights in HDF5, as `.caffemodel.h5`: each blob by its layer's name and its place among the layer's."""

from __future__ import annotations

import os
from pathlib import Path

from fcnkit.caffe.hdf5 import write
from fcnkit.caffe.schema import Message
from fcnkit.net import CaffeNet
from fcnkit.net.conversion import InputShape, build


def save(net: CaffeNet, path: Path) -> None:
    """Write the weights to path."""
    write(path, net.arrays())


def load(
    path: str | os.PathLike[str], prototxt: str | os.PathLike[str] | None, shape: InputShape | None, state: Message
) -> CaffeNet:
    """Build the net of prototxt with the weights of path."""
    return build(path, prototxt, shape, state)
