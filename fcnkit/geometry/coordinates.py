"""Coordinate maps of a whole net: the grid of every blob, the offset of every Crop, the inputs it can take.

Blobs are traced forward. A layer that keeps no grid, such as an InnerProduct, begins a new one, and so does a join of
blobs that lie apart. A Crop has an offset if both of its bottoms come from one beginning, a whole shift apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fcnkit.caffe.schema import Message
from fcnkit.errors import DefinitionError
from fcnkit.geometry.crops import Crop, CropError, crop_from, derive, more_pad
from fcnkit.geometry.grids import WINDOWED, AxisWindow, Grid, Grids, keeps_grid, windows

# No net's strides have a larger common multiple, and no kernel needs a larger input.
LONGEST_PERIOD, LARGEST_INPUT = 4096, 2**20


@dataclass(frozen=True)
class Traced:
    """A layer of a traced net: the grids of its tops and what made them.

    reason says why the tops begin grids of their own, where they do.
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
    """Where the blobs of a net lie.

    Attributes:
        layers: of a net of the present form (see upgrade.upgrade_net), as traced, in the net's order.
        blobs: the grids of each blob, as the last layer that writes it leaves them.
    """

    def __init__(self, net: Message):
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

    def _trace(self, layer: Message) -> Traced:
        for bottom in layer.bottom:
            if bottom not in self.blobs:
                self._begin(bottom)
        window, crop, reason = None, None, ""
        grids: Grids
        try:
            if layer.type in WINDOWED and layer.bottom:
                window = windows(layer)
                grids = _through(self.blobs[layer.bottom[0]], layer.name, window)
            elif layer.type == "Crop":
                crop = crop_from(layer)
                derive(crop, self.blobs[crop.cropped], self.blobs[crop.reference], self._reasons)
                grids = _cropped(self.blobs[crop.cropped], crop)
            elif layer.bottom and keeps_grid(layer):
                grids = self._joined(layer)
            else:
                raise DefinitionError(f"{layer.type} {layer.name!r} keeps no grid" if layer.bottom else "")
        except DefinitionError as error:
            reason = str(error)
            tops = [self._begin(top, reason) for top in layer.top]
        else:
            self.blobs |= dict.fromkeys(layer.top, grids)
            tops = [grids] * len(layer.top)
        return Traced(layer.name, layer.type, layer.bottom, layer.top, tops, window, crop, reason)

    def _joined(self, layer: Message) -> Grids:
        """The grids of a layer that keeps them; where several bottoms join, they must lie on each other."""
        joined = dict(self.blobs[layer.bottom[0]])
        for bottom in layer.bottom[1:] if layer.type in ("Eltwise", "Concat") else ():
            for source, grids in self.blobs[bottom].items():
                known = joined.setdefault(source, grids)
                for one, other in zip(known, grids, strict=True):
                    if one.map != other.map:
                        raise DefinitionError(
                            f"{layer.type} {layer.name!r} joins blobs that are not aligned:"
                            f" {layer.bottom[0]!r} = {one.map} and {bottom!r} = {other.map}, x in pixels of {source!r}"
                        )
                if grids[0].field > known[0].field:
                    joined[source] = grids
        return joined

    def smallest_input(self) -> int:
        """The least height and width from which on every window finds a place and every crop stays inside.

        Raises:
            CropError: a crop leaves its blob on inputs however large.
            DefinitionError: a window finds no place in any input.
        """
        return max(self._smallest(axis) for axis in (0, 1))

    def _smallest(self, axis: int) -> int:
        # A window that finds a place finds one in larger inputs too, so the least can be closed in on by halves.
        low, high = 0, 1
        while self._crop_sizes(high, axis) is None:
            low, high = high, 2 * high
            if high > LARGEST_INPUT:
                raise DefinitionError("a kernel or a pad is too large for any input")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._crop_sizes(middle, axis) is None else (low, middle)
        # An input larger by all strides' common multiple makes each blob larger in proportion: one period shows all.
        strides = {grids[axis].stride.numerator for blob in self.blobs.values() for grids in blob.values()}
        period = min(math.lcm(*strides), LONGEST_PERIOD)
        # A crop that states an offset between blobs of different strides, which fits by chance, shows in the distance.
        for size in (*range(high, high + period), high + 1000 * period):
            for crop, cropped, reference in self._crop_sizes(size, axis) or ():
                needed = (crop.offset or (0, 0))[axis] + reference
                if needed > cropped:
                    raise _left(crop, axis, f"for an input of size {size} it needs {needed} pixels", needed, cropped)
        return high

    def _crop_sizes(self, size: int, axis: int) -> list[tuple[Crop, int, int]] | None:
        """Each crop with the sizes of its bottoms for inputs of a size; None where a window finds no place."""
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


def _left(crop: Crop, axis: int, when: str, needed: int, there: int) -> CropError:
    text = f"Crop {crop.layer!r} leaves {crop.cropped!r}: {when}, but there are {there}"
    if crop.grids:
        text += f"; {more_pad(*crop.grids[axis], needed - there)}; the maps are {crop.maps}"
    return CropError(text)


def fill(net: Message, coordinates: Coordinates) -> Message:
    """A copy of a net in which every Crop states its offset; offsets that are there stay.

    Raises:
        CropError: one that states none has none.
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


def _cropped(grids: Grids, crop: Crop) -> Grids:
    if crop.offset is None:
        raise DefinitionError(f"Crop {crop.layer!r} has no offset")
    down, across = crop.offset
    return {source: (height.cropped(down), width.cropped(across)) for source, (height, width) in grids.items()}
