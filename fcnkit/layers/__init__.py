"""One rule per Caffe layer type. `layer` registers a rule; users register theirs with it too."""

from fcnkit.layers import activation, combine, convolution, loss, normalization, pooling, reduction, shape
from fcnkit.layers.base import Layer, fit, kind_of, layer, rule_for, supported

__all__ = [
    "Layer",
    "activation",
    "combine",
    "convolution",
    "fit",
    "kind_of",
    "layer",
    "loss",
    "normalization",
    "pooling",
    "reduction",
    "rule_for",
    "shape",
    "supported",
]
