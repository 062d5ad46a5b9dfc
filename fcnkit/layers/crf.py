"""Conditional random fields between all pixels of an image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from fcnkit import crf
from fcnkit.aliases import Shape
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Elementwise, rule
from fcnkit.types import crf as types


@rule(types.DENSE_CRF)
class DenseCRF(Elementwise):
    """A dense CRF of scores, the height and width of each image, and the images.

    Without images there is no appearance. The images are read as they are: bi_rgb_std is in their units, and their
    means do not matter. The fork divides each sum of a kernel by the sum of its weights
    (src/caffe/util/densecrf_pairwise.cpp, PottsPotential).

    Source: TheLegendAli/DeepLab-Context src/caffe/layers/densecrf_layer.cpp; itlab-vision/ITLab-Vision-deeplab
    src/caffe/layers/densecrf_layer.cpp, whose output_probability can be off.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.dense_crf_param
        if len(bottoms) == 3:
            if not p.bi_w:
                raise DefinitionError(f"layer {layer.name!r}: it has an image as a bottom, and no bi_w")
            if len(bottoms[2]) != 4 or bottoms[2][1] != 3:
                raise DefinitionError(f"layer {layer.name!r}: it reads images of 3 channels, not {bottoms[2]}")
        try:
            return crf.PaddedDenseCRF(
                p.output_probability,
                max_iter=p.max_iter,
                pos_w=list(p.pos_w),
                pos_xy_std=list(p.pos_xy_std),
                bi_w=list(p.bi_w),
                bi_xy_std=list(p.bi_xy_std),
                bi_rgb_std=list(p.bi_rgb_std),
                normalization="after",
            )
        except ValueError as error:
            raise DefinitionError(f"layer {layer.name!r}: {error}") from None


@rule(types.MULTI_STAGE_MEANFIELD)
class MultiStageMeanfield(Elementwise):
    """CRF-RNN: mean field on scores, from the scores of a second bottom on, with the image as the third.

    The forks start the weights of the kernels as diagonal matrices. The first one reads the diagonals from files named
    spatial.par and bilateral.par; here they are spatial_filter_weight and bilateral_filter_weight, to which its nets
    set the same values. Later ones have them in the definition, as spatial_filter_weights_str and
    bilateral_filter_weights_str.

    Source: torrvision/caffe-tvg src/caffe/layers/multi_stage_meanfield.cpp, which has potentials of detections and
    superpixels as well, refused here; Seaball/crfasrnn_newercaffe src/caffe/layers/multi_stage_meanfield.cpp for the
    files.
    """

    blob_names = ("spatial_weight", "bilateral_weight", "compatibility")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.multi_stage_meanfield_param
        scores, _, image = bottoms
        if len(scores) != 4 or len(image) != 4 or image[1] != 3:
            raise DefinitionError(
                f"layer {layer.name!r}: it reads scores of 4 axes and images of 3 channels, not {scores} and {image}"
            )
        if p.num_iterations < 2:
            raise DefinitionError(f"layer {layer.name!r}: num_iterations must be at least 2")
        if p.detection_potentials_enabled or p.ho_potentials_enabled:
            raise DefinitionError(f"layer {layer.name!r}: potentials of detections and superpixels are not supported")
        classes = scores[1]
        diagonals = [
            _diagonal(layer, p.spatial_filter_weights_str, p.spatial_filter_weight, classes),
            _diagonal(layer, p.bilateral_filter_weights_str, p.bilateral_filter_weight, classes),
        ]
        try:
            return crf.CRFRNN(classes, p.num_iterations, p.theta_alpha, p.theta_beta, p.theta_gamma, *diagonals)
        except ValueError as error:
            raise DefinitionError(f"layer {layer.name!r}: {error}") from None

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        return [blob.view(1, 1, *blob.shape) for blob in super().blobs(module, layer)]


def _diagonal(layer: LayerParameter, text: str, one: float, classes: int) -> list[float]:
    """The weight of each class: the numbers in the text, else one for all."""
    try:
        found = [float(number) for number in text.split()] or [one] * classes
    except ValueError:
        found = []
    if len(found) != classes:
        raise DefinitionError(f"layer {layer.name!r}: {text!r} must be a number for each of the {classes} classes")
    return found
