"""How many channels (axis 1) the tops of a layer have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fcnkit.types.axes import along_channels

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

UNKNOWN = 0


@dataclass(frozen=True)
class Kept:
    """As many as one of the bottoms has, the first by default."""

    bottom: int = 0

    def of(self, layer: LayerParameter, bottoms: Sequence[int]) -> int:
        """The channels of the tops from those of the bottoms, UNKNOWN if they cannot be determined."""
        return bottoms[self.bottom] if len(bottoms) > self.bottom else UNKNOWN


@dataclass(frozen=True)
class KeptByValue(Kept):
    """As many as the bottom has, one for each value of the field `values` of the message `param`."""

    param: str = ""
    values: str = ""

    def stated(self, layer: LayerParameter) -> int:
        """The number of values, which is that of the channels if it is not 1."""
        return len(getattr(getattr(layer, self.param), self.values))


@dataclass(frozen=True)
class Joined:
    """As many as all bottoms together, if they are joined along the channels."""

    def of(self, layer: LayerParameter, bottoms: Sequence[int]) -> int:
        if not along_channels(layer.concat_param, "concat_dim"):
            return bottoms[0]
        return sum(bottoms) if all(bottoms) else UNKNOWN


@dataclass(frozen=True)
class Made:
    """num_output of the layer's settings in the field `param`."""

    param: str

    def of(self, layer: LayerParameter, bottoms: Sequence[int]) -> int:
        return int(getattr(layer, self.param).num_output)


@dataclass(frozen=True)
class Filtered(Made):
    """num_output, by filters whose shape gives the number of channels that they read.

    rows: whether axis 0 of the filters counts the channels that are read; else axis 1 counts those of a group.
    """

    rows: bool

    def read(self, layer: LayerParameter, filters: Sequence[int]) -> int:
        """The channels of the bottom, from the shape of the filters."""
        return filters[0] if self.rows else filters[1] * int(getattr(layer, self.param).group)


@dataclass(frozen=True)
class OnePerFilter(Filtered):
    """As many as the bottom has: a filter for each channel, whatever num_output is."""

    def of(self, layer: LayerParameter, bottoms: Sequence[int]) -> int:
        return bottoms[0] if bottoms else UNKNOWN


@dataclass(frozen=True)
class Lost:
    """A number that depends on the sizes of the bottoms or on further settings of the layer."""

    def of(self, layer: LayerParameter, bottoms: Sequence[int]) -> int:
        return UNKNOWN


@dataclass(frozen=True)
class Cut(Lost):
    """Parts of a bottom, along its channels by default."""

    def along(self, layer: LayerParameter, axis: int) -> bool:
        """Whether a layer cuts its bottom along this axis: 0 for items, 1 for channels."""
        if axis == 1:
            return along_channels(layer.slice_param, "slice_dim")
        p = layer.slice_param
        return int(p.slice_dim if p.HasField("slice_dim") else p.axis) == axis

    def whole(self, layer: LayerParameter, last: int = UNKNOWN) -> int:
        """The length of the bottom along that axis by the points that cut it, UNKNOWN without any.

        Args:
            layer: the layer.
            last: the length of the last part, by default that of the one before.
        """
        points = [0, *layer.slice_param.slice_point]
        return UNKNOWN if len(points) == 1 else int(points[-1] + (last or points[-1] - points[-2]))


Channels = Kept | Joined | Made | Lost

KEPT, JOINED, LOST = Kept(), Joined(), Lost()
