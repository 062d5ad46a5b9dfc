"""Coordinate maps of a whole net: the grid of every blob, the offset of every Crop, the smallest input.

Blobs are traced forward. A layer that keeps no grid, such as an InnerProduct, begins a new one, and so does a join of
blobs that are not aligned. A Crop has an offset if both of its bottoms come from the same source, shifted by a whole
number of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fcnkit.errors import DefinitionError
from fcnkit.geometry.crops import Crop, CropError, crop_from, derive, more_pad
from fcnkit.geometry.grids import AxisWindow, Grid, Grids, windows
from fcnkit.types import kind_of, type_of
from fcnkit.types.looks import WHOLE, Around, Everything, Look, Pixel, Shifted, Sliding

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter, NetParameter

# Limits of the search for the smallest input, in pixels: practical nets need less of both.
LONGEST_PERIOD, LARGEST_INPUT = 4096, 2**20


@dataclass(frozen=True)
class Traced:
    """A layer of a traced net: the grids of its tops, and the window or crop that made them.

    reason explains why the tops begin new grids; "" if they do not.
    """

    name: str
    type: str
    bottoms: Sequence[str]
    tops: Sequence[str]
    grids: Sequence[Grids]
    windows: tuple[AxisWindow, AxisWindow] | None = None
    crop: Crop | None = None
    reason: str = ""


class Coordinates:
    """The coordinate maps of a net.

    Attributes:
        layers: the traced layers of a V2 net (see upgrade.upgrade_net), in the net's order.
        blobs: the grids of each blob after the last layer that writes it.
    """

    def __init__(self, net: NetParameter):
        self.layers: list[Traced] = []
        self.blobs: dict[str, Grids] = {}
        self._reasons: dict[str, str] = {}
        for layer in net.layer:
            self.layers.append(self._trace(layer))

    @property
    def crops(self) -> list[Crop]:
        return [layer.crop for layer in self.layers if layer.crop is not None]

    def _begin(self, blob: str, reason: str = "") -> Grids:
        self._reasons[blob] = reason
        self.blobs[blob] = {blob: (Grid(), Grid())}
        return self.blobs[blob]

    def _trace(self, layer: LayerParameter) -> Traced:
        for bottom in layer.bottom:
            if bottom not in self.blobs:
                self._begin(bottom)
        window, crop, reason = None, None, ""
        tops: list[Grids]
        try:
            looks = self._looks(layer)
            if isinstance(looks[0], Sliding):
                window = windows(looks[0])
                # A layer with several bottoms makes one top from each.
                sources = [*layer.bottom, *[layer.bottom[0]] * len(layer.top)][: len(layer.top)]
                tops = [_through(self.blobs[source], layer.name, window) for source in sources]
            elif isinstance(looks[0], Shifted):
                crop = crop_from(layer)
                derive(crop, self.blobs[crop.cropped], self.blobs[crop.reference], self._reasons)
                tops = [_cropped(self.blobs[crop.cropped], crop)] * len(layer.top)
            else:
                tops = [self._joined(layer, looks)] * len(layer.top)
            self.blobs |= dict(zip(layer.top, tops, strict=True))
        except DefinitionError as error:
            reason = str(error)
            tops = [self._begin(top, reason) for top in layer.top]
        return Traced(layer.name, kind_of(layer), layer.bottom, layer.top, tops, window, crop, reason)

    def _looks(self, layer: LayerParameter) -> Sequence[Look]:
        """Where a layer looks in its bottoms; a DefinitionError if its tops keep the grid of none of them."""
        record = type_of(layer)
        looks = record.looks(layer) if record is not None and layer.bottom else ()
        if not any(isinstance(look, Sliding | Shifted) or leads(look) for look in looks):
            why = next((look.why for look in looks if isinstance(look, Everything) and look != WHOLE), "keeps no grid")
            raise DefinitionError(f"{kind_of(layer)} {layer.name!r} {why}" if layer.bottom else "")
        return looks

    def _joined(self, layer: LayerParameter, looks: Sequence[Look]) -> Grids:
        """The grids of a layer that keeps those of its bottoms; the grids of several bottoms must be aligned."""
        first, *others = [
            _seen(self.blobs[bottom], look) for bottom, look in zip(layer.bottom, looks, strict=False) if leads(look)
        ]
        names = [bottom for bottom, look in zip(layer.bottom, looks, strict=False) if leads(look)]
        joined = dict(first)
        for name, other in zip(names[1:], others, strict=True):
            for source, grids in other.items():
                known = joined.setdefault(source, grids)
                for one, two in zip(known, grids, strict=True):
                    if one.map != two.map:
                        raise DefinitionError(
                            f"{kind_of(layer)} {layer.name!r} joins blobs that are not aligned: {names[0]!r} = "
                            f"{one.map} and {name!r} = {two.map}, x in pixels of {source!r}"
                        )
                if grids[0].field > known[0].field:
                    joined[source] = grids
        return joined

    def smallest_input(self) -> int:
        """The smallest height and width from which on every window fits and every crop stays inside its blob.

        Raises:
            CropError: a crop leaves its blob even for large inputs.
            DefinitionError: a window fits into no input.
        """
        return max(self._smallest(axis) for axis in (0, 1))

    def _smallest(self, axis: int) -> int:
        # A window that fits also fits into larger inputs, so the smallest input can be found by bisection.
        low, high = 0, 1
        while self._crop_sizes(high, axis) is None:
            low, high = high, 2 * high
            if high > LARGEST_INPUT:
                raise DefinitionError("a kernel or a pad is too large for any input")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._crop_sizes(middle, axis) is None else (low, middle)
        # An input larger by the common multiple of all strides makes each blob larger in proportion, so the sizes of
        # one period cover all.
        strides = {grids[axis].stride.numerator for blob in self.blobs.values() for grids in blob.values()}
        period = min(math.lcm(*strides), LONGEST_PERIOD)
        # A stated offset between blobs of different strides can fit small inputs by chance; a far larger one shows it.
        for size in (*range(high, high + period), high + 1000 * period):
            for crop, cropped, reference in self._crop_sizes(size, axis) or ():
                needed = (crop.offset or (0, 0))[axis] + reference
                if needed > cropped:
                    raise _left(crop, axis, f"for an input of size {size} it needs {needed} pixels", needed, cropped)
        return high

    def _crop_sizes(self, size: int, axis: int) -> list[tuple[Crop, int, int]] | None:
        """Each crop with the sizes of its bottoms for inputs of a size; None if a window does not fit."""
        sizes: dict[str, int | None] = {}
        found = []
        for layer in self.layers:
            bottom = sizes.get(layer.bottoms[0], size) if layer.bottoms else size
            top = bottom
            if layer.reason and layer.bottoms:
                top = None
            elif layer.windows and bottom is not None:
                top = layer.windows[axis].size(bottom)
                if top < 1:
                    return None
            elif layer.crop and axis >= layer.crop.axis:
                top = sizes.get(layer.crop.reference, size)
                if bottom is not None and top is not None:
                    found.append((layer.crop, bottom, top))
            sizes |= dict.fromkeys(layer.tops, top)
        return found


def leads(look: Look) -> bool:
    """Whether the tops of a layer lie on the grid of a bottom with this look."""
    return isinstance(look, Around) or (isinstance(look, Pixel | Everything) and look.leads)


def _left(crop: Crop, axis: int, when: str, needed: int, there: int) -> CropError:
    text = f"Crop {crop.layer!r} leaves {crop.cropped!r}: {when}, but there are {there}"
    if crop.grids:
        text += f"; {more_pad(*crop.grids[axis], needed - there)}; the maps are {crop.maps}"
    return CropError(text)


def fill(net: NetParameter, coordinates: Coordinates) -> NetParameter:
    """A copy of a net in which every Crop states its offset; stated offsets are kept.

    Raises:
        CropError: an offset is neither stated nor can be derived.
    """
    filled = type(net)()
    filled.CopyFrom(net)
    for layer, traced in zip(filled.layer, coordinates.layers, strict=True):
        if traced.crop is not None and traced.crop.stated is None:
            layer.crop_param.offset.extend(traced.crop.offsets())
    return filled


def _through(grids: Grids, layer: str, windows: tuple[AxisWindow, AxisWindow]) -> Grids:
    return {
        source: (height.through(layer, windows[0]), width.through(layer, windows[1]))
        for source, (height, width) in grids.items()
    }


def _seen(grids: Grids, look: Look) -> Grids:
    """The grids of a bottom, with the receptive fields of a layer that keeps them."""
    if not isinstance(look, Around):
        return grids
    return {source: (height.around(look.size), width.around(look.size)) for source, (height, width) in grids.items()}


def _cropped(grids: Grids, crop: Crop) -> Grids:
    if crop.offset is None:
        raise DefinitionError(f"Crop {crop.layer!r} has no offset")
    down, across = crop.offset
    return {source: (height.cropped(down), width.cropped(across)) for source, (height, width) in grids.items()}
