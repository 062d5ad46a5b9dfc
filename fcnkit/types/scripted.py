"""Layers that projects define in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, LOST, Channels
from fcnkit.types.looks import CHANNELWISE, PIXEL, SIZE, WHOLE, Look
from fcnkit.types.record import COMPUTES, ONE, PLAIN, SEVERAL, SINK, SOME, TWO, Count, LayerType, Origin, every

_SYNOPSYS, _DENSE_REG = "foss-for-synopsys-dwc-arc-processors/synopsys-caffe", "ralpguler/DenseReg"

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter


def _scripted(
    name: str,
    origin: Origin,
    bottoms: Count,
    looks: Callable[[LayerParameter], Sequence[Look]],
    channels: Channels = KEPT,
    tops: Count = ONE,
    moves: bool = False,
) -> LayerType:
    return LayerType(name, None, origin, bottoms, tops, looks, channels, COMPUTES, moves, PLAIN)


def _repeated_looks(layer: LayerParameter) -> Sequence[Look]:
    looks: list[Look] = [CHANNELWISE, SIZE]
    return looks[: len(layer.bottom)]


ADD_WEIGHT = _scripted(
    "add_weight.addWeight", Origin("JXingZhao/ContrastPrior", "caffe/lib/add_weight.py"), TWO, every(PIXEL)
)
NORM2 = _scripted(
    "norm2layer.Norm2Layer", Origin("luhaofang/tripletloss", "tripletloss/norm2layer.py"), ONE, every(WHOLE)
)
ORDINAL_DECODE = _scripted(
    "ordinal_decode_layer.OrdinalDecodeLayer",
    Origin("hufu6371/DORN", "caffe/pylayer/ordinal_decode_layer.py"),
    ONE,
    every(PIXEL),
    LOST,
)
CUSTOM_INTERPOLATION = _scripted(
    "custom_interpolation_layer.custom_interpolation_layer",
    Origin("CLT29/OpenSALICON", "custom_interpolation_layer.py"),
    ONE,
    every(WHOLE),
)
SPATIAL_REP = _scripted(
    "caffe_traininglayers.SpatialRepLayer",
    Origin("junyanz/interactive-deep-colorization", "caffe_files/caffe_traininglayers.py"),
    TWO,
    _repeated_looks,
)
# All bottoms at the size of the first, joined along the channels.
RESIZE_TO_SAME_SIZE = _scripted(
    "resize.resize_to_same_size", Origin("scutDACIM/MEnet", "layers/resize.py"), SOME, every(WHOLE), LOST
)
GUIDED_FILTER = _scripted("filter.guided_filer", Origin("scutDACIM/MEnet", "layers/filter.py"), ONE, every(WHOLE))
SEC_SOFTMAX = _scripted(
    "pylayers.SoftmaxLayer", Origin("kolesman/SEC", "pylayers/pylayers/pylayers.py"), ONE, every(PIXEL)
)
# Smooths probabilities for a loss of training.
SEC_CRF = replace(
    _scripted("pylayers.CRFLayer", Origin("kolesman/SEC", "pylayers/pylayers/pylayers.py"), TWO, every(WHOLE)),
    role=SINK,
)
CMAP = _scripted("cmap_layer.CmapLayer", Origin("weitianhan/human_parsing", "cmap_layer.py"), ONE, every(WHOLE))


def _writes_images(module: str) -> LayerType:
    origin = Origin("longriyao/caffe_colorizer", f"lib/{module}.py")
    return replace(_scripted(f"{module}.GenLayer", origin, SOME, every(WHOLE), LOST), role=SINK)


GEN_IMAGE, GEN_IMAGE_BN = _writes_images("gen_image"), _writes_images("gen_image_bn")
PAD_TENSOR = _scripted("pad.PadTensor", Origin(_SYNOPSYS, "python/pad.py"), ONE, every(WHOLE), moves=True)
TENSOR_SHAPE = _scripted("shape.TensorShape", Origin(_SYNOPSYS, "python/shape.py"), ONE, every(SIZE), LOST)
ACTIONS = _scripted(
    "caffe.custom_layers.actions_detection_output_layer.ActionsDetectionOutputLayer",
    Origin(
        "openvinotoolkit/training_toolbox_caffe",
        "caffe/python/caffe/custom_layers/actions_detection_output_layer.py",
    ),
    SEVERAL,
    every(WHOLE),
    LOST,
)
_FOUR = Count(4, 4)
COMBINE_REGRESSIONS = _scripted(
    "CombineRegressions.CombineRegressionsLayer",
    Origin(_DENSE_REG, "CombineRegressions.py"),
    _FOUR,
    every(PIXEL),
    tops=TWO,
)
COMBINE_REGRESSIONS_HUMAN = _scripted(
    "CombineRegressionsHuman.CombineRegressionsLayer",
    Origin(_DENSE_REG, "CombineRegressionsHuman.py"),
    _FOUR,
    every(PIXEL),
    tops=TWO,
)
