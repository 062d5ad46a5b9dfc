"""The offset of a Crop, from where its two bottoms lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.geometry.grids import Grid, Grids, Map, WindowStep, exactly


class CropError(DefinitionError):
    """A Crop without an offset, or one that leaves its blob; shows both maps and what would help."""


@dataclass
class Crop:
    """A Crop layer and what follows for it; pairs are along height and width.

    Attributes:
        layer, cropped, reference: its name and those of its bottoms.
        axis: the first spatial axis that it crops, 0 for height or 1 for width.
        channels: 1 if it crops the channels too.
        stated: the offset in the net, None where it is missing.
        grids: of both bottoms, from a source that they share; none if they share none.
        maps: both in words.
        derived: the offset that follows from the grids, or error, why none does.
    """

    layer: str
    cropped: str
    reference: str
    axis: int
    channels: int
    stated: tuple[int, int] | None
    grids: list[tuple[Grid, Grid]] = field(default_factory=list)
    maps: str = ""
    derived: tuple[int, int] | None = None
    error: CropError | None = None

    @property
    def offset(self) -> tuple[int, int] | None:
        """What the layer crops by: what is stated, whatever follows."""
        return self.stated or self.derived

    def offsets(self) -> list[int]:
        """The derived offset as the layer states it: once if it is the same along all axes that are cropped.

        Raises:
            CropError: there is none.
        """
        if self.error is not None:
            raise self.error
        # derive leaves one of the two.
        assert self.derived is not None
        offsets = [0] * self.channels + list(self.derived[self.axis :])
        return offsets[:1] if len(set(offsets)) == 1 else offsets


def crop_from(layer: Message) -> Crop:
    """Read a Crop layer.

    Raises:
        DefinitionError: it has not two bottoms, or an offset for neither all axes nor each.
    """
    if len(layer.bottom) != 2:
        raise DefinitionError(f"Crop {layer.name!r} has {len(layer.bottom)} bottoms, not 2")
    axis = layer.crop_param.axis % 4
    if axis == 0:
        raise DefinitionError(f"Crop {layer.name!r} crops the images of a batch")
    spatial, offsets = max(axis - 2, 0), list(layer.crop_param.offset)
    stated = None
    if offsets:
        if len(offsets) not in (1, 4 - axis):
            raise DefinitionError(f"Crop {layer.name!r} has {len(offsets)} offsets, not 1 or {4 - axis}")
        offsets = offsets * (4 - axis) if len(offsets) == 1 else offsets
        height, width = [0] * spatial + offsets[-(2 - spatial) :]
        stated = height, width
    return Crop(layer.name, layer.bottom[0], layer.bottom[1], spatial, max(2 - axis, 0), stated)


def derive(crop: Crop, cropped: Grids, reference: Grids, reasons: Mapping[str, str]) -> None:
    """Find the offset at which the reference lies in what is cropped.

    Args:
        crop: what is found is filled in.
        cropped, reference: the grids of its bottoms.
        reasons: why blobs begin grids of their own, for those that do.
    """
    source = next((source for source in cropped if source in reference), None)
    if source is None:
        why = "".join(f"; {reasons[source]}" for source in [*cropped, *reference] if reasons.get(source))
        one, other = (", ".join(map(repr, sources)) for sources in (cropped, reference))
        crop.error = CropError(
            f"Crop {crop.layer!r}: {crop.cropped!r} goes back to {one} and {crop.reference!r} to {other}, "
            f"so their relative position is unknown{why}; state the offset"
        )
        return
    crop.grids = list(zip(cropped[source], reference[source], strict=True))
    crop.maps = f"{crop.cropped!r} = {_both(cropped[source])} and {crop.reference!r} = {_both(reference[source])}"
    crop.maps += f", x in pixels of {source!r}"
    offsets = [0] * crop.axis
    for own, target in crop.grids[crop.axis :]:
        between = own.map.after(target.map.inverse())
        if problem := _problem(crop, own, target, between):
            crop.error = CropError(f"Crop {crop.layer!r}: {problem}; the maps are {crop.maps}")
            return
        offsets.append(int(between.shift))
    crop.derived = offsets[0], offsets[1]


def _both(grids: tuple[Grid, Grid]) -> str:
    height, width = (str(grid.map) for grid in grids)
    return height if height == width else f"{height} down and {width} across"


def _problem(crop: Crop, cropped: Grid, reference: Grid, between: Map) -> str:
    """Why the map from the reference to what is cropped is no offset, and what would help; "" if it is one."""
    offset, scale = between.shift, between.scale
    if scale != 1:
        smaller = crop.cropped if scale < 1 else crop.reference
        return (
            f"{crop.cropped!r} has {exactly(scale)} pixels for each of {crop.reference!r}, not 1; "
            f"upsample {smaller!r} {exactly(max(scale, 1 / scale))} times as much"
        )
    if offset.denominator != 1:
        return f"the offset would be {exactly(offset)}, not a whole number; {_other_kernel(cropped, reference, offset)}"
    if offset < 0:
        return f"the offset would be {exactly(offset)}, below 0; {more_pad(cropped, reference, -offset)}"
    return ""


def _apart(cropped: Grid, reference: Grid) -> tuple[list[WindowStep], list[WindowStep]]:
    """The steps that only what is cropped has taken, and those that only the reference has."""
    own = [step for step in cropped.steps if step not in reference.steps]
    return own, [step for step in reference.steps if step not in cropped.steps]


def _other_kernel(cropped: Grid, reference: Grid, offset: Fraction) -> str:
    """Which kernel of an upsampling layer, smaller or larger by 1, makes the offset whole."""
    own, others = _apart(cropped, reference)
    for step in own[::-1] + others[::-1]:
        # A kernel that grows by 1 moves the centre by half a pixel of the layer's top, whichever way.
        moved = step.jump / step.window.stride / reference.stride / 2
        if step.window.up and (offset + moved).denominator == 1:
            kernel = step.window.kernel
            return f"give {step.layer!r} a kernel of {kernel - 1} or {kernel + 1}, not {kernel}"
    return "change a kernel or pad of the layers between"


def more_pad(cropped: Grid, reference: Grid, missing: Fraction | int) -> str:
    """Which pad would make up for so many missing pixels of the reference.

    A pad adds to what a convolution makes and takes away from what a Deconvolution makes; what is cropped needs more
    of the one or less of the other, or else the reference more of the other.
    """
    own, others = _apart(cropped, reference)
    for step in own + [step for step in others[::-1] if step.window.up]:
        window = step.window
        jump = step.jump / window.stride if window.up else step.jump
        change = math.ceil(missing * reference.stride / jump)
        pad = window.pad - change if window.up and step in own else window.pad + change
        if window.kernel > 1 and pad >= 0:
            return f"give {step.layer!r} a pad of {pad}, not {window.pad}"
    return f"increase a pad before the cropped blob by {exactly(Fraction(missing))}"
