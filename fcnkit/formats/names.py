"""Names of the layers of VGG and AlexNet in torchvision and in Caffe.

torchvision numbers all modules of `features`, including those without weights; Caffe numbers the convolutions, in
VGG within blocks. The sources of the names are torchvision's vgg.py and alexnet.py, and Caffe's models of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from fcnkit.errors import FcnkitError
from fcnkit.formats.checkpoint import unwrapped

T = TypeVar("T")

NAMES = ("caffe", "torchvision")

_ALEXNET = {"conv1": 0, "conv2": 3, "conv3": 6, "conv4": 8, "conv5": 10}
_FULLY_CONNECTED = {"alexnet": (1, 4, 6), "vgg": (0, 3, 6)}


class NamesError(FcnkitError):
    """Names that have no counterpart."""


def rename(state: Mapping[str, T], names: str) -> dict[str, T]:
    """The tensors of a VGG or AlexNet under other names; the parts that wrappers of a net add are removed.

    Args:
        state: tensors by name, torchvision's or Caffe's.
        names: "caffe" or "torchvision". In Caffe's names, a batch normalization after conv1_1 is bn1_1.

    Raises:
        NamesError: the net is not a VGG or AlexNet.
    """
    if names not in NAMES:
        raise NamesError(f"names are {names!r}; give one of {', '.join(NAMES)}")
    state = unwrapped(state)
    layers = dict.fromkeys(key.rpartition(".")[0] for key in state)
    found = _caffe_names(layers) if names == "caffe" else _torchvision_names(layers)
    missing = [layer for layer in layers if layer not in found]
    if missing or not found:
        other = {"caffe": "torchvision's", "torchvision": "Caffe's"}[names]
        some = f", such as {missing[0]!r}" if missing else ""
        raise NamesError(f"has names that are not {other} of a VGG or AlexNet{some}; leave `names` out")
    return {f"{found[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value for key, value in state.items()}


def is_torchvision(state: Iterable[str]) -> bool:
    """Whether the names of tensors are torchvision's names for a VGG or AlexNet."""
    layers = {key.rpartition(".")[0] for key in state}
    return "features.0" in layers and layers == _caffe_names(layers).keys()


def _caffe_names(layers: Iterable[str]) -> dict[str, str]:
    """Caffe's name of each layer that torchvision's VGG or AlexNet has."""
    features = sorted(int(layer[9:]) for layer in layers if re.fullmatch(r"features\.\d+", layer))
    family = "vgg"
    if features == list(_ALEXNET.values()):
        family = "alexnet"
        names = {f"features.{index}": name for name, index in _ALEXNET.items()}
    else:
        names = {}
        # A convolution is followed by an optional normalization, then a ReLU; a pool follows each block.
        step = 3 if 1 in features else 2
        block, number, expected = 1, 1, 0
        for index in features:
            if step == 3 and index == expected + 1:
                names[f"features.{index}"] = f"bn{block}_{number}"
                continue
            if index == expected + step + 1:
                block, number = block + 1, 1
            elif index == expected + step:
                number += 1
            elif index:
                return {}
            expected = index
            names[f"features.{index}"] = f"conv{block}_{number}"
    heads = {f"classifier.{index}": f"fc{6 + i}" for i, index in enumerate(_FULLY_CONNECTED[family])}
    return {layer: name for layer, name in (names | heads).items() if layer in layers}


def _torchvision_names(layers: Iterable[str]) -> dict[str, str]:
    """torchvision's name of each layer of a VGG or AlexNet with Caffe's names."""
    found = {}
    numbers = [re.fullmatch(r"(conv|bn)(\d+)_(\d+)", layer) for layer in layers]
    numbered = sorted((int(m[2]), int(m[3]), m[1] == "bn") for m in numbers if m)
    step = 3 if any(norm for *_, norm in numbered) else 2
    index = 0
    for position, (block, number, norm) in enumerate(numbered):
        if norm:
            found[f"bn{block}_{number}"] = f"features.{index - step + 1}"
            continue
        if position and number == 1:
            index += 1
        found[f"conv{block}_{number}"] = f"features.{index}"
        index += step
    family = "vgg" if found else "alexnet"
    if not found:
        found = {name: f"features.{index}" for name, index in _ALEXNET.items() if name in layers}
    if found:
        heads = {f"fc{6 + i}": f"classifier.{index}" for i, index in enumerate(_FULLY_CONNECTED[family])}
        found |= {name: layer for name, layer in heads.items() if name in layers}
    return found
