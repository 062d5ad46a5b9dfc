"""Layers of Ristretto, which compute with numbers of few bits."""

from __future__ import annotations

from dataclasses import replace

from fcnkit.types import convolution, linear
from fcnkit.types.record import ONE, LayerType, Origin


def _ristretto(name: str, plain: LayerType, file: str) -> LayerType:
    origin = Origin("pmgysel/caffe", f"src/caffe/ristretto/layers/{file}_ristretto_layer.cpp")
    return replace(plain, name=name, v1=None, origin=origin, bottoms=ONE, tops=ONE)


CONVOLUTION_RISTRETTO = _ristretto("ConvolutionRistretto", convolution.CONVOLUTION, "conv")
DECONVOLUTION_RISTRETTO = _ristretto("DeconvolutionRistretto", convolution.DECONVOLUTION, "deconv")
FC_RISTRETTO = _ristretto("FcRistretto", linear.INNER_PRODUCT, "fc")
