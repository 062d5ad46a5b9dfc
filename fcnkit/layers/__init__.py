"""One rule per Caffe layer type: how its module is built, and how its blobs map to tensors.

The families have the file names of `fcnkit.types`, which has the records of the types. `layer` registers a rule,
also for users' own types.
"""

from fcnkit.layers import (
    activation,
    affine,
    cascade,
    clustering,
    combine,
    convolution,
    crf,
    detection,
    dropout,
    flow,
    linear,
    loss,
    multibox,
    normalization,
    pooling,
    priors,
    proposals,
    recurrent,
    reduction,
    regions,
    regression,
    resizing,
    routing,
    shape,
    source,
    targets,
    volumes,
    yolo,
)
from fcnkit.layers.base import Layer, fit, rule, rule_for, supported
from fcnkit.types import kind_of

# The public name of the decorator.
layer = rule

__all__ = [
    "Layer",
    "activation",
    "affine",
    "cascade",
    "clustering",
    "combine",
    "convolution",
    "crf",
    "detection",
    "dropout",
    "fit",
    "flow",
    "kind_of",
    "layer",
    "linear",
    "loss",
    "multibox",
    "normalization",
    "pooling",
    "priors",
    "proposals",
    "recurrent",
    "reduction",
    "regions",
    "regression",
    "resizing",
    "routing",
    "rule",
    "rule_for",
    "shape",
    "source",
    "supported",
    "targets",
    "volumes",
    "yolo",
]
