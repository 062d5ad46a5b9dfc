"""Running one layer: through fcnkit's own net, and through OpenCV's reader and runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from fcnkit.caffe import caffemodel, prototxt
from fcnkit.net import CaffeNet

Arrays = Sequence[np.ndarray]


def definition(layers: str, bottoms: Arrays) -> str:
    """A net of the given layers, which read inputs called a, b, c, ... of the bottoms' shapes."""
    inputs = ""
    for name, bottom in zip("abcd", bottoms, strict=False):
        dims = " ".join(f"dim: {size}" for size in bottom.shape)
        inputs += f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'
    return inputs + layers


def layer(kind: str, bottoms: str, more: str = "", tops: str = "top") -> str:
    """One layer; its bottoms' names are single letters, its tops' are separated by spaces."""
    words = [f'bottom: "{name}"' for name in bottoms] + [f'top: "{name}"' for name in tops.split()]
    return f'layer {{ name: "it" type: "{kind}" {" ".join(words)} {more} }}'


def net(layers: str, bottoms: Arrays, blobs: Mapping[str, Arrays] | None = None) -> CaffeNet:
    """The net in eval mode."""
    return CaffeNet(definition(layers, bottoms), blobs).eval()


def run(layers: str, bottoms: Arrays, blobs: Mapping[str, Arrays] | None = None) -> np.ndarray:
    """The only output of the net."""
    with torch.no_grad():
        top = net(layers, bottoms, blobs)(*map(torch.from_numpy, bottoms))
    assert isinstance(top, torch.Tensor)
    return top.numpy()


def opencv(layers: str, bottoms: Arrays, folder: Path, blobs: Mapping[str, Arrays] | None = None) -> np.ndarray:
    """What OpenCV computes for the last layer."""
    text = definition(layers, bottoms)
    (folder / "net.prototxt").write_text(text)
    caffemodel.write(folder / "net.caffemodel", prototxt.parse(text), blobs or {})
    other = cv2.dnn.readNetFromCaffe(str(folder / "net.prototxt"), str(folder / "net.caffemodel"))
    for name, bottom in zip("abcd", bottoms, strict=False):
        other.setInput(bottom, name)
    return np.asarray(other.forward())
