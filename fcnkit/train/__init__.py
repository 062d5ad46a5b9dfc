"""Training nets from Caffe's solvers: its optimizers, rates, data layers and snapshots in PyTorch."""

from fcnkit.train.rates import CaffeLR
from fcnkit.train.solvers import SGD, AdaDelta, AdaGrad, Adam, CaffeOptimizer, Nesterov, RMSProp
from fcnkit.train.trainer import Trainer

__all__ = ["SGD", "AdaDelta", "AdaGrad", "Adam", "CaffeLR", "CaffeOptimizer", "Nesterov", "RMSProp", "Trainer"]
