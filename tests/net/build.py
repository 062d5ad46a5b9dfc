"""Small nets of forks, written layer by layer, and their files with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import fcnkit
from fcnkit.caffe import caffemodel, prototxt


def layer(kind: str, name: str, bottoms: str, more: str = "", tops: str = "") -> str:
    words = [f'bottom: "{bottom}"' for bottom in bottoms.split()]
    words += [f'top: "{top}"' for top in (tops or name).split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(words)} {more} }}\n'


def conv(name: str, bottom: str, outputs: int, stride: int = 1) -> str:
    more = f"convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 stride: {stride} }}"
    return layer("Convolution", name, bottom, more)


def data(height: int, width: int) -> str:
    return layer("Input", "data", "", f"input_param {{ shape {{ {dims(1, 3, height, width)} }} }}")


def dims(*sizes: int) -> str:
    return " ".join(f"dim: {size}" for size in sizes)


def files(text: str, folder: Path, spread: float = 0.3) -> tuple[Path, Path, fcnkit.CaffeNet]:
    """Weights, definition, and the net of both; `spread` is the deviation of filters."""
    random = np.random.default_rng(0)
    weights, definition = folder / "net.caffemodel", folder / "net.prototxt"
    definition.write_text(text)
    blobs = {
        name: [np.abs(random.normal(0, 0.5, tuple(tensor.shape))).astype(np.float32) for tensor in tensors]
        if name.startswith(("bn", "norm"))
        else [random.normal(0, spread, tuple(tensor.shape)).astype(np.float32) for tensor in tensors]
        for name, tensors in fcnkit.CaffeNet(text).blobs().items()
    }
    caffemodel.write(weights, prototxt.parse(text), blobs)
    return weights, definition, fcnkit.convert(weights, definition)


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (1, 3, height, width)).astype(np.float32)
