"""The loss of single-shot detectors."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.loss import normalization
from fcnkit.nn import multibox
from fcnkit.types import multibox as types


@rule(types.MULTI_BOX_LOSS)
class MultiBoxLoss(Layer):
    """The loss of locations and scores, for training.

    Default boxes that are decoded before they are matched, locations of each class, and suppression of overlaps before
    hard examples are chosen are refused.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/multibox_loss_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.multibox_loss_param
        if not p.num_classes:
            raise DefinitionError(f"layer {layer.name!r}: num_classes must be given")
        refused = {
            "share_location: false": not p.share_location,
            "use_prior_for_matching: false": not p.use_prior_for_matching,
            "bp_inside: true": p.bp_inside,
            "ignore_difficult_gt: true": p.ignore_difficult_gt,
            "nms_param": p.nms_param.nms_threshold > 0 and p.HasField("nms_param"),
        }
        for setting, given in refused.items():
            if given:
                raise DefinitionError(f"layer {layer.name!r}: {setting} of MultiBoxLoss is not supported")
        mining, sigmoid = p.MiningType.Name(p.mining_type), p.conf_loss_type == p.LOGISTIC
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
        )
