"""Layers that read blobs at positions that other blobs state."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, Layer, rule
from fcnkit.nn import warping
from fcnkit.types import warping as types


@rule(types.WARP)
class Warp(Elementwise):
    """Reads each pixel of its first bottom at the position to which the second displaces it, in NVIDIA's Caffe.

    In LiteFlowNet's the second bottom states the position itself: the sum of a displacement and a Grid. Nets in which
    there is a Grid are LiteFlowNet's.

    Source: NVlabs/PWC-Net Caffe/warping_code/warp_layer.cu; twhui/LiteFlowNet src/caffe/layers/warp_layer.cpp.
    """

    def in_net(self, layer: LayerParameter, net: NetParameter) -> Layer:
        if not any(other.type == types.GRID.name for other in net.layer):
            return self
        absolute = _WarpToPositions()
        absolute.record = self.record
        return absolute

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return warping.Warp(border="inside")


class _WarpToPositions(Elementwise):
    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return warping.Warp(absolute=True)


@rule(types.FLOW_TRANSFORMER)
class FlowTransformer(Elementwise):
    """Reads each pixel of its first bottom at the position to which the second displaces it."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return warping.Warp()


@rule(types.WARPING)
class Warping(Elementwise):
    """Reads each pixel of its first bottom at the position to which the others displace it, to the right and down."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return warping.Warp(border="below")


@rule(types.GRID)
class Grid(Elementwise):
    """The position of each pixel of its bottom."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return warping.Grid()


@rule(types.RAND_BI)
class RandBI(Layer):
    """The values of its bottoms at the pixels that the last one lists.

    Source: aayushbansal/PixelNet tools/caffe/src/caffe/layers/rand_bi_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        rates = list(layer.rand_comp_param.compression_rate)
        *maps, pixels = bottoms
        if len(rates) != len(maps) or min(rates, default=0) < 1 or pixels[1:] != (3,):
            raise DefinitionError(
                f"layer {layer.name!r}: a positive compression_rate for each bottom but the last, and a last bottom of"
                f" shape (pixels, 3) are needed; the bottoms are {list(bottoms)}"
            )
        return warping.PixelColumns(rates, layer.rand_comp_param.pad)
