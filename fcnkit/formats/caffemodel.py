"""Caffe's own weights, with the definition in them."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from fcnkit.caffe.caffemodel import write
from fcnkit.caffe.forks import fork_layers
from fcnkit.conversion import InputShape, convert
from fcnkit.net import CaffeNet


def save(net: CaffeNet, path: Path) -> None:
    """Write definition and weights to path."""
    blobs = {
        name: [tensor.to("cpu", torch.float32).numpy() for tensor in tensors] for name, tensors in net.blobs().items()
    }
    definition = net.definition()
    if fork_layers(definition):
        definition.fcnkit_numbers = True
    write(path, definition, blobs)


def load(path: str | os.PathLike[str], prototxt: str | os.PathLike[str] | None, shape: InputShape | None) -> CaffeNet:
    """Convert the file."""
    return convert(path, prototxt, input_shape=shape)
