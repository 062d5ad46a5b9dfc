"""fcnkit's own data layer for segmentation: the images and label maps of a list, as a Python layer of prototxts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fcnkit.errors import DefinitionError, InputError, nearest
from fcnkit.palette import IGNORE
from fcnkit.segment.images import Labels, read, read_labels, read_palette
from fcnkit.segment.scoring import check_labels
from fcnkit.train.data.augmentation import Augmentation, patch_place
from fcnkit.train.data.feeding import Samples, Tops, padded
from fcnkit.train.data.pairing import read_list
from fcnkit.train.data.params import Params, mean_of, require

LAYER = "fcnkit.SegmentationData"
KNOWN = {
    *("list", "mean", "batch_size", "seed", "randomize", "palette", "ignore", "classes", "augment", "patch", "rare")
}


class Truth:
    """Reads label maps as a loss needs them.

    Args:
        classes: the number of classes; None accepts every label.
        ignore: the label of pixels that are not trained; it becomes 255, the label that the generated losses ignore.
        palette: (n, 3) uint8 RGB for colour masks; VOC's by default.
    """

    def __init__(self, classes: int | None = None, ignore: int = IGNORE, palette: np.ndarray | None = None):
        self.classes, self.ignore, self.palette = classes, ignore, palette

    def __call__(self, path: Path) -> Labels:
        """A label map: (height, width).

        Raises:
            FileFormatError: it cannot be read.
            InputError: it has a label that is neither a class nor ignored.
        """
        values, unknown = read_labels(path, self.palette)
        if values.ndim != 2:
            raise InputError(f"has the shape {values.shape}; a label map is height x width").in_file(path)
        if self.ignore != IGNORE:
            values = np.where(values == self.ignore, IGNORE, values)
        if self.classes is not None:
            check_labels(path, values[values != IGNORE], self.classes, IGNORE)
        return Labels(values, unknown)


class SegmentationData(Samples):
    """The images of a list, minus a mean, and their label maps: one for each head of the net.

    Args:
        params: the layer's settings. `list` (a file as `pairing.write_list` writes it) and `mean` (three numbers, BGR)
            are required. The others are `batch_size` (1); `randomize` (True: in another order in each epoch; False: in
            the list's) and its `seed` (1337); `palette` (a file, for colour masks), `ignore` (255) and `classes`, see
            `Truth`; `augment`, see `Augmentation`; `patch` (height and width, default whole images) and `rare`
            (classes, see `augmentation.patch_place`). With several label maps, `palette` and `classes` are lists with
            an item for each, and `rare` is a list of lists.
        tops: how many tops the layer has: data, and one for each label map.

    Raises:
        DefinitionError: a setting is missing, unknown or wrong.
        FileFormatError, InputError: the list cannot be read, has another number of label maps, or names a file that
            does not exist.
    """

    fill: tuple[float, ...]

    def __init__(self, params: Params, tops: int = 2):
        require(params, "list", "mean")
        unknown = sorted(map(str, params.keys() - KNOWN))
        if unknown:
            there = ", ".join(sorted(KNOWN))
            hint = nearest(unknown[0], KNOWN)
            problem = f"{', '.join(unknown)}: not a setting of {LAYER}{hint}; the settings are {there}"
            raise DefinitionError(f"param_str: {problem}")
        if tops < 2:
            raise DefinitionError(f"the layer has {tops} tops; it makes 2: data, label, or a label top for each head")
        maps = tops - 1
        # Images of other sizes in a batch are padded with the mean, which is 0 here, and their labels with 255.
        self.fill = (0.0, *[float(IGNORE)] * maps)
        self.mean = np.array(mean_of(params), np.float32).reshape(-1, 1, 1)
        self.batch, self.seed = _whole(params, "batch_size", 1, least=1), _whole(params, "seed", 1337)
        self.randomize = bool(params.get("randomize", True))
        ignore = _whole(params, "ignore", IGNORE)
        self.truths = [
            Truth(
                None if classes is None else _checked("classes", classes, least=1),
                ignore,
                read_palette(str(palette)) if palette else None,
            )
            for classes, palette in zip(_each(params, "classes", maps), _each(params, "palette", maps), strict=True)
        ]
        self.augmentation = Augmentation.parse(str(params.get("augment") or ""))
        patch = _wholes(params, "patch", least=1)
        if len(patch) not in (0, 2):
            raise DefinitionError(f"param_str: patch must be height and width, not {params['patch']!r}")
        self.patch = (patch[0], patch[1]) if patch else None
        own = [params.get("rare")] if maps == 1 else _each(params, "rare", maps)
        self.rare = [_wholes({"rare": classes}, "rare") for classes in own]
        self.pairs = read_list(str(params["list"]))
        if len(self.pairs[0].labels) != maps:
            has = f"{len(self.pairs[0].labels)} label map{'s' * (len(self.pairs[0].labels) > 1)} for each image"
            raise InputError(f"has {has}, and the layer has {maps} tops for labels").in_file(str(params["list"]))

    def __len__(self) -> int:
        return len(self.pairs)

    def draw(self, index: int, random: np.random.Generator) -> Tops:
        """A sample.

        Returns:
            The image minus the mean, (3, height, width) float32 BGR, and each of its label maps, (1, height, width).

        Raises:
            FileFormatError: a file cannot be read.
            InputError: the image and its labels differ in size, or a label is out of range.
        """
        path, *label_paths = self.pairs[index]
        image = read(path).convert("RGB")
        maps = []
        for truth, label_path in zip(self.truths, label_paths, strict=True):
            (height, width), own = (image.height, image.width), truth(label_path).values
            if (height, width) != own.shape:
                sizes = f"{own.shape[0]} x {own.shape[1]} pixels, and {str(path)!r} is {height} x {width}"
                raise InputError(f"is {sizes}; they must be equal").in_file(label_path)
            maps.append(own)
        image, labels = self.augmentation(image, np.stack(maps), random)
        pixels = np.asarray(image)
        if self.patch is not None:
            height, width = self.patch
            top, left = patch_place(labels, self.patch, self.rare, random)
            window = np.s_[top : top + height, left : left + width]
            pixels, labels = pixels[window], labels[:, *window]
        values = pixels[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) - self.mean
        tops = (values, *labels[:, None])
        if self.patch is None:
            return tops
        return tuple(padded(top, (top.shape[0], *self.patch), fill) for top, fill in zip(tops, self.fill, strict=True))


def _each(params: Params, name: str, maps: int) -> list[Any]:
    """A setting of each label map; without a list, it is that of all."""
    found = params.get(name)
    if not isinstance(found, tuple | list):
        return [found] * maps
    if len(found) != maps:
        raise DefinitionError(f"param_str: {name} has {len(found)} items for {maps} label maps: {found!r}")
    return [*found]


def _whole(params: Params, name: str, default: int, least: int = 0) -> int:
    return _checked(name, params.get(name, default), least)


def _wholes(params: Params, name: str, least: int = 0) -> tuple[int, ...]:
    found = params.get(name) or ()
    if not isinstance(found, tuple | list):
        raise DefinitionError(f"param_str: {name} must be a list of whole numbers, not {found!r}")
    return tuple(_checked(name, value, least) for value in found)


def _checked(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise DefinitionError(f"param_str: {name} must be a whole number from {least} up, not {value!r}")
    return value
