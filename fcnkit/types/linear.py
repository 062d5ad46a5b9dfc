"""Layers with a matrix: fully connected ones, and tables of rows."""

from __future__ import annotations

from fcnkit.types.channels import LOST, Made
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, Count, Drawn, LayerType, Origin, bvlc, every, no_words
from fcnkit.types.words import inner_product_words

# Further bottoms are the weights and the bias (openvinotoolkit/training_toolbox_caffe, the same file).
INNER_PRODUCT = LayerType(
    "InnerProduct",
    v1="INNER_PRODUCT",
    origin=bvlc("inner_product"),
    bottoms=Count(1, 3),
    tops=ONE,
    looks=every(WHOLE),
    channels=Made("inner_product_param"),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", inner_product_words),
)
CENTER_PROJECTION = LayerType(
    "CenterProjection",
    v1=None,
    origin=Origin("liuyuisanai/CaffeMex_v2", "src/caffe/layers/center_projection_layer.cpp"),
    bottoms=ONE,
    tops=ONE,
    looks=every(WHOLE),
    channels=Made("center_projection_param"),
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", no_words),
)
EMBED = LayerType(
    "Embed",
    v1=None,
    origin=bvlc("embed"),
    bottoms=ONE,
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=True,
    drawn=Drawn("filter", no_words),
)
INNER_DISTANCE = LayerType(
    "InnerDistance",
    v1=None,
    origin=Origin("happynear/caffe-windows", "src/caffe/layers/inner_distance_layer.cpp"),
    bottoms=Count(1, 3),
    tops=ONE,
    looks=every(WHOLE),
    channels=LOST,
    role=COMPUTES,
    moves=False,
    drawn=Drawn("filter", no_words),
)
