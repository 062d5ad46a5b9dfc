"""Losses, and the accuracy, which compare scores with labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fcnkit.caffe import binaryproto
from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError, FileFormatError
from fcnkit.layers.base import Layer, Shape, canonical_axis, layer
from fcnkit.nn import loss


class _Loss(Layer):
    bottom_count = (2, 2)
    auto_top = True


@layer("Accuracy")
class Accuracy(Layer):
    """The share of right labels, and as an optional second top the share per class."""

    bottom_count = (2, 2)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.accuracy_param
        return loss.Accuracy(p.axis, p.top_k, ignore_label(p), max(len(layer.top), 1))


@layer("ContrastiveLoss")
class ContrastiveLoss(_Loss):
    """The distance of similar pairs, and what dissimilar ones lack to a margin."""

    bottom_count = (3, 3)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.contrastive_loss_param
        return loss.ContrastiveLoss(p.margin, p.legacy_version)


@layer("EuclideanLoss")
class EuclideanLoss(_Loss):
    """Half the squared distance of its bottoms."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return loss.EuclideanLoss()


@layer("HingeLoss")
class HingeLoss(_Loss):
    """One-versus-all hinge loss, of the missed margins or of their squares."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.hinge_loss_param
        return loss.HingeLoss(squared=p.Norm.Name(p.norm) == "L2")


@layer("InfogainLoss")
class InfogainLoss(_Loss):
    """The loss weighed by a matrix from a file or a third bottom, and as an optional second top the probabilities."""

    bottom_count = (2, 3)

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.infogain_loss_param
        if layer.loss_param.HasField("normalize"):
            raise DefinitionError(f"layer {layer.name!r}: InfogainLoss has no normalize; give normalization")
        axis = canonical_axis(layer, p.axis, bottoms[0])
        matrix = _matrix(layer) if len(bottoms) < 3 else None
        return loss.InfogainLoss(
            matrix, axis, ignore_label(layer.loss_param), normalization(layer), max(len(layer.top), 1)
        )


@layer("MultinomialLogisticLoss")
class MultinomialLogisticLoss(_Loss):
    """The mean of -log of each label's probability."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return loss.MultinomialLogisticLoss()


@layer("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(_Loss):
    """Cross entropy of scores, each of its own class, with targets from 0 to 1."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        return loss.SigmoidCrossEntropyLoss(ignore_label(layer.loss_param), normalization(layer, "BATCH_SIZE"))


@layer("SoftmaxWithLoss")
class SoftmaxWithLoss(_Loss):
    """The loss, and as an optional second top the probabilities."""

    def build(self, layer: Message, bottoms: Sequence[Shape]) -> nn.Module:
        for field in ("weight_by_label_freqs", "label_smoothing"):
            if getattr(layer.loss_param, field):
                raise DefinitionError(f"layer {layer.name!r}: {field}, of a fork of Caffe, is not supported")
        axis = canonical_axis(layer, layer.softmax_param.axis, bottoms[0])
        return loss.SoftmaxWithLoss(axis, ignore_label(layer.loss_param), normalization(layer), max(len(layer.top), 1))


def ignore_label(param: Message) -> int | None:
    """The label that a loss or an accuracy leaves out, if there is one."""
    return int(param.ignore_label) if param.HasField("ignore_label") else None


def normalization(layer: Message, default: str = "VALID") -> str:
    """The normalization of a loss by name, the old `normalize` field taken into account.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp and sigmoid_cross_entropy_loss_layer.cpp, LayerSetUp.
    """
    p = layer.loss_param
    if p.HasField("normalization"):
        return str(p.NormalizationMode.Name(p.normalization))
    if p.HasField("normalize"):
        return "VALID" if p.normalize else "BATCH_SIZE"
    return default


def _matrix(layer: Message) -> Tensor:
    """The matrix in the file that an InfogainLoss layer names; a relative path starts at the working directory."""
    source = layer.infogain_loss_param.source
    if not source:
        raise DefinitionError(f"layer {layer.name!r}: InfogainLoss needs its matrix: a third bottom, or a source")
    try:
        return torch.from_numpy(binaryproto.read(source))
    except FileFormatError as error:
        raise DefinitionError(f"layer {layer.name!r}: infogain matrix {error}") from None
