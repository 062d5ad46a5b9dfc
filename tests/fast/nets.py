"""Nets for the tests of fast runs: narrow ones, with weights that keep the spread of the values."""

from __future__ import annotations

import math

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from torch import Tensor, nn

from fcnkit.caffe import prototxt
from fcnkit.caffe.messages import NetParameter
from fcnkit.net import CaffeNet
from fcnkit.nn.affine import Scale
from fcnkit.nn.normalization import BatchNorm
from tests.paths import DATA


def thin(text: str, divisor: int = 16) -> NetParameter:
    """A net with fewer filters in each convolution of 64 or more."""
    net = prototxt.parse(text)
    for layer in net.layer:
        if layer.type == "Convolution" and layer.convolution_param.num_output >= 64:
            layer.convolution_param.num_output //= divisor
    return net


def classifier(name: str) -> str:
    """The prototxt of a well-known classifier, at an eighth of its width."""
    environment = Environment(loader=FileSystemLoader(DATA / "nets"), undefined=StrictUndefined)
    environment.globals["thin"] = 8
    return environment.get_template(f"{name}.j2").render()


@torch.no_grad()
def seeded(definition: NetParameter | str) -> CaffeNet:
    """The net with random weights; its background is not 0 anywhere."""
    net = CaffeNet(definition).eval()
    random = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, BatchNorm):
            module.mean.normal_(0, 9, generator=random)
            module.variance.uniform_(500, 1500, generator=random)
            module.scale_factor.fill_(999)
        elif isinstance(module, Scale | nn.PReLU):
            for parameter in module.parameters():
                parameter.uniform_(0.2, 1.2, generator=random)
        elif isinstance(module, nn.ConvTranspose2d):
            for parameter in module.parameters():
                parameter.normal_(0, 2 / math.prod(module.kernel_size) ** 0.5, generator=random)
        else:
            for name, parameter in module.named_parameters(recurse=False):
                spread = 0.3 if name == "bias" else (2 / parameter[0].numel()) ** 0.5
                parameter.normal_(0, spread, generator=random)
    return net


def image(*shape: int) -> Tensor:
    """Values of the size of pixels less their mean."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 60


def apart(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest value."""
    if found.shape != expected.shape or not expected.numel():
        return math.inf if found.shape != expected.shape else 0.0
    largest = float(expected.abs().max()) or 1.0
    return float((found - expected).abs().max()) / largest
