"""The record of a layer type: everything that is known of it without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fcnkit.types.channels import LOST, Channels
from fcnkit.types.looks import WHOLE, Look

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

BVLC = "BVLC/caffe"


@dataclass(frozen=True)
class Origin:
    """The Caffe that a type comes from, and the file that defines it there."""

    repository: str
    file: str


def bvlc(file: str) -> Origin:
    """A type of BVLC's Caffe, by the name of its source file."""
    return Origin(BVLC, f"src/caffe/layers/{file}_layer.cpp")


@dataclass(frozen=True)
class Count:
    """How many bottoms or tops a layer has: at least, and at most (None for any number)."""

    least: int
    most: int | None

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"

    def admits(self, number: int) -> bool:
        return number >= self.least and (self.most is None or number <= self.most)


NONE, ONE, TWO, THREE = (Count(number, number) for number in range(4))
ONE_OR_TWO, TWO_OR_THREE = Count(1, 2), Count(2, 3)
SOME, SEVERAL = Count(1, None), Count(2, None)
# One top for each bottom, all made with the same weights.
EACH = Count(1, None)


@dataclass(frozen=True)
class Role:
    """What a layer does in a net."""

    name: str


@dataclass(frozen=True)
class Data(Role):
    """Feeds data; the net that runs has an Input in its place.

    Attributes:
        label_per_image: whether the second top is one class label for each image, not a label map.
        old_transform: the message that held in V1 what transform_param holds now; "" for none.
    """

    label_per_image: bool
    old_transform: str


INPUT = Role("feeds what the caller gives")
SOURCE = Role("makes numbers that belong to the net")
COMPUTES = Role("computes")
LOSS = Role("is a loss: for training; a top that the net leaves out is made all the same")
SINK = Role("ends a branch that running the net does not need: scores, files, nothing at all")


@dataclass(frozen=True)
class Drawn:
    """How a layer is drawn: the kind of its box, and its settings in words, given the number of spatial axes."""

    kind: Literal["input", "filter", "up", "pool", "fuse", "plain"]
    words: Callable[[LayerParameter, int], Iterable[str]]


@dataclass(frozen=True)
class LayerType:
    """All that is known of a layer type without torch. No field has a default: a new type answers every question.

    Attributes:
        name: in a prototxt; of a Python layer "module.Class".
        v1: the name in the enum of old nets, None for a type that is younger.
        origin: whose type it is.
        bottoms, tops: how many it has. Tops that are EACH come from the bottoms one by one.
        looks: where a pixel of the tops looks in each bottom.
        channels: how many the tops have.
        role: what the layer does in a net.
        moves: whether it only passes values on or puts them elsewhere, and computes none.
        drawn: how it is drawn.
    """

    name: str
    v1: str | None
    origin: Origin
    bottoms: Count
    tops: Count
    looks: Callable[[LayerParameter], Sequence[Look]]
    channels: Channels
    role: Role
    moves: bool
    drawn: Drawn

    @property
    def of_fork(self) -> bool:
        """Whether BVLC's Caffe lacks the type."""
        return self.origin.repository != BVLC


def every(look: Look) -> Callable[[LayerParameter], Sequence[Look]]:
    """The same look into all bottoms."""
    return lambda layer: [look] * len(layer.bottom)


def no_words(layer: LayerParameter, axes: int) -> Iterable[str]:
    return ()


PLAIN = Drawn("plain", no_words)


def own_type(
    name: str, bottoms: Count = Count(0, None), tops: Count = Count(0, None), moves: bool = False
) -> LayerType:  # fmt: skip
    """A record for a type of a user's own of which no more is known: it may look at everything."""
    return LayerType(name, None, Origin("", ""), bottoms, tops, every(WHOLE), LOST, COMPUTES, moves, PLAIN)


def kind_of(layer: LayerParameter) -> str:
    """The name of a layer's type; of a Python layer "module.Class"."""
    if layer.type == "Python":
        return f"{layer.python_param.module}.{layer.python_param.layer}"
    return str(layer.type)
