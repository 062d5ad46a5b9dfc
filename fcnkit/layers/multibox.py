"""The loss of single-shot detectors."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter, MultiBoxLossParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.loss import normalization
from fcnkit.nn import multibox
from fcnkit.types import multibox as types


@rule(types.MULTI_BOX_LOSS)
class MultiBoxLoss(Layer):
    """The loss of locations and scores, for training.

    Two more bottoms are the scores and the locations of RefineDet's first stage.

    Source: weiliu89/caffe (branch ssd) and sfzhang15/RefineDet src/caffe/layers/multibox_loss_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.multibox_loss_param
        if not p.num_classes:
            raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
        mining, sigmoid = p.MiningType.Name(p.mining_type), p.conf_loss_type == p.LOGISTIC
        suppression = self._suppression(p)
        refused = {
            "ignore_difficult_gt: true": p.ignore_difficult_gt,
            "share_location: false with a mining_type": not p.share_location and mining != "NONE",
            "share_location: false with use_prior_for_matching: false": not (
                p.share_location or p.use_prior_for_matching
            ),
            "six bottoms with another setting than RefineDet's": len(bottoms) > 4
            and not (p.share_location and p.use_prior_for_matching and mining == "MAX_NEGATIVE" and not suppression),
        }
        for setting, given in refused.items():
            if given:
                raise DefinitionError(f"layer {layer.name!r}: {setting} of MultiBoxLoss is not supported")
        if p.HasField("do_neg_mining") and p.do_neg_mining != (mining != "NONE"):
            raise DefinitionError(f"layer {layer.name!r}: do_neg_mining and mining_type contradict each other")
        if not 0 <= p.background_label_id < p.num_classes:
            raise DefinitionError(f"layer {layer.name!r}: background_label_id must be one of {p.num_classes} classes")
        # The fork confuses the labels of all other cases.
        if sigmoid and (p.background_label_id or mining == "NONE"):
            raise DefinitionError(f"layer {layer.name!r}: LOGISTIC needs background_label_id 0, and a mining_type")
        return multibox.MultiBoxLoss(
            p.num_classes,
            p.background_label_id,
            layer.prior_box_param.CodeType.Name(p.code_type),
            p.encode_variance_in_target,
            p.overlap_threshold if p.match_type == p.PER_PREDICTION else None,
            p.ignore_cross_boundary_bbox,
            p.loc_loss_type == p.L2,
            sigmoid,
            p.loc_weight,
            mining,
            p.neg_pos_ratio,
            p.neg_overlap,
            p.sample_size,
            p.use_difficult_gt,
            p.map_object_to_agnostic,
            normalization(layer),
            p.share_location,
            p.use_prior_for_matching,
            p.bp_inside,
            suppression,
            p.objectness_score,
        )

    def _suppression(self, p: MultiBoxLossParameter) -> tuple[float, int | None, bool] | None:
        q = p.nms_param
        if not p.HasField("nms_param") or q.nms_threshold <= 0:
            return None
        return q.nms_threshold, q.top_k if q.top_k > 0 else None, p.use_prior_for_nms
