"""The data layers in Python of the FCN repository: one image at a time, whole, with its label maps.

Source: shelhamer/fcn.berkeleyvision.org voc_layers.py, nyud_layers.py, siftflow_layers.py, pascalcontext_layers.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from fcnkit.caffe.messages import LayerParameter
from fcnkit.errors import DefinitionError, FileFormatError, InputError
from fcnkit.segment.images import read_labels, read_lines
from fcnkit.segment.mat import from_one, read_mat
from fcnkit.segment.raster import open_image
from fcnkit.train.data.feeding import Samples, Tops
from fcnkit.train.data.params import Params, mean_of, params_of, require
from fcnkit.train.data.pixels import channels_first


class SegmentationSamples(Samples):
    """The images and label maps of a split of a data set, by the settings of a layer's param_str.

    Args:
        params: the layer's settings.
        tops: how many tops the layer has.

    Attributes:
        random: whether the layer draws its images at random.
        seed: the seed of the random draws, or None.

    Raises:
        DefinitionError: a setting is missing or wrong.
        FileFormatError, InputError: the split or a file of it is missing.
    """

    # The contents of the tops, and the required settings.
    tops: tuple[str, ...] = ("data", "label")
    required: tuple[str, ...] = ()

    def __init__(self, params: Params, tops: int):
        require(params, *self.required, "split")
        self.params, self.split = params, str(params["split"])
        self.prepare()
        if "mean" in self.required:
            self.mean()
        if len(self.tops) != tops:
            raise DefinitionError(f"the layer has {tops} tops; it makes {len(self.tops)}: {', '.join(self.tops)}")
        # Only images of training sets are drawn at random.
        self.random = bool(params.get("randomize", True)) and "train" in self.split
        self.seed = params.get("seed")
        self.names = read_lines(self.listed())
        if not self.names:
            raise InputError("lists no image").in_file(self.listed())
        for name in self.names:
            for top in self.tops:
                if not self.file(top, name).is_file():
                    problem = f"lists {name!r}, and there is no file {str(self.file(top, name))!r}"
                    raise InputError(problem).in_file(self.listed())

    def prepare(self) -> None:
        """Read the settings other than the split."""

    def listed(self) -> Path:
        """The file that lists the names of the split."""
        raise NotImplementedError

    def file(self, top: str, name: str) -> Path:
        """The file that a top is read from."""
        raise NotImplementedError

    def load(self, top: str, path: Path) -> np.ndarray:
        """A top: (channels, height, width), or a label map (1, height, width)."""
        if top == "data":
            return image(path, self.mean())
        return read_labels(path).values[None]

    def mean(self) -> Sequence[float]:
        """The BGR mean."""
        return mean_of(self.params)

    def root(self, setting: str) -> Path:
        """The folder that a setting names."""
        return Path(str(self.params[setting]))

    def __len__(self) -> int:
        return len(self.names)

    def draw(self, index: int, random: np.random.Generator) -> Tops:
        """The image and label maps at an index."""
        return tuple(self.load(top, self.file(top, self.names[index])) for top in self.tops)


class VOCSegDataLayer(SegmentationSamples):
    """PASCAL VOC: indexed PNGs, 255 for ignored pixels."""

    required = ("voc_dir", "mean")

    def listed(self) -> Path:
        return self.root("voc_dir") / "ImageSets" / "Segmentation" / f"{self.split}.txt"

    def file(self, top: str, name: str) -> Path:
        if top == "data":
            return self.root("voc_dir") / "JPEGImages" / f"{name}.jpg"
        return self.root("voc_dir") / "SegmentationClass" / f"{name}.png"


class SBDDSegDataLayer(SegmentationSamples):
    """SBD, the Semantic Boundaries Dataset: .mat files with GTcls.Segmentation."""

    required = ("sbdd_dir", "mean")

    def listed(self) -> Path:
        return self.root("sbdd_dir") / f"{self.split}.txt"

    def file(self, top: str, name: str) -> Path:
        if top == "data":
            return self.root("sbdd_dir") / "img" / f"{name}.jpg"
        return self.root("sbdd_dir") / "cls" / f"{name}.mat"


class NYUDSegDataLayer(SegmentationSamples):
    """NYUDv2: colour, depth and HHA images; 40 classes, 255 for ignored pixels."""

    required = ("nyud_dir", "tops")
    means: ClassVar = {"color": (116.190, 97.203, 92.318), "hha": (132.431, 94.076, 118.477)}
    mean_log_depth = 7.844
    folders: ClassVar = {
        "color": ("data/images", ".png"),
        "depth": ("data/depth", ".png"),
        "hha": ("data/hha", ".png"),
        "label": ("segmentation", ".mat"),
    }

    def prepare(self) -> None:
        tops = self.params["tops"]
        if not isinstance(tops, tuple | list) or not set(tops) <= set(self.folders):
            raise DefinitionError(f"param_str: tops must be of {', '.join(self.folders)}, not {tops!r}")
        self.tops = tuple(tops)

    def listed(self) -> Path:
        return self.root("nyud_dir") / f"{self.split}.txt"

    def file(self, top: str, name: str) -> Path:
        folder, suffix = self.folders[top]
        return self.root("nyud_dir") / folder / f"img_{name}{suffix}"

    def load(self, top: str, path: Path) -> np.ndarray:
        if top == "label":
            return _label_map(read_mat(path, "segmentation"))
        if top == "depth":
            depth = np.asarray(open_image(path), np.float32)
            # A depth of 0 is unknown; Caffe too computed its logarithm.
            with np.errstate(divide="ignore"):
                return (np.log(depth) - np.float32(self.mean_log_depth))[None]
        # The channels of HHA are not colours, so their order is kept.
        return image(path, self.means[top], swap=top == "color")


class SIFTFlowSegDataLayer(SegmentationSamples):
    """SIFT Flow: 33 semantic and 3 geometric classes, 255 for ignored pixels."""

    tops = ("data", "semantic", "geometric")
    required = ("siftflow_dir",)
    folders: ClassVar = {"data": "Images", "semantic": "SemanticLabels", "geometric": "GeoLabels"}
    inner = "spatial_envelope_256x256_static_8outdoorcategories"

    def listed(self) -> Path:
        return self.root("siftflow_dir") / f"{self.split}.txt"

    def file(self, top: str, name: str) -> Path:
        suffix = ".jpg" if top == "data" else ".mat"
        return self.root("siftflow_dir") / self.folders[top] / self.inner / f"{name}{suffix}"

    def mean(self) -> Sequence[float]:
        return 114.578, 115.294, 108.353

    def load(self, top: str, path: Path) -> np.ndarray:
        if top == "data":
            return super().load(top, path)
        return _label_map(read_mat(path, "S"))


class PASCALContextSegDataLayer(SegmentationSamples):
    """PASCAL-Context: the 59 trained classes of 459, and 0 for the background."""

    required = ("voc_dir", "context_dir")
    # Different names of the same class in the two lists of classes.
    synonyms: ClassVar = {"diningtable": "table", "bedcloth": "bedclothes", "clothes": "cloth"}

    def prepare(self) -> None:
        context = self.root("context_dir")
        every = _class_names(context / "labels.txt")
        self._task_labels = np.zeros(max(len(every) + 1, 256), np.uint8)
        for index, name in enumerate(_class_names(context / "59_labels.txt")):
            name = self.synonyms.get(name, name)
            if name not in every:
                raise FileFormatError(f"lacks the class {name!r} of 59_labels.txt").in_file(context / "labels.txt")
            self._task_labels[every.index(name) + 1] = index + 1

    def listed(self) -> Path:
        return self.root("voc_dir") / "VOC2010" / "ImageSets" / "Main" / f"{self.split}.txt"

    def file(self, top: str, name: str) -> Path:
        if top == "data":
            return self.root("voc_dir") / "VOC2010" / "JPEGImages" / f"{name}.jpg"
        return self.root("context_dir") / "trainval" / f"{name}.mat"

    def mean(self) -> Sequence[float]:
        return 104.007, 116.669, 122.679

    def load(self, top: str, path: Path) -> np.ndarray:
        if top == "data":
            return super().load(top, path)
        labels = read_mat(path, "LabelMap")
        known = (labels >= 0) & (labels < len(self._task_labels))
        return self._task_labels[np.where(known, labels, 0)][None]


# By module and class, as a Python layer names them.
LAYERS: dict[str, type[SegmentationSamples]] = {
    "voc_layers.VOCSegDataLayer": VOCSegDataLayer,
    "voc_layers.SBDDSegDataLayer": SBDDSegDataLayer,
    "nyud_layers.NYUDSegDataLayer": NYUDSegDataLayer,
    "siftflow_layers.SIFTFlowSegDataLayer": SIFTFlowSegDataLayer,
    "pascalcontext_layers.PASCALContextSegDataLayer": PASCALContextSegDataLayer,
}


def samples(layer: LayerParameter) -> SegmentationSamples:
    """The data set of a Python layer of the FCN repository.

    Raises:
        DefinitionError: its param_str is not a dict of settings, or a setting is missing or wrong.
        FileFormatError, InputError: data is missing.
    """
    p = layer.python_param
    return LAYERS[f"{p.module}.{p.layer}"](params_of(layer), len(layer.top))


def image(path: Path, mean: Sequence[float], swap: bool = True) -> np.ndarray:
    """An image minus its mean: (3, height, width), BGR with swap, else in the order of the file."""
    values = channels_first(open_image(path), colour=True)
    values = values if swap else values[::-1]
    return values.astype(np.float32) - np.array(mean, np.float32).reshape(-1, 1, 1)


def _label_map(labels: np.ndarray) -> np.ndarray:
    """A label map (1, height, width) of labels that start at 1 in their file."""
    return from_one(labels).astype(np.uint8)[None]


def _class_names(path: Path) -> list[str]:
    """The names in lines `number: name`, without spaces."""
    return [line.partition(":")[2].replace(" ", "") for line in read_lines(path)]
