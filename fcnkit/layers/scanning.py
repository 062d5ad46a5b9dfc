"""Layers that make sequences of the rows of a map, and maps of sequences."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import scanning
from fcnkit.types import scanning as types


@rule(types.SRNN_FORMAT)
class SRNNFormat(Layer):
    """Sequences of a map's rows with marks and the number of rows; with UNFORMAT the way back.

    Source: nian-liu/DSCLRCN caffe-master/src/caffe/layers/srnnformat_layer.cpp, Reshape.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.srnnformat_param
        back = p.operation == p.UNFORMAT
        axes, bottom_count, tops = (3, 2, 1) if back else (4, 1, 3)
        if (len(bottoms[0]), len(bottoms), len(layer.top)) != (axes, bottom_count, tops):
            raise DefinitionError(
                f"layer {layer.name!r}: {p.Operation.Name(p.operation)} needs {bottom_count} bottoms, the first of"
                f" {axes} axes, and {tops} tops; the bottoms are {bottoms}"
            )
        return scanning.SequencesToRows() if back else scanning.RowsToSequences()
