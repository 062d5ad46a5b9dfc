"""Generated nets with a fraction of their channels, so that tests run them in no time."""

from __future__ import annotations

from typing import Any

from fcnkit.caffe import prototxt
from fcnkit.generation.nets import generate


def thin(text: str, by: int = 32) -> str:
    """A net with the channels of all but its score and upsampling layers divided."""
    net = prototxt.parse(text)
    for layer in net.layer:
        p = layer.convolution_param
        if layer.type == "Convolution" and not layer.name.startswith("score"):
            p.num_output = max(p.num_output // by, p.group)
    return prototxt.to_text(net)


def thin_net(net: Any = "fcn", phase: str = "train", **options: Any) -> str:
    return thin(generate(net, phase, **options))
