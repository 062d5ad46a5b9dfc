"""Layers of nets for optical flow and stereo: FlowNet, DispNet and FlowNet 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fcnkit.types.channels import KEPT, LOST, Channels, KeptByValue
from fcnkit.types.looks import PIXEL, SIZE, WHOLE, Everything, Look
from fcnkit.types.record import (
    AUGMENTS,
    COMPUTES,
    EACH,
    NONE,
    ONE,
    ONE_OR_TWO,
    PLAIN,
    SAMPLES,
    SINK,
    SOME,
    TWO,
    Count,
    Drawn,
    LayerType,
    Origin,
    Role,
    every,
    no_words,
)

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

_REPOSITORY = "lmb-freiburg/flownet2"
_WHOLE = every(WHOLE)
_DISPLACED = Everything("compares pixels at a distance", leads=False)


def _sized(layer: LayerParameter) -> Sequence[Look]:
    """A second bottom gives the size of the top."""
    looks: list[Look] = [WHOLE, SIZE]
    return looks[: len(layer.bottom)]


def _flow(
    name: str,
    file: str,
    bottoms: Count = ONE,
    tops: Count = ONE,
    looks: Callable[[LayerParameter], Sequence[Look]] = _WHOLE,
    channels: Channels = LOST,
    role: Role = COMPUTES,
    drawn: Drawn = PLAIN,
    repository: str = _REPOSITORY,
) -> LayerType:
    origin = Origin(repository, f"src/caffe/layers/{file}.cpp")
    return LayerType(name, None, origin, bottoms, tops, looks, channels, role, moves=False, drawn=drawn)


CORRELATION = _flow("Correlation", "correlation_layer", TWO, looks=every(_DISPLACED), drawn=Drawn("fuse", no_words))
CORRELATION_1D = _flow(
    "Correlation1D", "correlation_layer1d", TWO, looks=every(_DISPLACED), drawn=Drawn("fuse", no_words)
)
FLOW_WARP = _flow("FlowWarp", "flow_warp_layer", TWO, channels=KEPT)
RESAMPLE = _flow("Resample", "resample_layer", ONE_OR_TWO, looks=_sized, channels=KEPT, drawn=Drawn("up", no_words))
DOWNSAMPLE = _flow("Downsample", "downsample_layer", ONE_OR_TWO, looks=_sized, channels=KEPT)
ACCUM = _flow("Accum", "accum_layer", SOME, drawn=Drawn("fuse", no_words))
CHANNEL_NORM = _flow("ChannelNorm", "channel_norm_layer", looks=every(PIXEL))
MEAN = _flow(
    "Mean", "mean_layer", SOME, EACH, looks=every(PIXEL), channels=KeptByValue(param="mean_param", values="value")
)
NEG_RELU = _flow("NegReLU", "neg_relu_layer", looks=every(PIXEL), channels=KEPT)
NEG_SQUARE = _flow("NegSquare", "negsquare_layer", looks=every(PIXEL), channels=KEPT, repository="twhui/LiteFlowNet")
EXP_MAX = _flow("ExpMax", "expmax_layer", looks=every(PIXEL), channels=KEPT, repository="twhui/LiteFlowNet")
DATA_AUGMENTATION = _flow(
    "DataAugmentation", "data_augmentation_layer", ONE_OR_TWO, ONE_OR_TWO, channels=KEPT, role=AUGMENTS
)
RANDOM_CROP = _flow("RandomCrop", "random_crop_layer", channels=KEPT, role=SAMPLES, repository="leonzfa/iResNet")
FLOW_AUGMENTATION = _flow("FlowAugmentation", "flow_augmentation_layer", Count(3, 3), channels=KEPT, role=SINK)
GENERATE_AUGMENTATION_PARAMETERS = _flow(
    "GenerateAugmentationParameters", "generate_augmentation_parameters_layer", Count(1, 3), SOME, role=SINK
)
BLACK_AUGMENTATION = _flow("BlackAugmentation", "black_augmentation_layer", SOME, EACH, channels=KEPT, role=SINK)
FLO_WRITER = _flow("FLOWriter", "flowriter_layer", tops=NONE, role=SINK)
FLOAT_WRITER = _flow("FloatWriter", "floatwriter_layer", tops=NONE, role=SINK)
IMG_WRITER = _flow("ImgWriter", "imgwriter_layer", tops=NONE, role=SINK)
PFM_WRITER = _flow("PFMWriter", "pfm_writer_layer", tops=NONE, role=SINK)
