"""Layers that filter on a permutohedral lattice, between points that features place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit import crf
from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import lattice
from fcnkit.types import lattice as types


@rule(types.PERMUTOHEDRAL)
class Permutohedral(Elementwise):
    """A convolution of values at points that features place, sliced at other points.

    A lattice as the fourth bottom is not read: it is that of the same features, and made again.

    Source: MPI-IS/bilateralNN bilateralnn_code/src/caffe/layers/permutohedral_layer.cpp, LayerSetUp.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.permutohedral_param
        if any(len(bottom) != 4 for bottom in bottoms[:3]) or min(p.num_output, p.group) < 1:
            raise DefinitionError(f"layer {layer.name!r}: num_output must be given, and bottoms of 4 axes")
        if p.visualize_lattice:
            raise DefinitionError(f"layer {layer.name!r}: visualize_lattice is not supported")
        channels, outputs, offset = bottoms[0][1], p.num_output, p.OffsetType.Name(p.offset_type)
        if channels % p.group or outputs % p.group or (p.do_skip_blur and channels != outputs):
            raise DefinitionError(
                f"layer {layer.name!r}: group must divide {channels} channels and num_output, which do_skip_blur"
                " needs to be equal"
            )
        if offset == "DIAG" and outputs != channels // p.group:
            raise DefinitionError(f"layer {layer.name!r}: offset_type DIAG needs as many outputs as a group's channels")
        return crf.LatticeConvolution(
            channels,
            outputs,
            bottoms[1][1],
            p.neighborhood_size,
            p.group,
            p.bias_term,
            p.norm_type == p.SYMMETRIC,
            offset,
            p.do_skip_blur,
            lattice=len(layer.top) > 1,
        )

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [layer.permutohedral_param.filter_filler, layer.permutohedral_param.bias_filler]

    def multiply_adds(self, module: Any, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(module.weight.numel() * math.prod(bottoms[0][2:]) * bottoms[0][0])


@rule(types.PIXEL_FEATURE)
class PixelFeature(Elementwise):
    """The row and column of each pixel, its values, or both, scaled; random and warped positions are refused.

    Source: MPI-IS/bilateralNN bilateralnn_code/src/caffe/layers/pixel_feature_layer.cpp, Forward_cpu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.pixel_feature_param
        kind = p.Feature.Name(p.type)
        if kind not in ("POSITION", "POSITION_AND_RGB", "RGB_AND_POSITION", "RGB"):
            raise DefinitionError(f"layer {layer.name!r}: type {kind} of PixelFeature is not supported")
        return lattice.PixelFeatures(kind, p.pos_scale, p.color_scale, (p.offset_h, p.offset_w))
