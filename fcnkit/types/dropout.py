"""Layers that drop values or channels in training, or change gradients."""

from __future__ import annotations

from fcnkit.types.channels import KEPT
from fcnkit.types.looks import CHANNELWISE, PIXEL
from fcnkit.types.record import COMPUTES, ONE, PLAIN, SAMPLES, TWO, LayerType, Origin, bvlc, every


def _dropout(name: str, v1: str | None, origin: Origin) -> LayerType:
    return LayerType(name, v1, origin, ONE, ONE, every(PIXEL), KEPT, COMPUTES, moves=True, drawn=PLAIN)


DROPOUT = _dropout("Dropout", "DROPOUT", bvlc("dropout"))
SPATIAL_DROPOUT = _dropout(
    "spatial_dropout.SpatialDropoutLayer", None, Origin("TimoSaemann/caffe-enet", "python/spatial_dropout.py")
)
CHANNEL_DROPOUT = _dropout(
    "ChannelDropout",
    None,
    Origin("ZJUZQ/Net_caffe", "StructuredFeaturePoseEstimation/caffe-multi/src/caffe/layers/channel_dropout_layer.cpp"),
)
# The second bottom states which channels are kept.
GUIDED_DROPOUT = LayerType(
    "GuidedDropout",
    v1=None,
    origin=Origin("minhpvo/Caffe", "src/caffe/layers/guided_dropout_layer.cpp"),
    bottoms=TWO,
    tops=ONE,
    looks=lambda layer: [PIXEL, CHANNELWISE],
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
# Noise on images in training.
NOISE = LayerType(
    "Noise",
    v1=None,
    origin=Origin("happynear/caffe-windows", "src/caffe/layers/noise_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=SAMPLES,
    moves=False,
    drawn=PLAIN,
)
# Gradients of another sign and strength, which depends on the number of iterations.
GRADIENT_SCALER = LayerType(
    "GradientScaler",
    v1=None,
    origin=Origin("ddtm/caffe", "src/caffe/layers/gradient_scaler_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=SAMPLES,
    moves=False,
    drawn=PLAIN,
)
# The gradient of a norm of the values is added in training.
OUTPUT_DECAY = _dropout(
    "OutputDecay", None, Origin("yi94code/HRSOD", "caffe-master/src/caffe/layers/output_decay_layer.cpp")
)
SPARSIFY = LayerType(
    "Sparsify",
    v1=None,
    origin=Origin("wenwei202/caffe", "src/caffe/layers/sparsify_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(PIXEL),
    channels=KEPT,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
