"""Weights to start a net from, read from any file that holds some."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from fcnkit.caffe import caffemodel, hdf5
from fcnkit.errors import FileFormatError
from fcnkit.layers import Layer
from fcnkit.surgery.names import is_torchvision, rename, without_prefix
from fcnkit.surgery.weight_files import SUFFIXES, read_weights


class Source:
    """The weights of a net by layer.

    Args:
        layers: for each layer its tensors by what they are called; Caffe's blobs are called by their numbers.
        torchvision: whether they had torchvision's names, and so are for torchvision's images.
    """

    def __init__(self, layers: Mapping[str, Mapping[str, Tensor]], torchvision: bool = False):
        self.layers = layers
        self.torchvision = torchvision

    def blobs(self, layer: str, rule: Layer | None) -> list[Tensor]:
        """A layer's tensors in the order of Caffe's blobs, those that a rule for the layer does not name last."""
        found = self.layers[layer]
        known = [name for name in (rule.blob_names if rule else ()) if name in found]
        return [found[name] for name in [*known, *(name for name in found if name not in known)]]

    def shape(self, layer: str) -> tuple[int, ...]:
        """The shape of a layer's weight, or of its first tensor if none is called so."""
        found = self.layers[layer]
        return tuple(found.get("weight", next(iter(found.values()))).shape)

    def is_normalization(self, layer: str) -> bool:
        """Whether a layer is a batch normalization of PyTorch's."""
        return "running_mean" in self.layers[layer]


def read_source(path: str | os.PathLike[str]) -> Source:
    """Read weights; torchvision's names of a VGG or AlexNet become Caffe's.

    Args:
        path: a .caffemodel, .h5, .pth, .pt or .safetensors file, with a net, a state dict or a checkpoint.

    Raises:
        FileFormatError: it is none of these.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".caffemodel", ".h5"):
        blobs = hdf5.read(path) if suffix == ".h5" else caffemodel.read(path).blobs
        return Source(
            {
                name: {str(index): torch.from_numpy(array) for index, array in enumerate(arrays)}
                for name, arrays in blobs.items()
                if arrays
            }
        )
    if suffix not in SUFFIXES:
        raise FileFormatError(f"is no .caffemodel, .h5, {', '.join(SUFFIXES)} file").in_file(path)
    state = without_prefix(read_weights(path).state)
    torchvision = is_torchvision(state)
    if torchvision:
        state = rename(state, "caffe")
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layer, _, part = name.rpartition(".")
        layers.setdefault(layer, {})[part] = tensor
    return Source(layers, torchvision)
