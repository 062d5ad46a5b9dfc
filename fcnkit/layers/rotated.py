"""Layers of detectors of rotated boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.caffe.param_str import settings_of
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, rule
from fcnkit.layers.regions import parts
from fcnkit.nn import rotated
from fcnkit.types import rotated as types

_RATIOS, _ANGLES = (0.2, 0.5, 1), (-30, 0, 30, 60, 90, 120)


@rule(types.ROTATED_PROPOSAL)
class RotatedProposal(Layer):
    """Rotated regions, with the project's settings for tests.

    Source: mjq11302010044/RRPN lib/rotation/rproposal_layer.py, setup; lib/rotation/generate_anchors.py;
    lib/fast_rcnn/config.py, __C.TEST.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        settings: dict[str, Any] = {"scales": (8, 16, 32), **settings_of(layer)}
        try:
            anchors = rotated.rotated_anchors(16, _RATIOS, [float(scale) for scale in settings["scales"]], _ANGLES)
            return rotated.RotatedProposals(anchors, int(settings["feat_stride"]), scores=len(layer.top) > 1)
        except (KeyError, TypeError, ValueError) as error:
            problem = f"feat_stride must be given: {error}" if isinstance(error, KeyError) else error
            raise DefinitionError(
                f"layer {layer.name!r}: param_str {layer.python_param.param_str!r}: {problem}"
            ) from None


@rule(types.ROTATE_ROI_POOLING)
class RotateROIPooling(Layer):
    """The largest positive values in parts of rotated regions."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.rotate_pooling_param
        return rotated.RotatedPool(*parts(layer, p.pooled_h, p.pooled_w), p.spatial_scale)
