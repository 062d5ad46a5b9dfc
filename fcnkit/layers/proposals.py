"""Layers that propose regions of an image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.caffe.param_str import settings_of
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.nn import proposals
from fcnkit.types import proposals as types

# The projects' settings for tests, under the names of proposal_param; 0 boxes stand for all.
_FASTER_RCNN = {"pre_nms_topn": 6000, "post_nms_topn": 300, "nms_thresh": 0.7, "min_size": 16}
_SSH = {"pre_nms_topn": 1000, "post_nms_topn": 0, "nms_thresh": None, "min_size": 0}


@rule(types.PROPOSAL)
class Proposal(Layer):
    """Regions by scores and offsets of anchors; boxes under min_size are kept with a score of 0.

    Source: sanghoon/caffe (branch dev_pvanet) src/caffe/layers/proposal_layer.cpp, LayerSetUp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.proposal_param
        if not p.ratio and not p.scale:
            return _fixed_proposals(layer)
        if not p.ratio or not p.scale or min([*p.ratio, *p.scale]) <= 0:
            raise DefinitionError(f"layer {layer.name!r}: ratio and scale must be given, and positive")
        return proposals.Proposals(
            proposals.anchors(p.base_size, list(p.ratio), list(p.scale), up=True),
            p.feat_stride,
            p.pre_nms_topn,
            p.post_nms_topn,
            p.nms_thresh,
            p.min_size,
            pair=True,
            drop=False,
            scores=len(layer.top) > 1,
            axes=1,
        )


def _fixed_proposals(layer: LayerParameter) -> nn.Module:
    """Regions as a Proposal that lists neither ratios nor scales makes them: three of each, or one.

    The fork drops no box at the last place of its largest anchor, however small.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/proposal_layer.cpp, LayerSetUp and
    Forward_cpu.
    """
    p = layer.proposal_param
    scales = (8, 16, 32) if p.anchor_scale == 3 else (32,)
    ratios = (0.5, 1, 2) if p.anchor_ratio == 3 else (1,)
    return proposals.Proposals(
        proposals.anchors(p.anchor_base_size, ratios, scales, up=True),
        p.feat_stride,
        p.pre_nms_topn,
        p.max_rois,
        p.rpn_nms_thresh,
        p.rpn_min_size,
        scores=len(layer.top) > 1,
    )


@rule(types.RPN)
class RPN(Layer):
    """Regions around anchors of whole pixels, in which boxes that overlap by nms_thresh are too many as well.

    Source: xyfer17/faster-rcnn-caffe src/caffe/layers/rpn_layer.cpp, LayerSetUp and nms.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.rpn_param
        if not p.ratio or min(p.ratio) <= 0 or not min([p.feat_stride, p.basesize, len(p.scale), *p.scale]):
            raise DefinitionError(
                f"layer {layer.name!r}: feat_stride, basesize, scale and ratio must be given, and positive"
            )
        boxes = proposals.anchors(p.basesize, list(p.ratio), list(p.scale), up=True)
        return proposals.WideProposals(
            [(int(left), int(top), int(right), int(bottom)) for left, top, right, bottom in boxes],
            p.feat_stride,
            p.per_nms_topn or None,
            p.post_nms_topn or None,
            float(np.nextafter(np.float32(p.nms_thresh), np.float32(-1))),
            p.boxminsize,
            scores=len(layer.top) > 1,
        )


@rule(types.FRCNN_PROPOSAL)
class FrcnnProposal(Layer):
    """Faster R-CNN's regions, with anchors and settings that the project reads from a file.

    The files' settings for tests differ in anchors and min_size alone, and anchors have no default.

    Source: makefile/frcnn src/caffe/FRCNN/frcnn_proposal_layer.cpp, Forward_cpu; examples/FRCNN/config.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, own = layer.frcnn_param, layer.proposal_param
        found = bottoms[1][1]
        if not p.anchors or len(p.anchors) != found:
            raise DefinitionError(
                f"layer {layer.name!r}: its anchors are in the project's configuration file: add those of {found // 4}"
                f" as frcnn_param {{ anchors: [-84, -40, 99, 55, ...] }}, not {len(p.anchors)} numbers"
            )
        numbers = iter(p.anchors)
        return proposals.Proposals(
            list(zip(numbers, numbers, numbers, numbers, strict=True)),
            own.feat_stride if own.HasField("feat_stride") else p.feat_stride,
            p.test_rpn_pre_nms_top_n,
            p.test_rpn_post_nms_top_n,
            p.test_rpn_nms_thresh,
            int(p.test_rpn_min_size),  # as the layer reads it
            scores=len(layer.top) > 1,
        )


class _PythonProposal(Layer):
    """Regions as Python layers propose them, with the settings of their projects unless param_str has others.

    The projects keep theirs in a file; in param_str they have the names of proposal_param: pre_nms_topn,
    post_nms_topn, nms_thresh and min_size.
    """

    defaults: Mapping[str, float | None]
    empty: proposals.Box | None = None

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        settings: dict[str, Any] = {"scales": (8, 16, 32), "ratios": (0.5, 1, 2), "base_size": 16}
        settings |= {**self.defaults, **settings_of(layer)}
        try:
            anchors = proposals.anchors(int(settings["base_size"]), settings["ratios"], settings["scales"])
            stride, count, found = int(settings["feat_stride"]), len(anchors), bottoms[1][1]
            if 4 * count != found and found % 4 == 0:
                raise ValueError(
                    f"{count} anchors need {2 * count} channels of scores and {4 * count} of offsets, and the bottoms"
                    f" have those of {found // 4}; add the project's scales or ratios, such as 'scales': [4, 8, 16, 32]"
                )
            return proposals.Proposals(
                anchors,
                stride,
                int(settings["pre_nms_topn"]) or None,
                int(settings["post_nms_topn"]) or None,
                None if settings["nms_thresh"] is None else float(settings["nms_thresh"]),
                float(settings["min_size"]),
                empty=self.empty,
                scores=len(layer.top) > 1,
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            problem = f"feat_stride must be given: {error}" if isinstance(error, KeyError) else error
            raise DefinitionError(
                f"layer {layer.name!r}: param_str {layer.python_param.param_str!r}: {problem}"
            ) from None


@rule(types.RPN_PROPOSAL)
class RPNProposal(_PythonProposal):
    """Faster R-CNN's regions, and R-FCN's.

    Source: rbgirshick/py-faster-rcnn lib/rpn/proposal_layer.py, setup; lib/fast_rcnn/config.py, __C.TEST;
    sanghoon/pva-faster-rcnn lib/rpn/proposal_layer.py for ratios.
    """

    defaults = _FASTER_RCNN


@rule(types.MNC_PROPOSAL)
class MNCProposal(_PythonProposal):
    """MNC's regions.

    Source: daijifeng001/MNC lib/pylayer/proposal_layer.py, setup; lib/mnc_config.py, TEST.
    """

    defaults = _FASTER_RCNN


@rule(types.SSH_PROPOSAL)
class SSHProposal(_PythonProposal):
    """SSH's faces, which may overlap: its net has several such layers, and their boxes are compared afterwards.

    Source: mahyarnajibi/SSH SSH/layers/proposal_layer.py, setup; SSH/configs/default_config.yml, TEST.
    """

    defaults = _SSH
    empty = (0, 0, 16, 16)


@rule(types.POSE_REGION)
class PoseRegion(Layer):
    """Regions around a joint of poses.

    Source: xinghaochen/Pose-REN src/libs/python_layers/py_generate_roi_layer.py, setup.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = settings_of(layer)
        try:
            joint, by = int(p["joint_idx"]), p["spatial_mul"]
            region, image = (p["roi_h"] * by, p["roi_w"] * by), (p["img_h"], p["img_w"])
        except (KeyError, TypeError, ValueError) as error:
            raise DefinitionError(
                f"layer {layer.name!r}: param_str {layer.python_param.param_str!r}: {error}"
            ) from None
        joints = math.prod(bottoms[0][1:]) // 3
        if not 0 <= joint < joints:
            raise DefinitionError(f"layer {layer.name!r}: joint_idx {joint} is outside the pose's {joints} joints")
        return proposals.PoseRegions(joint, region, image)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True
