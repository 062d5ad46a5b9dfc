"""Training nets from Caffe's solvers: its optimizers, rates, data layers and snapshots in PyTorch.

The names are loaded on first use, so that the command's help and progress bar need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fcnkit.train.rates import CaffeLR
    from fcnkit.train.solvers import SGD, AdaDelta, AdaGrad, Adam, CaffeOptimizer, Nesterov, RMSProp
    from fcnkit.train.trainer import Trainer

__all__ = ["SGD", "AdaDelta", "AdaGrad", "Adam", "CaffeLR", "CaffeOptimizer", "Nesterov", "RMSProp", "Trainer"]

_HOMES = {"CaffeLR": "rates", "Trainer": "trainer"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'fcnkit.train' has no attribute {name!r}")
    return getattr(importlib.import_module(f"fcnkit.train.{_HOMES.get(name, 'solvers')}"), name)
