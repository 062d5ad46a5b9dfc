"""From images to label maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fcnkit.errors import DefinitionError
from fcnkit.net import CaffeNet


def input_from_image(image: Image.Image, preprocessing: Mapping[str, Any]) -> Tensor:
    """The values that a net reads for an image: no resizing, 0..255 unless the net says otherwise.

    Args:
        image: any mode; it is taken as RGB, or as grey for a net of one channel.
        preprocessing: of the net's input, as in `CaffeNet.preprocessing`.

    Returns:
        (1, channels, height, width) float32.
    """
    colour = preprocessing["channel_order"] == "BGR"
    pixels = np.array(image.convert("RGB" if colour else "L"), np.float32).reshape(image.height, image.width, -1)
    low, high = preprocessing["range"]
    pixels = pixels[:, :, ::-1] * ((high - low) / 255) + low
    if preprocessing["mean"]:
        pixels = pixels - np.array(preprocessing["mean"], np.float32)
    values = (pixels * preprocessing["scale"]).astype(np.float32).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(values)).unsqueeze(0)


@torch.inference_mode()
def label_map(net: CaffeNet, image: Image.Image) -> np.ndarray:
    """The class with the highest score at each pixel: (height, width) uint8.

    Raises:
        DefinitionError: the net does not map one image to one score map.
    """
    if len(net.inputs) != 1 or len(net.outputs) != 1 or net.inputs[0] not in net.preprocessing:
        ends = f"{', '.join(net.inputs)} to {', '.join(net.outputs)}"
        raise DefinitionError(f"the net maps {ends}; segmenting needs one image and one score")
    scores = net(input_from_image(image, net.preprocessing[net.inputs[0]]))
    assert isinstance(scores, Tensor)
    return scores[0].argmax(0).to(torch.uint8).numpy()
