"""Layers that sample a map where another blob places the pixels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.nn import transformer
from fcnkit.types import transformer as types

_THETAS = [f"theta_{row}_{column}" for row in (1, 2) for column in (1, 2, 3)]


@rule(types.SPATIAL_TRANSFORMER)
class SpatialTransformer(Elementwise):
    """Samples maps where an affine transform places the pixels; numbers of it can be fixed.

    Without a second bottom it mirrors maps and turns them by right angles.

    Source: daerduoCarey/SpatialTransformerLayer src/caffe/layers/st_layer.cpp; nian-liu/DSCLRCN
    caffe-master/src/caffe/layers/spatialtransformer_layer.cpp for one bottom.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.st_param
        if len(bottoms[0]) != 4:
            raise DefinitionError(
                f"layer {layer.name!r}: SpatialTransformer reads blobs of 4 axes, not of {bottoms[0]}"
            )
        if len(bottoms) == 1:
            turned = layer.spatialtransformer_param
            return transformer.RightAngles(turned.mirror, turned.rotate, turned.operation == turned.UNTRANSFORM)
        if p.transform_type != "affine" or p.sampler_type != "bilinear":
            raise DefinitionError(
                f"layer {layer.name!r}: the transform is affine and the sampler bilinear, not {p.transform_type!r} and"
                f" {p.sampler_type!r}"
            )
        if p.HasField("output_H") != p.HasField("output_W"):
            raise DefinitionError(f"layer {layer.name!r}: give output_H and output_W, or none")
        size = (p.output_H, p.output_W) if p.HasField("output_H") else None
        given = {field.name: value for field, value in p.ListFields()}
        fixed = [given.get(name) for name in _THETAS]
        return transformer.SpatialTransformer(size, fixed)
