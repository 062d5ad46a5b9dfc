"""One rule per Caffe layer type. `layer` registers a rule; users register theirs with it too."""

from fcnkit.layers import (
    activation,
    combine,
    convolution,
    loss,
    normalization,
    pooling,
    recurrent,
    reduction,
    shape,
    source,
)
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
    "recurrent",
    "reduction",
    "rule_for",
    "shape",
    "source",
    "supported",
]
