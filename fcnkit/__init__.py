"""Caffe networks to PyTorch and back, Fully Convolutional Networks first among them.

    import fcnkit
    net = fcnkit.convert("fcn8s.caffemodel")
    scores = net(images)

Importing fcnkit does not import torch: the modules that need it are loaded on first use.
"""

from __future__ import annotations

# Nothing is imported here, typing included: `python -m fcnkit` runs this before it can handle signals.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from fcnkit.errors import FcnkitError
    from fcnkit.export import from_torch
    from fcnkit.fast import optimized
    from fcnkit.formats import convert, load, save
    from fcnkit.generation.nets import generate
    from fcnkit.net import CaffeNet
    from fcnkit.simplification import fold_batchnorm, simplify
    from fcnkit.surgery import fc2conv

__all__ = [
    "CaffeNet",
    "FcnkitError",
    "convert",
    "fc2conv",
    "fold_batchnorm",
    "from_torch",
    "generate",
    "load",
    "optimized",
    "save",
    "simplify",
]

_HOMES = {
    "CaffeNet": "fcnkit.net",
    "FcnkitError": "fcnkit.errors",
    "convert": "fcnkit.formats",
    "fc2conv": "fcnkit.surgery",
    "fold_batchnorm": "fcnkit.simplification",
    "from_torch": "fcnkit.export",
    "generate": "fcnkit.generation.nets",
    "load": "fcnkit.formats",
    "optimized": "fcnkit.fast",
    "save": "fcnkit.formats",
    "simplify": "fcnkit.simplification",
}


def __getattr__(name: str) -> object:
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version("fcnkit")
    if name not in _HOMES:
        raise AttributeError(f"module 'fcnkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
