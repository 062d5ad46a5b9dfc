"""One rule per Caffe layer type. `layer` registers a rule; users register theirs with it too."""

from fcnkit.layers import (
    activation,
    combine,
    convolution,
    forks,
    loss,
    normalization,
    pooling,
    recurrent,
    reduction,
    segmentation,
    shape,
    source,
    ssd,
)
from fcnkit.layers.base import Layer, fit, kind_of, layer, rule_for, supported

__all__ = [
    "Layer",
    "activation",
    "combine",
    "convolution",
    "fit",
    "forks",
    "kind_of",
    "layer",
    "loss",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "rule_for",
    "segmentation",
    "shape",
    "source",
    "ssd",
    "supported",
]
