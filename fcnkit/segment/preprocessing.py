"""The preprocessing of the images that a net segments: stated by the net, or given by the caller."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from fcnkit.caffe.preprocessing import Preprocessing
from fcnkit.errors import DefinitionError, InputError
from fcnkit.net import CaffeNet


def image_preprocessing(
    net: CaffeNet, mean: Sequence[float] | None = None, scale: float | None = None, rgb: bool = False
) -> Preprocessing:
    """How images become the input of a net of one image.

    Args:
        net: the net.
        mean: one number for each channel or one for all, in the net's order; overrides the net's own.
        scale: the factor of the pixels less their mean; overrides the net's own.
        rgb: the net reads R, G, B; overrides its own order.

    Raises:
        DefinitionError: the net reads images of other than 1 or 3 channels.
        InputError: the mean or the scale does not fit the net, or neither is given and the net states none.
    """
    name = net.inputs[0]
    preprocessing, channels = net.preprocessing[name], net.shapes[name][1]
    if channels not in (1, 3):
        raise DefinitionError(f"the net reads {channels} channels; images have 3, or 1 if grey")
    if not preprocessing.known and mean is None and scale is None:
        raise InputError(
            f"the net does not state how pixels become its input {name!r}: {preprocessing.source}; give `mean` and"
            " `scale`, for example 0 and 1 for pixels 0..255 unchanged"
        )
    if rgb:
        if channels == 1:
            raise InputError("the net reads grey images; they have no order of channels")
        if preprocessing.channel_order == "BGR":
            # The means are reordered with their channels.
            preprocessing = replace(preprocessing, mean=preprocessing.mean[::-1])
        preprocessing = replace(preprocessing, channel_order="RGB", source="as given")
    if mean is not None:
        if len(mean) not in (1, channels):
            raise InputError(f"the mean has {len(mean)} numbers; the net reads {channels} channels")
        if not all(map(math.isfinite, mean)):
            raise InputError(f"the mean is {', '.join(map(str, mean))}; give finite numbers")
        preprocessing = replace(preprocessing, mean=tuple(mean), source="as given", known=True)
    if scale is not None:
        if not math.isfinite(scale):
            raise InputError(f"the scale is {scale}; give a finite number")
        preprocessing = replace(preprocessing, scale=scale, source="as given", known=True)
    return preprocessing
