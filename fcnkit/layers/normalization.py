"""Layers that normalize a blob."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fcnkit.aliases import Shape
from fcnkit.caffe.messages import FillerParameter, LayerParameter
from fcnkit.errors import DefinitionError
from fcnkit.layers.base import Layer, canonical_axis, rule
from fcnkit.nn import affine, normalization
from fcnkit.types import normalization as types


@rule(types.BATCH_NORM)
class BatchNorm(Layer):
    """Normalizes each channel by stored statistics, or by those of the batch; a Scale layer usually follows.

    NVCaffe's BatchNorm has two more blobs, scale and bias, if scale_bias, scale_filler or bias_filler is given. Its
    third blob is then unused instead of being the scale factor. Version 0.15 stored scale and bias first and the
    unused blob last, all with four axes.

    Source: BVLC/caffe src/caffe/layers/batch_norm_layer.cpp; NVIDIA/caffe (branch caffe-0.17)
    src/caffe/layers/batch_norm_layer.cpp, and src/caffe/net.cpp, CopyTrainedLayersFrom.
    """

    blob_names = ("mean", "variance", "scale_factor")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.batch_norm_param
        if len(bottoms[0]) < 2:
            raise DefinitionError(f"layer {layer.name!r}: BatchNorm reads blobs of 2 axes or more, not {bottoms[0]}")
        if self._scales(layer):
            if len(bottoms[0]) != 4:
                raise DefinitionError(f"layer {layer.name!r}: a BatchNorm that scales reads 4 axes, not {bottoms[0]}")
            module = nn.BatchNorm2d(bottoms[0][1], max(p.eps, 1e-5), 1 - p.moving_average_fraction)
            module.register_buffer("scale_factor", torch.ones(1))
            return module
        if not p.add_eps_before_sqrt:
            if p.HasField("use_global_stats") and not p.use_global_stats:
                raise DefinitionError(f"layer {layer.name!r}: statistics of the batch need add_eps_before_sqrt")
            return normalization.BatchNormOutside(bottoms[0][1], p.eps)
        stored = p.use_global_stats if p.HasField("use_global_stats") else None
        return normalization.BatchNorm(bottoms[0][1], p.eps, p.moving_average_fraction, stored)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        if not self._scales(layer):
            return super().blobs(module, layer)
        return [getattr(module, name) for name in ("running_mean", "running_var", "scale_factor", "weight", "bias")]

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        if self._scales(layer) and len(stored) == 5 and stored[4].size == 1 < stored[0].size:
            scale, bias, mean, variance, unused = (array.reshape(-1) for array in stored)
            return mean, variance, unused, scale, bias
        return stored

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.batch_norm_param
        if not self._scales(layer):
            return []
        constants = [type(p.scale_filler)(value=value) for value in (0, 0, 1)]
        scale = p.scale_filler if p.HasField("scale_filler") else constants[2]
        return [*constants, scale, p.bias_filler]

    def batchwise(self, layer: LayerParameter) -> bool:
        p = layer.batch_norm_param
        return self._scales(layer) or bool(p.use_global_stats or not p.HasField("use_global_stats"))

    @staticmethod
    def _scales(layer: LayerParameter) -> bool:
        p = layer.batch_norm_param
        return bool(p.scale_bias or p.HasField("scale_filler") or p.HasField("bias_filler"))


@rule(types.BN)
class BN(Layer):
    """Three layers of the same name, distinguished by settings that only one of them has.

    SegNet's has 2 blobs, scale and shift. In the mode INFERENCE it only applies these, because the statistics have
    been merged into them. In the mode LEARN it normalizes with the batch's own statistics in both phases, and
    returns the statistics as further tops.
    PSPNet's has 4 blobs, slope, bias, mean and variance; if frozen, it uses the stored statistics in training too.
    All blobs have the shape (1, channels, 1, 1), or in nets for video (1, channels).

    Source: alexgkendall/caffe-segnet src/caffe/layers/bn_layer.cpp; hszhao/PSPNet src/caffe/layers/bn_layer.cpp;
    mzolfaghari/ECO-efficient-video-understanding caffe_3d/src/caffe/layers/bn_layer.cpp, cudnn_bn_layer.cpp.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.bn_param
        channels = bottoms[0][1] if len(bottoms[0]) > 1 else 0
        if types.keeps_averages(layer):
            if not p.moving_average or len(bottoms[0]) != 4:
                raise DefinitionError(
                    f"layer {layer.name!r}: BN with moving averages reads blobs of 4 axes, not of shape {bottoms[0]};"
                    " moving_average must be true"
                )
            return affine.MovingAverageNorm(channels, p.var_eps, 1 - p.decay)
        if len(bottoms[0]) == 2 and self._is_pspnets(layer) and not p.frozen:
            return nn.BatchNorm1d(channels, p.eps, 1 - p.momentum)
        if len(bottoms[0]) == 5 and self._is_pspnets(layer):
            volumes = normalization.FrozenBatchNorm3d if p.frozen else nn.BatchNorm3d
            return volumes(channels, p.eps, 1 - p.momentum)
        if len(bottoms[0]) not in ((4,) if self._is_pspnets(layer) else (2, 4)):
            raise DefinitionError(f"layer {layer.name!r}: BN reads blobs of 2 or 4 axes, not of shape {bottoms[0]}")
        if self._is_pspnets(layer):
            kind = normalization.FrozenBatchNorm2d if p.frozen else nn.BatchNorm2d
            return kind(channels, p.eps, 1 - p.momentum)
        if p.bn_mode == p.INFERENCE:
            return affine.Scale((channels,), bias=(channels,))
        return normalization.BatchStatisticsNorm(channels, 1e-9, len(layer.top))

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        names = ["weight", "bias", *(["running_mean", "running_var"] if self._stores(layer) else [])]
        return [getattr(module, name).view(1, -1, 1, 1) for name in names]

    def in_order(self, layer: LayerParameter, stored: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return [blob.reshape(*blob.shape, 1, 1) if blob.ndim == 2 else blob for blob in stored]

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.bn_param
        if types.keeps_averages(layer):
            return [p.scale_filler, p.shift_filler, *(type(p.shift_filler)(value=value) for value in (0, 1))]
        if not self._is_pspnets(layer):
            return [p.scale_filler, p.shift_filler]
        return [p.slope_filler, p.bias_filler, *(type(p.bias_filler)(value=value) for value in (0, p.frozen))]

    def batchwise(self, layer: LayerParameter) -> bool:
        return self._stores(layer) or layer.bn_param.bn_mode == layer.bn_param.INFERENCE

    def _stores(self, layer: LayerParameter) -> bool:
        """Whether the layer stores statistics."""
        return types.keeps_averages(layer) or self._is_pspnets(layer)

    @staticmethod
    def _is_pspnets(layer: LayerParameter) -> bool:
        pspnets = types.is_pspnets(layer)
        if pspnets is None:
            raise DefinitionError(
                f"layer {layer.name!r}: BN is SegNet's, with 2 blobs, or PSPNet's, with 4;"
                " give bn_mode or slope_filler in bn_param to choose one"
            )
        return pspnets


@rule(types.LRN)
class LRN(Layer):
    """Local response normalization, across channels or within each; alpha is divided by the window's size."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.lrn_param
        if p.local_size % 2 == 0:
            raise DefinitionError(f"layer {layer.name!r}: local_size {p.local_size} must be odd")
        if p.norm_region == 0:
            return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)
        return normalization.LRNWithinChannel(p.local_size, p.alpha, p.beta)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.MVN)
class MVN(Layer):
    """Mean 0 and, unless normalize_variance is off, variance 1 of each channel or of each item."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.mvn_param
        return normalization.MeanVarianceNorm(p.across_channels, p.normalize_variance, p.eps)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.MVN_ND)
class MVNND(Layer):
    """Mean 0 and, unless normalize_variance is off, variance 1 of all axes from a stated one on."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.mvn_param
        if not p.HasField("axis"):
            raise DefinitionError(f"layer {layer.name!r}: axis must be given in mvn_param")
        axis = canonical_axis(layer, p.axis, bottoms[0])
        return normalization.MeanVarianceNorm(False, p.normalize_variance, p.eps, axis)

    def batchwise(self, layer: LayerParameter) -> bool:
        return layer.mvn_param.axis != 0


@rule(types.NORMALIZE)
class Normalize(Layer):
    """Divides each position, or each item across all positions, by its L2 norm, and multiplies by a weight.

    There is one weight for each channel, or one for all if channel_shared is set; blob 0 then has no axes.
    Without norm_param it is happynear's layer, which has no weight and may return the norms too.

    Source: weiliu89/caffe (branch ssd) src/caffe/layers/normalize_layer.cpp; happynear/caffe-windows, the same file.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.norm_param
        if len(bottoms[0]) < 2:
            raise DefinitionError(f"layer {layer.name!r}: Normalize reads blobs of 2 axes or more, not of {bottoms[0]}")
        if not types.is_ssds(layer):
            kind = layer.normalize_param.normalize_type
            if kind not in ("L1", "L2"):
                raise DefinitionError(f"layer {layer.name!r}: normalize_type is L2 or L1, not {kind}")
            return normalization.UnitVectors(int(kind[1]), norms=len(layer.top) > 1)
        return normalization.L2Norm(None if p.channel_shared else bottoms[0][1], p.across_spatial, p.eps)

    def blobs(self, module: nn.Module, layer: LayerParameter) -> list[Tensor]:
        return [module.get_parameter("weight")] if types.is_ssds(layer) else []

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        p = layer.norm_param
        return [p.scale_filler if p.HasField("scale_filler") else type(p.scale_filler)(value=1)]

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.GRN)
class GRN(Layer):
    """Divides each pixel's channels by their length."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return normalization.Normalized(whole=False, inside=layer.grn_param.bias)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.L2_NORMALIZE)
class L2Normalize(Layer):
    """Divides each item by its length."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return normalization.Normalized(whole=True, inside=1e-7)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.L2_NORM)
class L2Norm(Layer):
    """Divides each item by its length."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return normalization.Normalized(whole=True, least=1e-12)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.NORM)
class Norm(Layer):
    """Divides each pixel's channels by their length."""

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        return normalization.Normalized(whole=False, outside=1e-6)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.LAYER_NORM)
class LayerNorm(Layer):
    """Mean 0 and variance 1 of each item, then a weight and a bias for each of its values.

    Source: foss-for-synopsys-dwc-arc-processors/synopsys-caffe src/caffe/layers/layer_norm_layer.cpp.
    """

    blob_names = ("weight", "bias")

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p = layer.layer_norm_param
        if len(bottoms[0]) < 2:
            raise DefinitionError(f"layer {layer.name!r}: LayerNorm reads blobs of 2 axes or more, not of {bottoms[0]}")
        return nn.LayerNorm(bottoms[0][1:], p.eps, p.elementwise_affine)

    def fillers(self, layer: LayerParameter) -> list[FillerParameter]:
        return [FillerParameter(value=1), FillerParameter()]

    def batchwise(self, layer: LayerParameter) -> bool:
        return True


@rule(types.GROUP_NORM)
class GroupNorm(Layer):
    """Mean 0 and variance 1 of each of group_num groups of channels; it has no weights.

    Source: blankWorld/GroupNorm-caffe group_norm_layer.cpp and group_norm_layer.cu.
    """

    def build(self, layer: LayerParameter, bottoms: Sequence[Shape]) -> nn.Module:
        p, channels = layer.group_norm_param, bottoms[0][1] if len(bottoms[0]) > 1 else 0
        if p.group_num < 1 or not channels or channels % p.group_num:
            raise DefinitionError(f"layer {layer.name!r}: group_num {p.group_num} must divide {channels} channels")
        return nn.GroupNorm(p.group_num, channels, p.eps, affine=False)

    def batchwise(self, layer: LayerParameter) -> bool:
        return True
