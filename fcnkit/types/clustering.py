"""Layers of DetectNet, which make boxes of a coverage map by clustering."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, PLAIN, SOME, TWO, LayerType, Origin, every

CLUSTER_DETECTIONS = LayerType(
    "caffe.layers.detectnet.clustering.ClusterDetections",
    v1=None,
    origin=Origin("NVIDIA/caffe", "python/caffe/layers/detectnet/clustering.py"),
    bottoms=TWO,
    tops=SOME,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=PLAIN,
)
