"""Layers that filter on a permutohedral lattice, between points that features place."""

from __future__ import annotations

from fcnkit.types.channels import LOST, Channels, Made
from fcnkit.types.looks import WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, Count, Drawn, LayerType, Origin, every, no_words


def _lattice(name: str, file: str, bottoms: Count, tops: Count, look: Look, channels: Channels) -> LayerType:
    origin = Origin("MPI-IS/bilateralNN", f"bilateralnn_code/src/caffe/layers/{file}_layer.cpp")
    drawn = Drawn("filter", no_words)
    return LayerType(name, None, origin, bottoms, tops, every(look), channels, COMPUTES, moves=False, drawn=drawn)


PERMUTOHEDRAL = _lattice("Permutohedral", "permutohedral", Count(3, 4), ONE_OR_TWO, WHOLE, Made("permutohedral_param"))
PIXEL_FEATURE = _lattice("PixelFeature", "pixel_feature", ONE, ONE, WHOLE, LOST)
