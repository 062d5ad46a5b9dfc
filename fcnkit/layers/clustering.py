"""Layers of DetectNet, which make boxes of a coverage map by clustering."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import clustering
from fcnkit.types import clustering as types


@rule(types.CLUSTER_DETECTIONS)
class ClusterDetections(Layer):
    """The boxes of each class, one top for each.

    param_str has the image's width and height, the stride, the least coverage, the least number of boxes in a cluster,
    their largest distance, the least height, and the number of classes if it is not 1.

    Source: NVIDIA/caffe python/caffe/layers/detectnet/clustering.py, ClusterDetections.setup.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        text = layer.python_param.param_str
        try:
            width, height, stride, coverage, least, distance, lowest, *more = text.split(",")
            classes = int(more[0]) if more else 1
            whole = int(width), int(height), int(stride), int(least), int(lowest)
            reals = float(coverage), float(distance)
        except ValueError:
            raise DefinitionError(
                f"layer {layer.name!r}: param_str {text!r} must have 7 or 8 numbers: width, height, stride, coverage,"
                " boxes in a cluster, distance, height of a box, classes"
            ) from None
        if min(whole[:3]) < 1 or whole[2] > min(whole[:2]):
            raise DefinitionError(
                f"layer {layer.name!r}: width, height and stride must be positive, and stride no more"
            )
        if classes != len(layer.top):
            raise DefinitionError(f"layer {layer.name!r}: it has {len(layer.top)} tops for {classes} classes")
        return clustering.ClusterDetections(
            whole[1], whole[0], whole[2], classes, reals[0], whole[3], reals[1], whole[4]
        )
