"""torchvision's classifiers for nets that read images as Caffe's do: BGR, 0..255, minus a mean.

torchvision's read R, G and B from 0 to 1, minus a mean, over a deviation. The first convolution absorbs the order and
the scale; the mean becomes the net's. Nothing else changes: a bias applies after both, and the zeros that pad an image
stand for the mean before and after.

Sources: pytorch/vision torchvision/transforms/_presets.py, ImageClassification, and torchvision/models/vgg.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from fcnkit.caffe.messages import LayerParameter, NetParameter
from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import FcnkitError
from fcnkit.formats.names import is_torchvision, rename
from fcnkit.formats.resnet import caffes_resnet, is_resnet

# Of B, G and R: torchvision's deviation, and 255 x its mean (0.406, 0.456, 0.485).
_DEVIATION = (0.225, 0.224, 0.229)
PREPROCESSING = Preprocessing("BGR", mean=(103.53, 116.28, 123.675), source="torchvision's mean times 255")
# The first convolution of VGG and AlexNet, and a tensor that only GoogLeNet has.
_FIRST, _GOOGLENET = "features.0.weight", "inception3a.branch1.conv.weight"


class ConversionError(FcnkitError):
    """A torchvision classifier that cannot be converted for a net."""


def pixel_filters(filters: Tensor, name: str) -> Tensor:
    """Convert the filters of a classifier's first convolution to images of PREPROCESSING.

    Args:
        filters: (num_output, 3, kernel_h, kernel_w), for R, G and B of torchvision's normalized images.
        name: of the tensor, for the error.

    Returns:
        float32 of the same shape, for B, G and R.

    Raises:
        ConversionError: the filters do not read three channels.
    """
    if filters.dim() != 4 or filters.shape[1] != 3:
        raise ConversionError(f"{name!r} has shape {tuple(filters.shape)}; torchvision's filters read 3 channels")
    scale = 255 * torch.tensor(_DEVIATION, dtype=torch.float64)
    return (filters.flip(1).double() / scale[:, None, None]).float()


def require_classifier(state: Mapping[str, Tensor]) -> None:
    """Refuse weights without a classifier, whose images are normalized in another way.

    Raises:
        ConversionError: a bias of the classifier is not a number, as in VGG16_Weights.IMAGENET1K_FEATURES.
    """
    for name, tensor in state.items():
        if name.startswith("classifier.") and tensor.dim() == 1 and not torch.isfinite(tensor).all():
            raise ConversionError(
                f"{name!r} has values that are not numbers, as in torchvision's IMAGENET1K_FEATURES, whose images are"
                " normalized in another way; give IMAGENET1K_V1"
            )


def is_classifier(state: Mapping[str, Tensor]) -> bool:
    """Whether the names of a state dict are those of a classifier of torchvision's that `caffes` converts."""
    return is_torchvision(state) or is_resnet(state)


def caffes(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """A classifier of torchvision's under Caffe's names, and its first layer, whose filters are converted.

    Raises:
        ConversionError: it has no classifier, or its first filters do not read three channels.
    """
    require_classifier(state)
    first = "conv1.weight" if is_resnet(state) else _FIRST
    state = {**state, first: pixel_filters(state[first], first)}
    if is_resnet(state):
        return caffes_resnet(state), "conv1"
    at = list(state).index(first)
    renamed = rename(state, "caffe")
    return renamed, list(renamed)[at].rpartition(".")[0]


def for_net(
    state: Mapping[str, Tensor], definition: NetParameter
) -> tuple[dict[str, Tensor], dict[str, Preprocessing]]:
    """A state dict for a net with Caffe's names, and the images that its layers expect, where they are torchvision's.

    Args:
        state: of any net, without the names of wrappers.
        definition: of the net.

    Raises:
        ConversionError: it is a classifier of torchvision's, and the net is another.
    """
    layers = {layer.name: layer for layer in definition.layer}
    if any(name.rpartition(".")[0] in layers and not is_resnet(state) for name in state):
        return dict(state), {}
    if _GOOGLENET in state:
        raise ConversionError(
            "is torchvision's GoogLeNet, which has batch normalization and other filters than Caffe's; convert the"
            " module itself with fcnkit.from_torch"
        )
    if not is_classifier(state):
        return dict(state), {}
    _require_same(state, layers)
    renamed, first = caffes(state)
    return renamed, {first: PREPROCESSING}


def _require_same(state: Mapping[str, Tensor], layers: Mapping[str, LayerParameter]) -> None:
    """Refuse a net of the same names that computes something else."""
    if is_resnet(state):
        third = layers.get("res3a_branch2a")
        if third is not None and 2 in third.convolution_param.stride:
            depth = {22: 101, 35: 152}.get(max(_blocks(state)), 50)
            raise ConversionError(
                "is torchvision's ResNet, whose strides are in the 3 x 3 convolutions, and the net has them in the"
                f" 1 x 1; give the net torchvision-resnet{depth}"
            )
    elif "features.1.running_mean" in state and "bn1_1" not in layers:
        raise ConversionError(
            "is torchvision's VGG with batch normalization, and the net has none; convert the module itself with"
            " fcnkit.from_torch"
        )
    elif "features.3.weight" in state and "norm1" in layers:
        raise ConversionError(
            "is torchvision's AlexNet, which has other filters than Caffe's and no normalization; give the net"
            " torchvision-alexnet"
        )


def _blocks(state: Mapping[str, Tensor]) -> list[int]:
    """The numbers of the blocks in the third stage of a ResNet."""
    return [int(name.split(".")[1]) for name in state if name.startswith("layer3.")]
