"""Rewrites of the definition and the weights that make a net smaller and faster with the same outputs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from torch import nn

from fcnkit.caffe.inputs import to_legacy_inputs
from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import InputError
from fcnkit.inspect.summary import summarize
from fcnkit.net import CaffeNet
from fcnkit.nn.affine import Scale
from fcnkit.nn.combine import Split
from fcnkit.nn.normalization import BatchNorm
from fcnkit.simplification.editor import NetEditor


class Change(NamedTuple):
    """The effect of a rewrite, and the layers that it changed."""

    what: str
    layers: list[str]


class Simplified(NamedTuple):
    """A simplified net, the changes made to it, and its size before and after.

    Parameters are all values in the weights file; multiply-adds are those of one forward at the net's input
    shapes, counted as `fcnkit.inspect.summary` does.
    """

    net: CaffeNet
    changes: list[Change]
    parameters: tuple[int, int]
    multiply_adds: tuple[int, int]


def simplify(net: CaffeNet, *, mapped: bool = False) -> Simplified:
    """A smaller net that computes the same outputs; the given net is not changed.

    Args:
        net: in eval mode.
        mapped: let the result share unchanged weights with the net.

    Raises:
        InputError: the net is in train mode, where Dropout and BatchNorm behave differently.
    """
    return _rewritten(net, _REWRITES, mapped)


def fold_batchnorm(net: CaffeNet, *, mapped: bool = False) -> Simplified:
    """A net whose BatchNorm layers, and the Scale layers after them, are folded into the filters before them.

    If there are no filters before them, they become one Scale layer. Takes and raises what `simplify` does.
    """
    return _rewritten(net, [_BATCHNORMS], mapped)


def with_legacy_inputs(net: CaffeNet, *, mapped: bool = False) -> CaffeNet:
    """The same net with its inputs declared by the fields input and input_dim, as in Caffe's first years."""
    definition = copy.deepcopy(net.definition())
    to_legacy_inputs(definition)
    return net.rebuilt(definition, net.arrays(), mapped=mapped)


def _rewritten(net: CaffeNet, rewrites: Sequence[Rewrite], mapped: bool) -> Simplified:
    if net.training:
        raise InputError("only a net in eval mode can be simplified; call its eval()")
    editor = NetEditor(net)
    before = _parameters(editor)
    changes = []
    # Weights may be infinite or not numbers; then so are the folded ones.
    with np.errstate(all="ignore"):
        for what, rewrite in rewrites:
            if layers := rewrite(editor):
                changes.append(Change(what, layers))
    result = net.rebuilt(editor.definition(), editor.blobs, mapped=mapped)
    work = summarize(net).multiply_adds, summarize(result).multiply_adds
    return Simplified(result, changes, (before, _parameters(editor)), work)


def _parameters(editor: NetEditor) -> int:
    return sum(blob.size for layer in editor.layers for blob in editor.blobs.get(layer.name, ()))


def drop_identities(editor: NetEditor) -> list[str]:
    """Remove the layers that have no effect outside training: Dropout and Split."""
    idle = [layer for layer in editor.layers if type(editor.module(layer)) in (nn.Dropout, nn.Identity, Split)]
    return [layer.name for layer in idle if editor.bypass(layer)]


def fold_batchnorms(editor: NetEditor) -> list[str]:
    """Fold each BatchNorm that uses stored statistics, and a Scale after it, into the filters before it.

    If there are no filters before it, it becomes a Scale layer with a bias.
    """
    changed = []
    for layer in list(editor.layers):
        factors = _normalizing_factors(editor, layer)
        if factors is None:
            continue
        changed.append(layer.name)
        for field in ("batch_norm_param", "bn_param", "scale_param", "param"):
            layer.ClearField(field)
        layer.type = "Scale"
        layer.scale_param.bias_term = True
        editor.blobs[layer.name] = _as_blobs(factors)
        behind = editor.only_reader(layer)
        if behind is not None and _fold_back(editor, layer, behind):
            changed.append(behind.name)
        before = editor.producer(layer)
        if before is not None:
            _fold_back(editor, before, layer)
    return changed


def fold_scales(editor: NetEditor) -> list[str]:
    """Fold each Scale into the filters or the Scale before it, or else into the filters after it."""
    changed = []
    for layer in list(editor.layers):
        before, behind = editor.producer(layer), editor.only_reader(layer)
        if (before is not None and _fold_back(editor, before, layer)) or (
            behind is not None and _fold_forward(editor, layer, behind)
        ):
            changed.append(layer.name)
    return changed


def group_diagonal_deconvolutions(editor: NetEditor) -> list[str]:
    """Give each channel its own group where a dense Deconvolution has weights only from each channel to itself."""
    changed = []
    for layer in editor.layers:
        p = layer.convolution_param
        if layer.type != "Deconvolution" or p.group != 1 or editor.is_shared(layer):
            continue
        weight, *bias = editor.blobs[layer.name]
        channels = len(weight)
        across = ~np.eye(channels, dtype=bool)
        if weight.shape[1] != channels or channels == 1 or weight[across].any():
            continue
        p.group = channels
        own = np.arange(channels)
        editor.blobs[layer.name] = [weight[own, own][:, None], *bias]
        changed.append(layer.name)
    return changed


def name_convolutions(editor: NetEditor) -> list[str]:
    """Call the convolutions of forks, which have a filter for each channel, what they are: Convolution with group."""
    changed = []
    for layer in editor.layers:
        module = editor.module(layer)
        if isinstance(module, _CONVOLUTIONS) and layer.type != "Convolution":
            layer.type = "Convolution"
            layer.convolution_param.num_output, layer.convolution_param.group = module.out_channels, module.groups
            changed.append(layer.name)
    return changed


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# A layer without weights has no filters.
_NONE = (np.zeros(0),)


def _normalizing_factors(editor: NetEditor, layer: LayerParameter) -> tuple[np.ndarray, np.ndarray] | None:
    """Factor and bias for each channel that are equivalent to a normalizing layer; None for other layers.

    Source: BVLC/caffe src/caffe/layers/batch_norm_layer.cpp; hszhao/PSPNet and alexgkendall/caffe-segnet, bn_layer.cpp.
    """
    module = editor.module(layer)
    blobs = [blob.astype(np.float64).ravel() for blob in editor.blobs.get(layer.name, ())]
    if editor.is_shared(layer):
        return None
    if isinstance(module, BatchNorm) and module.use_stored is not False:
        mean, variance, (count,) = blobs
        share = 1 / count if count else 0.0
        factor = 1 / np.sqrt(variance * share + module.eps)
        return factor, -mean * share * factor
    if isinstance(module, nn.BatchNorm2d):
        slope, shift, mean, variance = blobs
        factor = slope / np.sqrt(variance + module.eps)
        return factor, shift - mean * factor
    if layer.type == "BN" and isinstance(module, Scale):
        return blobs[0], blobs[1]
    return None


def _factors(editor: NetEditor, layer: LayerParameter) -> tuple[np.ndarray, np.ndarray] | None:
    """A Scale layer's factor and bias, for each channel or one for all; None for other layers."""
    if layer.type != "Scale" or len(layer.bottom) != 1 or layer.scale_param.axis != 1 or editor.is_shared(layer):
        return None
    factor, *bias = (blob.astype(np.float64) for blob in editor.blobs[layer.name])
    return None if factor.ndim > 1 else (factor.ravel(), bias[0].ravel() if bias else np.zeros(1))


def _by_channels(editor: NetEditor, layer: LayerParameter, weight: np.ndarray, channels: int) -> np.ndarray | None:
    """A view on the weight of a layer with filters: (groups, outputs, inputs, places). None for other layers.

    Args:
        editor: of the layer's net.
        layer: the layer.
        weight: its weight, contiguous.
        channels: of an InnerProduct's bottom; 1 leaves all of its inputs together.
    """
    if len(layer.bottom) != 1 or len(layer.top) != 1 or editor.is_shared(layer):
        return None
    module = editor.module(layer)
    if isinstance(module, _CONVOLUTIONS):
        return weight.reshape(module.groups, len(weight) // module.groups, weight.shape[1], -1)
    if layer.type == "Deconvolution":
        groups = layer.convolution_param.group
        return weight.reshape(groups, len(weight) // groups, weight.shape[1], -1).swapaxes(1, 2)
    if layer.type == "InnerProduct" and layer.inner_product_param.axis == 1:
        rows = weight.T if layer.inner_product_param.transpose else weight
        # No reshape: it would copy the transposed weight.
        places = rows.shape[1] // channels
        shape = (1, len(rows), channels, places)
        return np.lib.stride_tricks.as_strided(
            rows, shape, (0, rows.strides[0], rows.strides[1] * places, rows.strides[1])
        )
    return None


def _fold_back(editor: NetEditor, before: LayerParameter, layer: LayerParameter) -> bool:
    """Multiply a Scale into the layer that makes its bottom, if nothing else reads it. Returns whether it was done."""
    factors = _factors(editor, layer)
    if factors is None or editor.only_reader(before) is not layer:
        return False
    own = _factors(editor, before)
    if own is not None:
        if len(own[0]) != len(factors[0]) or not editor.bypass(layer):
            return False
        before.scale_param.bias_term = True
        shape = editor.blobs[before.name][0].shape
        merged = own[0] * factors[0], own[1] * factors[0] + factors[1]
        editor.blobs[before.name] = [blob.reshape(shape) for blob in _as_blobs(merged)]
        return True
    weight, *bias = (blob.astype(np.float64, order="C") for blob in editor.blobs.get(before.name, _NONE))
    filters = _by_channels(editor, before, weight, 1)
    if filters is None or not editor.bypass(layer):
        return False
    groups, outputs = filters.shape[:2]
    factor, added = (np.broadcast_to(values, groups * outputs) for values in factors)
    filters *= factor.reshape(groups, outputs, 1, 1)
    _set_filters(editor, before, weight, (bias[0] if bias else 0) * factor + added)
    return True


def _fold_forward(editor: NetEditor, layer: LayerParameter, behind: LayerParameter) -> bool:
    """Multiply a Scale into the filters, if only they read its top. Returns whether it was done."""
    factors = _factors(editor, layer)
    if factors is None:
        return False
    weight, *bias = (blob.astype(np.float64, order="C") for blob in editor.blobs.get(behind.name, _NONE))
    filters = _by_channels(editor, behind, weight, len(factors[0]))
    p = behind.convolution_param
    # The padding that filters read has no bias; and the outputs of a Deconvolution do not all read the same inputs.
    bordered = behind.type == "Deconvolution" or any((*p.pad, p.pad_h, p.pad_w))
    if filters is None or (bordered and factors[1].any()) or not editor.bypass(layer):
        return False
    groups, _, inputs, _ = filters.shape
    factor, added = (np.broadcast_to(values, groups * inputs).reshape(groups, 1, inputs, 1) for values in factors)
    constant = (filters * added).sum((2, 3)).ravel()
    filters *= factor
    _set_filters(editor, behind, weight, (bias[0] if bias else 0) + constant if bias or constant.any() else None)
    return True


def _set_filters(editor: NetEditor, layer: LayerParameter, weight: np.ndarray, bias: np.ndarray | None) -> None:
    setting = layer.inner_product_param if layer.type == "InnerProduct" else layer.convolution_param
    setting.bias_term = bias is not None
    editor.blobs[layer.name] = _as_blobs([weight] if bias is None else [weight, bias])


def _as_blobs(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [value.astype(np.float32) for value in values]


# The name of a rewrite, and its function, which returns the names of the layers that it changed or removed.
Rewrite = tuple[str, Callable[[NetEditor], list[str]]]
_BATCHNORMS: Rewrite = ("folded BatchNorm", fold_batchnorms)
_REWRITES: list[Rewrite] = [
    ("dropped", drop_identities),
    ("made Convolution", name_convolutions),
    _BATCHNORMS,
    ("folded Scale", fold_scales),
    ("grouped", group_diagonal_deconvolutions),
]
