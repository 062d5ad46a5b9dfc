"""Crops without an offset, which Caffe's forks read in two ways.

BVLC's Caffe crops at 0 (BVLC/caffe src/caffe/proto/caffe.proto, CropParameter). The Crop of s9xie/hed,
zeakey/DeepSkeleton and kmaninis/COB has no settings: it derives the offset from the coordinate maps of its bottoms
(src/caffe/layers/crop_layer.cpp of each, LayerSetUp). A Crop without crop_param looks the same in both; one with a
crop_param is BVLC's, since the forks have no such message. The AutoCrop of yun-liu/rcf always derives the offset, and
becomes a Crop here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fcnkit.errors import ArgumentError, DefinitionError
from fcnkit.geometry.coordinates import Coordinates
from fcnkit.geometry.crops import Crop
from fcnkit.geometry.report import pair
from fcnkit.types.combine import AUTO_CROP, CROP

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter, NetParameter

DERIVED, ZERO = "derived", "zero"
CHOICES = (DERIVED, ZERO)


def settle_crops(net: NetParameter, choice: str | None) -> list[str]:
    """Write, in place, the offset of each Crop without crop_param for which the two readings differ.

    A Crop whose derived offset is 0, or for which none can be derived, runs in BVLC's Caffe alone or the same in both:
    it is left as it is.

    Args:
        net: a V2 net.
        choice: "derived" or "zero"; None refuses nets in which the two differ.

    Returns:
        Remarks: the offsets that were written, as a line of text if there are any.

    Raises:
        ArgumentError: there is no such choice.
        DefinitionError: choice is None, and a Crop would have different offsets.
    """
    if choice not in (None, *CHOICES):
        raise ArgumentError(f"crop must be {' or '.join(map(repr, CHOICES))}, not {choice!r}")
    automatic = [layer for layer in net.layer if layer.type == AUTO_CROP.name]
    if not automatic and all(layer.type != CROP.name or layer.HasField("crop_param") for layer in net.layer):
        return []
    traced = list(zip(net.layer, Coordinates(net).layers, strict=True))
    crops = [(layer, each.crop) for layer, each in traced if each.crop is not None]
    open_crops = [(layer, crop) for layer, crop in crops if layer.type == CROP.name and _differs(layer, crop)]
    if open_crops and choice is None:
        raise DefinitionError(_question(open_crops))
    for layer, crop in open_crops:
        layer.crop_param.offset.extend([0] if choice == ZERO else crop.offsets())
    listed = "" if choice == ZERO else f": {_listed(open_crops)}"
    derived = [(layer, crop) for layer, crop in crops if layer.type == AUTO_CROP.name]
    for layer, crop in derived:
        layer.crop_param.offset.extend(crop.offsets())
        layer.type = CROP.name
    remarks = [f"crops at {choice} offsets{listed}"] if open_crops else []
    return remarks + ([f"crops at {DERIVED} offsets: {_listed(derived)}"] if derived else [])


def _differs(layer: LayerParameter, crop: Crop) -> bool:
    if layer.HasField("crop_param") or not layer.top or crop.derived is None:
        return False
    return any(crop.derived)


def _listed(crops: list[tuple[LayerParameter, Crop]]) -> str:
    return ", ".join(f"{layer.name!r} (top {layer.top[0]!r}) {pair(crop.derived or (0, 0))}" for layer, crop in crops)


def _question(crops: list[tuple[LayerParameter, Crop]]) -> str:
    plural = len(crops) > 1
    return (
        f"{len(crops)} Crop layer{'s state' if plural else ' states'} no offset: BVLC's Caffe crops at 0 ({ZERO!r}), "
        f"the Caffe of HED at the offset{'s' * plural} derived from the coordinate maps ({DERIVED!r}), "
        f"here {_listed(crops)}; choose with `crop`"
    )
