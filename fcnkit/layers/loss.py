"""Losses, and the accuracy, which compare scores with labels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.caffe.schema import Message
from fcnkit.layers.base import Layer, Shape, layer
from fcnkit.nn import loss


@layer("SoftmaxWithLoss")
class SoftmaxWithLoss(Layer):
    """The loss, and as an optional second top the probabilities."""

    auto_top = True

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.loss_param
        ignore = p.ignore_label if p.HasField("ignore_label") else None
        return loss.SoftmaxWithLoss(layer.softmax_param.axis, ignore, normalization(layer), max(len(layer.top), 1))


@layer("Accuracy")
class Accuracy(Layer):
    """The share of right labels, and as an optional second top the share per class."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.accuracy_param
        ignore = p.ignore_label if p.HasField("ignore_label") else None
        return loss.Accuracy(p.axis, p.top_k, ignore, max(len(layer.top), 1))


def normalization(layer: Message) -> str:
    """The normalization of a loss by name, the old `normalize` field taken into account.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp, LayerSetUp.
    """
    p = layer.loss_param
    if not p.HasField("normalization") and p.HasField("normalize"):
        return "VALID" if p.normalize else "BATCH_SIZE"
    return str(p.DESCRIPTOR.enum_types_by_name["NormalizationMode"].values_by_number[p.normalization].name)
