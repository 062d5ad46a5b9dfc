"""Layers of MS-CNN and Cascade R-CNN: boxes from several maps, refined stage by stage."""

from __future__ import annotations

from fcnkit.types.channels import LOST
from fcnkit.types.looks import WHOLE
from fcnkit.types.record import COMPUTES, ONE, ONE_OR_TWO, PLAIN, SEVERAL, SOME, TWO, Count, LayerType, Origin, every

_MSCNN, _CASCADE = "zhaoweicai/mscnn", "zhaoweicai/cascade-rcnn"


def _boxes(name: str, repository: str, file: str, bottoms: Count, tops: Count) -> LayerType:
    origin = Origin(repository, f"src/caffe/layers/{file}_layer.cpp")
    return LayerType(name, None, origin, bottoms, tops, every(WHOLE), LOST, COMPUTES, False, PLAIN)


BOX_OUTPUT = _boxes("BoxOutput", _MSCNN, "box_output", SOME, ONE_OR_TWO)
BOX_GROUP_OUTPUT = _boxes("BoxGroupOutput", _CASCADE, "box_group_output", SEVERAL, ONE_OR_TWO)
DECODE_BBOX = _boxes("DecodeBBox", _MSCNN, "decode_bbox", TWO, ONE)
FRCNN_OUTPUT = _boxes("FrcnnOutput", _CASCADE, "frcnn_output", Count(4, 4), ONE)
