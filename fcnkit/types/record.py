"""The record of a layer type: all its properties that do not need torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fcnkit.aliases import Shape
from fcnkit.types.channels import LOST, Channels
from fcnkit.types.looks import WHOLE, Look

if TYPE_CHECKING:
    from fcnkit.caffe.messages import LayerParameter

BVLC = "BVLC/caffe"


@dataclass(frozen=True)
class Origin:
    """The Caffe repository that a type comes from, and the file that defines it there."""

    repository: str
    file: str


def bvlc(file: str) -> Origin:
    """A type of BVLC's Caffe, by the name of its source file."""
    return Origin(BVLC, f"src/caffe/layers/{file}_layer.cpp")


@dataclass(frozen=True)
class Count:
    """The least and the greatest number of bottoms or tops of a layer; most is None for no limit."""

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
# One top for each bottom, all computed with the same weights.
EACH = Count(1, None)


@dataclass(frozen=True)
class Role:
    """The role of a layer in a net."""

    name: str


@dataclass(frozen=True)
class Data(Role):
    """Feeds data; in the net for inference an Input replaces it.

    Attributes:
        label_per_image: whether the second top is one class label for each image, not a label map.
        reads_images: whether it reads images from files and makes their pixels, after the transform that it states.
        old_transform: the V1 message with the fields that V2 moved to transform_param; "" for none.
    """

    label_per_image: bool
    reads_images: bool
    old_transform: str


@dataclass(frozen=True)
class Samples(Role):
    """Changes one of its bottoms for training; at inference its first top is that bottom.

    Attributes:
        bottom: the number of that bottom.
    """

    bottom: int


INPUT = Role("feeds the caller's values")
SOURCE = Role("makes values that belong to the net")
COMPUTES = Role("computes")
LOSS = Role("is a loss, for training; it makes a top even if the net names none")
# Sampled boxes, augmented images.
SAMPLES = Samples("changes its first bottom for training; at inference its first top is that bottom", 0)
# At inference it may still subtract a mean.
AUGMENTS = Role("augments its first bottom for training; at inference its first bottom and top are all that it has")
SINK = Role("ends a branch that inference does not need: metrics, files, silenced blobs")


@dataclass(frozen=True)
class Drawn:
    """The kind of a layer's box in drawings, and its settings as text, given its first bottom's shape (() for none)."""

    kind: Literal["input", "filter", "up", "pool", "fuse", "plain"]
    words: Callable[[LayerParameter, Shape], Iterable[str]]


@dataclass(frozen=True)
class LayerType:
    """The properties of a layer type that do not need torch. No field has a default: a new type must state all.

    Attributes:
        name: the type in a prototxt; "module.Class" for a Python layer.
        v1: the name in the enum of V1 nets, None for a type that V1 does not have.
        origin: the Caffe that defines it.
        bottoms, tops: their number. EACH makes one top from each bottom.
        looks: for each bottom, the pixels that a pixel of the tops depends on.
        channels: the number of channels of the tops.
        role: the role of the layer in a net.
        moves: whether it only passes values on or rearranges them, and computes none.
        drawn: its appearance in drawings.
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
    """The same look for all bottoms."""
    return lambda layer: [look] * len(layer.bottom)


def no_words(layer: LayerParameter, bottom: Shape) -> Iterable[str]:
    return ()


PLAIN = Drawn("plain", no_words)


def own_type(
    name: str, bottoms: Count = Count(0, None), tops: Count = Count(0, None), moves: bool = False
) -> LayerType:  # fmt: skip
    """A record for a user's own type, which may depend on all pixels of its bottoms."""
    return LayerType(name, None, Origin("", ""), bottoms, tops, every(WHOLE), LOST, COMPUTES, moves, PLAIN)


def kind_of(layer: LayerParameter) -> str:
    """The name of a layer's type; "module.Class" for a Python layer."""
    if layer.type == "Python":
        return f"{layer.python_param.module}.{layer.python_param.layer}"
    return str(layer.type)
