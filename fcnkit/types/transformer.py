"""Layers that sample a map where another blob places the pixels."""

from __future__ import annotations

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, Drawn, LayerType, Origin, every, no_words

# With one bottom that of nian-liu/DSCLRCN, caffe-master/src/caffe/layers/spatialtransformer_layer.cpp.
SPATIAL_TRANSFORMER = LayerType(
    "SpatialTransformer",
    v1=None,
    origin=Origin("daerduoCarey/SpatialTransformerLayer", "src/caffe/layers/st_layer.cpp"),
    bottoms=ONE_OR_TWO,
    tops=ONE,
    looks=every(WHOLE),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("up", no_words),
)
