"""Default boxes of single-shot detectors."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import SIZE
from fcnkit.types.record import COMPUTES, ONE, PLAIN, TWO, LayerType, Origin, every


def _boxes(name: str, repository: str, file: str) -> LayerType:
    origin = Origin(repository, file)
    return LayerType(name, None, origin, TWO, ONE, every(SIZE), LOST, COMPUTES, moves=True, drawn=PLAIN)


PRIOR_BOX = _boxes("PriorBox", "weiliu89/caffe", "src/caffe/layers/prior_box_layer.cpp")
PRIOR_BOX_CLUSTERED = _boxes(
    "PriorBoxClustered",
    "openvinotoolkit/training_toolbox_caffe",
    "caffe/src/caffe/layers/prior_box_clustered_layer.cpp",
)
