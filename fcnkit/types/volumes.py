"""Layers of nets for video, whose blobs have an axis of time between the channels and the height."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from fcnkit.aliases import Shape
from fcnkit.types.channels import KEPT, Channels, Made
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, Drawn, LayerType, Origin, every, no_words

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_C3D, _VIDEO = "facebook/C3D", "chuckcho/video-caffe"


def _volume(name: str, origin: Origin, channels: Channels, drawn: Drawn) -> LayerType:
    return LayerType(name, None, origin, ONE, ONE, every(WHOLE), channels, COMPUTES, moves=False, drawn=drawn)


def _filters(param: str) -> Callable[[LayerParameter, Shape], Iterable[str]]:
    return lambda layer, bottom: [str(getattr(layer, param).num_output)]


def settings_field(layer: LayerParameter, kind: Literal["convolution", "pooling"]) -> str:
    """The field with the settings of a layer of C3D: that of version 1.1, or that of 1.0."""
    newer: Literal["convolution3d_param", "pooling3d_param"] = (
        "convolution3d_param" if kind == "convolution" else "pooling3d_param"
    )
    return newer if layer.HasField(newer) else f"{kind}_param"


class _Filters(Made):
    """num_output, in either version."""

    def of(self, layer: LayerParameter, bottoms: object) -> int:
        return int(getattr(layer, settings_field(layer, "convolution")).num_output)


_FILTERS = _Filters("convolution3d_param")


def _filter_words(layer: LayerParameter, bottom: Shape) -> Iterable[str]:
    return [str(_FILTERS.of(layer, ()))]


CONVOLUTION_3D = _volume(
    "Convolution3D",
    Origin(_C3D, "C3D-v1.1/src/caffe/layers/convolution3d_layer.cpp"),
    _FILTERS,
    Drawn("filter", _filter_words),
)
DECONVOLUTION_3D = _volume(
    "Deconvolution3D",
    Origin(_C3D, "C3D-v1.1/src/caffe/layers/deconvolution3d_layer.cpp"),
    _FILTERS,
    Drawn("up", _filter_words),
)
POOLING_3D = _volume(
    "Pooling3D", Origin(_C3D, "C3D-v1.1/src/caffe/layers/pool3d_layer.cpp"), KEPT, Drawn("pool", no_words)
)
ND_CONVOLUTION = _volume(
    "NdConvolution",
    Origin(_VIDEO, "src/caffe/layers/cudnn_ndconv_layer.cpp"),
    Made("convolution_param"),
    Drawn("filter", _filters("convolution_param")),
)
ND_POOLING = _volume(
    "NdPooling", Origin(_VIDEO, "src/caffe/layers/cudnn_ndpooling_layer.cpp"), KEPT, Drawn("pool", no_words)
)
_OF_VOLUMES = {CONVOLUTION_3D.name, POOLING_3D.name, ND_CONVOLUTION.name, ND_POOLING.name}


def reads_volumes(layer: LayerParameter) -> bool:
    """Whether a layer reads blobs of five axes."""
    pools = layer.pooling_param.each_kernel_size, layer.pooling_nd_param.kernel_size
    sizes = layer.convolution_param.kernel_size, *pools
    return layer.type in _OF_VOLUMES or 3 in map(len, sizes)
