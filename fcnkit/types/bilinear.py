"""Bilinear pooling: the products of all pairs of channels, summed over the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import LOST, Channels, Made
from fcnkit.types.looks import PIXEL, WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, TWO, Drawn, LayerType, Origin, no_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from fcnkit.caffe.messages import LayerParameter


def _compact_looks(layer: LayerParameter) -> Sequence[Look]:
    return [WHOLE if layer.compact_bilinear_param.sum_pool else PIXEL] * len(layer.bottom)


def _pools(name: str, file: str, looks: Callable[[LayerParameter], Sequence[Look]], channels: Channels) -> LayerType:
    origin = Origin("gy20073/compact_bilinear_pooling", f"caffe-20160312/src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, TWO, ONE, looks, channels, COMPUTES, False, Drawn("fuse", no_words))


BILINEAR = _pools("Bilinear", "bilinear", lambda layer: [WHOLE] * len(layer.bottom), LOST)
COMPACT_BILINEAR = _pools("CompactBilinear", "compact_bilinear", _compact_looks, Made("compact_bilinear_param"))
