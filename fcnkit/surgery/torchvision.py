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

from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import FcnkitError

# Of B, G and R: torchvision's deviation, and 255 x its mean (0.406, 0.456, 0.485).
_DEVIATION = (0.225, 0.224, 0.229)
PREPROCESSING = Preprocessing("BGR", mean=(103.53, 116.28, 123.675), source="torchvision's mean times 255")


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
