"""What an FCN is made of: the choices that the templates turn into a net."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fcnkit.errors import DefinitionError
from fcnkit.generation.rendering import whole

STRIDES = (32, 16, 8, 4)
UPSAMPLINGS = ("dense", "bilinear")
FUSIONS = ("", "early", "late")

# What kinds of data layers call the nets to train and to test with, where not train and val.
PHASES = {"siftflow": ("trainval", "test"), "nyud": ("trainval", "test")}


@dataclass(frozen=True)
class Solver:
    """How a net is trained; the defaults are those of the published nets. test_iter counts images."""

    base_lr: float = 1e-10
    momentum: float = 0.99
    iter_size: int = 1
    max_iter: int = 100_000
    snapshot: int = 4000
    test_iter: int = 736
    train_net: str = "train.prototxt"
    test_net: str = "val.prototxt"

    def __post_init__(self) -> None:
        for what in ("iter_size", "max_iter", "snapshot", "test_iter"):
            whole(what, getattr(self, what), least=0 if what == "snapshot" else 1)
        for what in ("base_lr", "momentum"):
            value = getattr(self, what)
            if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise DefinitionError(f"{what} is {value!r}; give a number from 0 up")

    def changed(self, settings: Mapping[str, Any]) -> Solver:
        """This solver with some settings changed; an unknown one is a DefinitionError."""
        unknown = settings.keys() - {known.name for known in fields(self)}
        if unknown:
            known = ", ".join(known.name for known in fields(self))
            raise DefinitionError(f"{', '.join(sorted(unknown))}: not a setting of a solver; there are {known}")
        return replace(self, **settings)


@dataclass(frozen=True)
class Net:
    """An FCN: backbone, output stride, heads, data.

    Args:
        backbone: names the template backbone_NAME.prototxt.j2.
        stride: of the finest features that are scored, in pixels of the input: 32, 16, 8 or 4.
        heads: classes of each head by its name; a single head may be called "".
        at_once: skips are scaled down, so that all strides train together.
        pad: of the first convolution, in pixels; None leaves it to the backbone, which then takes inputs from 1 x 1 up.
        upsampling: "dense" kernels, set by net surgery, or "bilinear" ones from their filler.
        average_pool: GoogLeNet keeps the average pool at its end.
        weights: a weight per class in the training loss of the heads named here.
        normalize: the loss is averaged over the pixels, not summed.
        data: kind of data layer, which names the template data_KIND.prototxt.j2, or MODULE.CLASS of a Python layer.
        root: folder of the published data sets.
        settings: of the data layer; they go before its own.
        inputs: channels of each input blob by its name.
        fusion: of several inputs: "early", stacked as channels, or "late", as the mean of two streams' scores.

    Raises:
        DefinitionError: what cannot be, with what could.
    """

    backbone: str = "vgg16"
    stride: int = 32
    heads: Mapping[str, int] = field(default_factory=lambda: {"": 21})
    at_once: bool = False
    pad: int | None = None
    upsampling: str = "dense"
    average_pool: bool = False
    weights: Mapping[str, Sequence[float]] = field(default_factory=dict)
    normalize: bool = False
    data: str = "voc"
    root: str = "../data"
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=lambda: {"data": 3})
    fusion: str = ""

    def __post_init__(self) -> None:
        if self.stride not in STRIDES:
            raise DefinitionError(f"stride is {self.stride!r}; give one of {', '.join(map(str, STRIDES))}")
        if self.upsampling not in UPSAMPLINGS:
            raise DefinitionError(f"upsampling is {self.upsampling!r}; give {' or '.join(UPSAMPLINGS)}")
        if self.at_once and self.stride == STRIDES[0]:
            raise DefinitionError(
                "at-once training scales the skips, but a net of stride 32 has none; give 16, 8 or 4 with `stride`"
            )
        if self.average_pool and self.backbone != "googlenet":
            raise DefinitionError(
                f"only googlenet ends in an average pool, {self.backbone} does not; leave `average_pool` out"
            )
        if self.fusion not in FUSIONS or bool(self.fusion) != (len(self.inputs) > 1):
            raise DefinitionError(f"fusion is {self.fusion!r}; give early or late for several inputs, none for one")
        if self.fusion and not self.backbone.startswith("vgg"):
            raise DefinitionError(f"only the VGG nets fuse inputs, not {self.backbone}; give vgg16 or vgg19")
        if self.fusion == "late" and (self.stride != STRIDES[0] or "" not in self.heads or len(self.inputs) != 2):
            raise DefinitionError("late fusion is of two streams that end in one head without a name, at stride 32")
        if self.pad is not None:
            whole("pad", self.pad, least=0)
        if not self.heads or ("" in self.heads and len(self.heads) > 1):
            raise DefinitionError("each of several heads needs a name")
        for name, classes in self.heads.items():
            whole(f"the number of classes of head {name!r}" if name else "the number of classes", classes)
        for name, weights in self.weights.items():
            self._check_weights(name, weights)

    def _check_weights(self, name: str, weights: Sequence[float]) -> None:
        if name not in self.heads:
            raise DefinitionError(
                f"weights are given for {name!r}, which is not a head; the heads are {', '.join(self.heads)}"
            )
        if len(weights) != self.heads[name]:
            raise DefinitionError(f"{len(weights)} weights for {self.heads[name]} classes; give one for each class")
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
            raise DefinitionError("a weight is negative or not a number; give numbers from 0 up")

    @property
    def labels(self) -> dict[str, str]:
        """The label blob of each head: its name, or `label` for a head without one."""
        return {name: name or "label" for name in self.heads}

    @property
    def tops(self) -> list[str]:
        """The blobs of the data layer: the inputs, then the labels."""
        return [*self.inputs, *self.labels.values()]

    @property
    def data_template(self) -> str:
        """Which template writes the data layer; a dotted name is a Python layer."""
        return "python_data" if "." in self.data else f"data_{self.data}"

    @property
    def phases(self) -> tuple[str, str]:
        """What this net's own files are called: the one to train with and the one to test with."""
        return PHASES.get(self.data, ("train", "val"))

    def phase(self, word: str) -> str:
        """Which of train, val and deploy is meant, by these words or the net's own."""
        train, test = self.phases
        known = {train: "train", test: "val", "train": "train", "val": "val", "deploy": "deploy"}
        if word not in known:
            raise DefinitionError(f"no phase is called {word!r}; there are {train}, {test} and deploy")
        return known[word]
