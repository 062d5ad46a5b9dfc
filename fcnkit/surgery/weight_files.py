"""Weight files: state dicts, checkpoints that contain one, and the weights of nets by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fcnkit.aliases import AnyPath
from fcnkit.caffe import caffemodel, hdf5, prototxt
from fcnkit.caffe.messages import NetParameter
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import FileFormatError, naming
from fcnkit.formats import npz, safetensors
from fcnkit.formats.checkpoint import unwrapped
from fcnkit.formats.format import CAFFEMODEL, HDF5, NPZ, SAFETENSORS, Format, Holds, recognize
from fcnkit.formats.images import stated_images
from fcnkit.formats.pth import pickle_to, read_checkpoint
from fcnkit.formats.torchvision import PREPROCESSING, caffes, is_classifier
from fcnkit.layers import Layer


@dataclass
class WeightFile:
    """The state dict of a file, and the file's other content.

    Attributes:
        state: tensors by name.
        format: of the file.
        ordered: whether the tensors are in the order of the model, which .safetensors does not preserve.
        around: the checkpoint that contains the state dict, and its key there; none if the file is the state dict.
        metadata: of a .safetensors file.
    """

    state: dict[str, Tensor]
    format: Format
    ordered: bool = True
    around: tuple[Mapping[str, Any], str] | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def write(self, path: AnyPath) -> None:
        """Write the full content in the same format, with the current state dict."""
        if self.format is SAFETENSORS:
            safetensors.write(path, self.state, self.metadata)
        elif self.around:
            checkpoint, key = self.around
            pickle_to(path, {**checkpoint, key: self.state})
        else:
            pickle_to(path, self.state)


def read_weight_file(path: AnyPath, of: Format) -> WeightFile:
    """Read a file of PTH or SAFETENSORS; no code in it is executed.

    Raises:
        FileFormatError: it cannot be read, or contains no tensors by name, either directly or in a checkpoint.
    """
    with naming(path):
        if of is SAFETENSORS:
            state, metadata = safetensors.read(path)
            return WeightFile(state, of, ordered=False, metadata=metadata)
        state, around = read_checkpoint(path)
        return WeightFile(state, of, around=around)


class LayerWeights:
    """The weights of a net by layer.

    Args:
        layers: for each layer its tensors by name; the names of Caffe's blobs are their numbers.
        images: the preprocessing of the images that the filters of a layer expect, by layer, where it is stated.
        converted: the layer whose filters were torchvision's (see fcnkit.formats.torchvision), if any.
    """

    def __init__(
        self,
        layers: Mapping[str, Mapping[str, Tensor]],
        images: Mapping[str, Preprocessing] = MappingProxyType({}),
        converted: str | None = None,
    ):
        self.layers = layers
        self.images = images
        self.converted = converted

    def blobs(self, layer: str, rule: Layer | None) -> list[Tensor]:
        """A layer's tensors in the order of Caffe's blobs; tensors that `rule` does not name come last."""
        found = self.layers[layer]
        known = [name for name in (rule.blob_names if rule else ()) if name in found]
        return [found[name] for name in [*known, *(name for name in found if name not in known)]]

    def shape(self, layer: str) -> tuple[int, ...]:
        """The shape of a layer's weight, or of its first tensor if none has that name."""
        found = self.layers[layer]
        return tuple(found.get("weight", next(iter(found.values()))).shape)

    def is_normalization(self, layer: str) -> bool:
        """Whether a layer is a PyTorch batch normalization."""
        return "running_mean" in self.layers[layer]


def read_caffe_weights(path: AnyPath, of: Format) -> tuple[NetParameter | None, dict[str, list[np.ndarray]]]:
    """Read a file of CAFFEMODEL or HDF5; the latter has no definition."""
    return caffemodel.read(path) if of is CAFFEMODEL else (None, hdf5.read(path))


def read_layer_weights(path: AnyPath) -> LayerWeights:
    """Read weights; torchvision's VGG, AlexNet and ResNet get Caffe's names, and their first filters read BGR 0..255.

    Args:
        path: a .caffemodel, .h5, .pth, .safetensors or .npz file of any name, with a net, a state dict or a checkpoint.

    Raises:
        FileFormatError: it is none of these.
        ConversionError: torchvision's first filters cannot be converted.
    """
    of = recognize(path)
    if of in (CAFFEMODEL, HDF5):
        definition, blobs = read_caffe_weights(path, of)
        return LayerWeights(
            {
                name: {str(index): torch.from_numpy(array) for index, array in enumerate(arrays)}
                for name, arrays in blobs.items()
                if arrays
            },
            stated_images(definition) if definition is not None else {},
        )
    if of.holds is Holds.DEFINITION:
        raise FileFormatError("is a prototxt, the definition alone; give a file of weights").in_file(path)
    file = WeightFile(npz.read_state(path), of) if of is NPZ else read_weight_file(path, of)
    with naming(path):
        definition = prototxt.parse(file.metadata.get("prototxt", ""))
        state = unwrapped(file.state, {layer.name for layer in definition.layer})
        if is_classifier(state):
            state, first = caffes(state)
            return LayerWeights(_by_layer(state), {first: PREPROCESSING}, first)
        images = stated_images(definition)
    return LayerWeights(_by_layer(state), images)


def _by_layer(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layer, _, part = name.rpartition(".")
        layers.setdefault(layer, {})[part] = tensor
    return layers
