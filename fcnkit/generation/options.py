"""The options of an FCN and of its solver, as the templates receive them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypedDict

from fcnkit.errors import DefinitionError, nearest
from fcnkit.generation.rendering import whole

STRIDES = (32, 16, 8, 4)
UPSAMPLINGS = ("dense", "bilinear")
FILLERS = ("none", "msra", "xavier")
FUSIONS = ("", "early", "late")

# By kind of data layer, the names of the nets for training and testing if they are not train and val.
PHASES = {"siftflow": ("trainval", "test"), "nyud": ("trainval", "test")}

# By kind of data layer, the settings that it has.
_DRAWN = {"seed", "split", "randomize"}
SETTINGS = {
    "voc": {"sbdd_dir", "voc_dir", "mean", *_DRAWN},
    "pascalcontext": {"voc_dir", "context_dir", *_DRAWN},
    "siftflow": {"siftflow_dir", *_DRAWN},
    "nyud": {"nyud_dir", "tops", *_DRAWN},
    "hdf5": {"source", "batch_size"},
    "images": {
        *("list", "mean", "batch_size", "seed", "randomize", "palette", "ignore", "classes"),
        *("augment", "patch", "rare", "train", "val"),
    },
}


@dataclass(frozen=True)
class Solver:
    """The settings of a solver; the defaults are those of the published nets. test_iter counts images."""

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

    @classmethod
    def names(cls) -> set[str]:
        """The names of the settings."""
        return {known.name for known in fields(cls)}

    def changed(self, settings: Mapping[str, Any]) -> Solver:
        """A copy with some settings replaced."""
        return replace(self, **settings)


@dataclass(frozen=True)
class Net:
    """An FCN: backbone, output stride, heads, data.

    Args:
        backbone: NAME of the template backbone_NAME.prototxt.j2.
        stride: stride of the finest features that are scored, in pixels of the input: 32, 16, 8 or 4.
        heads: number of classes of each head by its name; a single head may have the name "".
        at_once: scale the skips down, so that all strides train together.
        pad: pad of the first convolution, in pixels; None for the backbone's own, which accepts inputs from 1 x 1 up.
        upsampling: "dense" for kernels set by net surgery, or "bilinear" for kernels set by their filler.
        fillers: in training, the filler of the backbone's filters, "msra" or "xavier"; "none" leaves them at zero, for
            net surgery or trained weights. Score layers start at zero in any case.
        average_pool: keep the average pool at the end of GoogLeNet.
        weights: by name of a head, a weight for each class in its training loss.
        normalize: average the loss over the pixels instead of summing it.
        data: KIND of the template data_KIND.prototxt.j2, or MODULE.CLASS of a Python layer.
        root: folder of the published data sets.
        settings: settings of the data layer; they override the template's.
        inputs: number of channels of each input blob by its name.
        fusion: for several inputs, "early" to stack them as channels, or "late" for the mean of two streams' scores.

    Raises:
        DefinitionError: an option is invalid; the message gives the valid values.
    """

    backbone: str = "vgg16"
    stride: int = 32
    heads: Mapping[str, int] = field(default_factory=lambda: {"": 21})
    at_once: bool = False
    pad: int | None = None
    upsampling: str = "dense"
    fillers: str = "none"
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
        if self.fillers not in FILLERS:
            raise DefinitionError(f"fillers are {self.fillers!r}; give one of {', '.join(FILLERS)}")
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
            raise DefinitionError("late fusion needs two inputs, one head without a name, and stride 32")
        if self.pad is not None:
            whole("pad", self.pad, least=0)
        if not self.heads or ("" in self.heads and len(self.heads) > 1):
            raise DefinitionError("each of several heads needs a name")
        for name, classes in self.heads.items():
            whole(f"the number of classes of head {name!r}" if name else "the number of classes", classes)
        for name, weights in self.weights.items():
            self._check_weights(name, weights)
        known = SETTINGS.get(self.data)
        if known is not None and (unknown := sorted(self.settings.keys() - known)):
            there = ", ".join(sorted(known))
            raise DefinitionError(
                f"{', '.join(unknown)}: not a setting of the data layer {self.data}{nearest(unknown[0], known)};"
                f" the settings are {there}"
            )

    def _check_weights(self, name: str, weights: Sequence[float]) -> None:
        if name not in self.heads:
            there = f"the heads are {', '.join(self.heads)}"
            raise DefinitionError(
                f"weights are given for {name!r}, which is not a head{nearest(name, self.heads)}; {there}"
            )
        if len(weights) != self.heads[name]:
            raise DefinitionError(f"{len(weights)} weights for {self.heads[name]} classes; give one for each class")
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
            raise DefinitionError("a weight is negative or not a number; give numbers from 0 up")

    @property
    def labels(self) -> dict[str, str]:
        """The label blob of each head: its name, or `label` for a head without one."""
        return {name: label_blob(name) for name in self.heads}

    @property
    def tops(self) -> list[str]:
        """The blobs of the data layer: the inputs, then the labels."""
        return [*self.inputs, *self.labels.values()]

    @property
    def data_template(self) -> str:
        """Name of the template of the data layer; a dotted name is a Python layer."""
        return "python_data" if "." in self.data else f"data_{self.data}"

    @property
    def phases(self) -> tuple[str, str]:
        """Names of the net's own files for training and for testing."""
        return PHASES.get(self.data, ("train", "val"))

    def phase(self, word: str) -> str:
        """train, val or deploy, from one of these names in any case, from test for val, or from a file's of the net."""
        train, test = self.phases
        known = {train: "train", test: "val", "train": "train", "val": "val", "test": "val", "deploy": "deploy"}
        found = known.get(word.lower())
        if found is None:
            raise DefinitionError(f"unknown phase {word!r}; the phases are {train}, {test} and deploy")
        return found


def label_blob(head: str) -> str:
    """The label blob of a head."""
    return head or "label"


class NetOptions(TypedDict, total=False):
    """The fields of a Net as keyword arguments; `classes` is short for heads={"": classes}."""

    backbone: str
    stride: int
    classes: int
    heads: Mapping[str, int]
    at_once: bool
    pad: int | None
    upsampling: str
    fillers: str
    average_pool: bool
    weights: Mapping[str, Sequence[float]]
    normalize: bool
    data: str
    root: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, int]
    fusion: str
