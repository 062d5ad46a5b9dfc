"""Layers that move values from channels to pixels, or channels among each other."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, SOME, LayerType, Origin, every

# With several bottoms that of zlthinker/caffe, src/caffe/layers/rearrange_layer.cu.
REARRANGE = LayerType(
    "Rearrange",
    v1=None,
    origin=Origin("Ding-Liu/caffe-videoSR", "src/caffe/layers/rearrange_layer.cpp"),
    bottoms=SOME,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=PLAIN,
)
