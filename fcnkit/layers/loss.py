"""Losses and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe import binaryproto
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError, FileFormatError
from fcnkit.layers.base import Layer, canonical_axis, rule
from fcnkit.nn import loss
from fcnkit.types import loss as types


@rule(types.ACCURACY)
class Accuracy(Layer):
    """The fraction of correct predictions, and as an optional second top the fraction per class."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.accuracy_param
        return loss.Accuracy(p.axis, p.top_k, ignore_label(p), max(len(layer.top), 1))


@rule(types.SIGMOID_CROSS_ENTROPY_BALANCE_LOSS)
class SigmoidCrossEntropyBalanceLoss(Layer):
    """The cross entropy of edges and masks, which are few: both classes weigh as much in each image."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return loss.BalancedSigmoidCrossEntropyLoss()


@rule(types.CONTRASTIVE_LOSS)
class ContrastiveLoss(Layer):
    """The distance of similar pairs, and the shortfall of dissimilar pairs from a margin."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.contrastive_loss_param
        return loss.ContrastiveLoss(p.margin, p.legacy_version)


@rule(types.HINGE_LOSS)
class HingeLoss(Layer):
    """One-versus-all hinge loss, of the missed margins or of their squares."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.hinge_loss_param
        return loss.HingeLoss(squared=p.Norm.Name(p.norm) == "L2")


@rule(types.INFOGAIN_LOSS)
class InfogainLoss(Layer):
    """The loss weighted by a matrix from a file or a third bottom; an optional second top has the probabilities."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.infogain_loss_param
        if layer.loss_param.HasField("normalize"):
            raise DefinitionError(f"layer {layer.name!r}: InfogainLoss has no normalize; give normalization")
        axis = canonical_axis(layer, p.axis, bottoms[0])
        matrix = _matrix(layer) if len(bottoms) < 3 else None
        return loss.InfogainLoss(
            matrix, axis, ignore_label(layer.loss_param), normalization(layer), max(len(layer.top), 1)
        )


@rule(types.MULTINOMIAL_LOGISTIC_LOSS)
class MultinomialLogisticLoss(Layer):
    """The mean of -log of each label's probability."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return loss.MultinomialLogisticLoss()


@rule(types.SIGMOID_CROSS_ENTROPY_LOSS)
class SigmoidCrossEntropyLoss(Layer):
    """Cross entropy of scores, each of its own class, with targets from 0 to 1."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return loss.SigmoidCrossEntropyLoss(ignore_label(layer.loss_param), normalization(layer, "BATCH_SIZE"))


@rule(types.SOFTMAX_WITH_LOSS)
class SoftmaxWithLoss(Layer):
    """The loss, and as an optional second top the probabilities."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        for field in ("weight_by_label_freqs", "label_smoothing"):
            if getattr(layer.loss_param, field):
                raise DefinitionError(f"layer {layer.name!r}: {field}, of a fork of Caffe, is not supported")
        axis = canonical_axis(layer, layer.softmax_param.axis, bottoms[0])
        return loss.SoftmaxWithLoss(axis, ignore_label(layer.loss_param), normalization(layer), max(len(layer.top), 1))


def ignore_label(param: Any) -> int | None:
    """The label that a loss or an accuracy ignores, or None."""
    return int(param.ignore_label) if param.HasField("ignore_label") else None


def normalization(layer: LayerParameter, default: str = "VALID") -> str:
    """The name of the normalization of a loss, from `normalization` or the older field `normalize`.

    Source: BVLC/caffe src/caffe/layers/softmax_loss_layer.cpp and sigmoid_cross_entropy_loss_layer.cpp, LayerSetUp.
    """
    p = layer.loss_param
    if p.HasField("normalization"):
        return str(p.NormalizationMode.Name(p.normalization))
    if p.HasField("normalize"):
        return "VALID" if p.normalize else "BATCH_SIZE"
    return default


def _matrix(layer: LayerParameter) -> Tensor:
    """The matrix in the file that an InfogainLoss layer names; a relative path starts at the working directory."""
    source = layer.infogain_loss_param.source
    if not source:
        raise DefinitionError(f"layer {layer.name!r}: InfogainLoss needs its matrix: a third bottom, or a source")
    try:
        return torch.from_numpy(binaryproto.read(source))
    except FileFormatError as error:
        raise DefinitionError(f"layer {layer.name!r}: infogain matrix {error}") from None
