"""Losses that compare numbers with numbers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import regression
from fcnkit.types import regression as types


@rule(types.EUCLIDEAN_LOSS)
class EuclideanLoss(Layer):
    """Half the squared distance of its bottoms."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return regression.EuclideanLoss()


@rule(types.L1_LOSS)
class L1Loss(Layer):
    """The distance of its bottoms; with l1_loss_param, or of one bottom, that of FlowNet.

    Source: NVIDIA/caffe src/caffe/layers/l1_loss_layer.cpp; lmb-freiburg/flownet2 src/caffe/layers/l1loss_layer.cpp,
    LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        if not layer.HasField("l1_loss_param") and len(bottoms) == 2:
            return regression.L1Loss()
        p = layer.l1_loss_param
        if not p.l2_per_location:
            return regression.MaskedL1Loss(p.plateau, p.normalize_by_num_entries)
        return regression.LpqLoss(
            2, 0.5, 0, p.epsilon, p.l2_prescale_by_channels, p.normalize_by_num_entries, p.plateau**2
        )


@rule(types.LPQ_LOSS)
class LpqLoss(Layer):
    """A power of the sum of powers of differences at each location.

    Source: lmb-freiburg/flownet2 src/caffe/layers/lpq_loss_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        q = layer.lpq_loss_param
        if len(q.p) != 1 or len(q.q) != 1 or [*q.pq_episode_starts_at_iter] not in ([], [0]):
            raise DefinitionError(
                f"layer {layer.name!r}: LpqLoss needs one p and one q; changes by iteration are not supported"
            )
        return regression.LpqLoss(
            q.p[0], q.q[0], q.p_epsilon, q.q_epsilon, q.l2_prescale_by_channels, q.normalize_by_num_entries
        )


@rule(types.SMOOTH_L1_LOSS)
class SmoothL1Loss(Layer):
    """The distance of its bottoms, quadratic where it is small; two further bottoms are inside and outside factors."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.smooth_l1_loss_param
        if len(bottoms) == 3:
            raise DefinitionError(
                f"layer {layer.name!r}: SmoothL1Loss needs both inside and outside weights, or none; it has one"
            )
        if not p.sigma > 0:
            raise DefinitionError(f"layer {layer.name!r}: sigma is {p.sigma:g}; it must be above 0")
        return regression.SmoothL1Loss(p.sigma)
