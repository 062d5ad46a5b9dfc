"""Layers that read blobs at positions that other blobs state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, LOST, Channels
from fcnkit.types.looks import SIZE, WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, PLAIN, SEVERAL, THREE, TWO, Count, LayerType, Origin, every

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_WHOLE = every(WHOLE)


def _sampled(
    name: str,
    origin: Origin,
    bottoms: Count = TWO,
    channels: Channels = KEPT,
    looks: Callable[[LayerParameter], Sequence[Look]] = _WHOLE,
) -> LayerType:
    return LayerType(name, None, origin, bottoms, ONE, looks, channels, COMPUTES, moves=False, drawn=PLAIN)


WARP = _sampled("Warp", Origin("NVlabs/PWC-Net", "Caffe/warping_code/warp_layer.cpp"))
FLOW_TRANSFORMER = _sampled(
    "FlowTransformer", Origin("bryanyzhu/Hidden-Two-Stream", "src/caffe/layers/flow_transformer_layer.cpp")
)
WARPING = _sampled(
    "Warping", Origin("Ravi-Garg/Unsupervised_Depth_Estimation", "src/caffe/layers/warping_layer.cpp"), THREE
)
GRID = _sampled("Grid", Origin("twhui/LiteFlowNet", "src/caffe/layers/grid_layer.cpp"), ONE, LOST, every(SIZE))
RAND_BI = _sampled(
    "RandBI", Origin("aayushbansal/PixelNet", "tools/caffe/src/caffe/layers/rand_bi_layer.cpp"), SEVERAL, LOST
)
