"""Small nets for the tests of layer types, run by fcnkit and by OpenCV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

import fcnkit
from fcnkit.caffe import caffemodel, prototxt

Arrays = Sequence[np.ndarray]


def definition(layers: str, inputs: Mapping[str, Sequence[int]]) -> str:
    """A net of the given layers behind inputs of these names and shapes."""
    form = 'layer {{ name: "{0}" type: "Input" top: "{0}" input_param {{ shape {{ dim: {1} }} }} }}\n'
    return "".join(form.format(name, list(shape)) for name, shape in inputs.items()) + layers


def layer(kind: str, bottoms: Iterable[str], settings: str = "", tops: str = "top", name: str = "it") -> str:
    """One layer; a string of bottoms has names of one letter, one of tops has spaces between the names."""
    blobs = [f'bottom: "{bottom}"' for bottom in bottoms] + [f'top: "{top}"' for top in tops.split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(blobs)} {settings} }}'


def layer_net(kind: str, settings: str, bottoms: Sequence[Sequence[int]], tops: int = 1) -> fcnkit.CaffeNet:
    """A net of inputs b0, b1, ... of these shapes and a layer "l" with tops t0, t1, ..., in eval mode."""
    inputs = {f"b{index}": shape for index, shape in enumerate(bottoms)}
    only = layer(kind, inputs, settings, " ".join(f"t{index}" for index in range(tops)), name="l")
    return fcnkit.CaffeNet(definition(only, inputs)).eval()


def tops_of(net: fcnkit.CaffeNet, *bottoms: np.ndarray) -> list[np.ndarray]:
    """The tops of the last layer, as arrays."""
    with torch.no_grad():
        blobs = net.forward_blobs(*map(torch.from_numpy, bottoms))
    return [blobs[name].numpy() for name in net.steps[-1].tops]


def apply(kind: str, settings: str, *bottoms: np.ndarray) -> np.ndarray:
    """The one top of a layer."""
    (top,) = tops_of(layer_net(kind, settings, [bottom.shape for bottom in bottoms]), *bottoms)
    return top


def net(layers: str, bottoms: Arrays, blobs: Mapping[str, Arrays] | None = None) -> fcnkit.CaffeNet:
    """A net of inputs a, b, c, ... of the bottoms' shapes and the given layers, in eval mode."""
    return fcnkit.CaffeNet(definition(layers, _lettered(bottoms)), blobs).eval()


def run(layers: str, bottoms: Arrays, blobs: Mapping[str, Arrays] | None = None) -> np.ndarray:
    """The only output of that net."""
    (top,) = tops_of(net(layers, bottoms, blobs), *bottoms)
    return top


def opencv(layers: str, bottoms: Arrays, folder: Path, blobs: Mapping[str, Arrays] | None = None) -> np.ndarray:
    """The output of that net's last layer in OpenCV."""
    import cv2

    text = definition(layers, _lettered(bottoms))
    (folder / "net.prototxt").write_text(text)
    caffemodel.write(folder / "net.caffemodel", prototxt.parse(text), blobs or {})
    other = cv2.dnn.readNetFromCaffe(str(folder / "net.prototxt"), str(folder / "net.caffemodel"))
    for name, bottom in zip("abcdef", bottoms, strict=False):
        other.setInput(bottom, name)
    return np.asarray(other.forward())


def _lettered(bottoms: Arrays) -> dict[str, Sequence[int]]:
    return {name: bottom.shape for name, bottom in zip("abcdef", bottoms, strict=False)}


def values(*shape: int, seed: int = 0) -> np.ndarray:
    """Normally distributed float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
