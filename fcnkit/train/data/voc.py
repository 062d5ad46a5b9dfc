"""The images and label maps of PASCAL VOC and of SBD (the Semantic Boundaries Dataset), as the FCNs were trained.

Source: shelhamer/fcn.berkeleyvision.org data/pascal/README.md and data/pascal/seg11valid.txt: trained on SBD's 8498
training images, validated on the 736 of VOC 2011 that are not among them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fcnkit.aliases import AnyPath
from fcnkit.errors import InputError
from fcnkit.segment.images import read_lines
from fcnkit.train.data.pairing import Pair

# The list of the published validation set, in ImageSets/Segmentation.
VALIDATION = "seg11valid"
# Where SBD's folder dataset lies, below the folder that its archive is unpacked to.
_INNER = ("", "dataset", "benchmark_RELEASE/dataset")


class _Layout(NamedTuple):
    """Where a data set's files lie below its folder."""

    lists: str
    images: str
    labels: str
    suffix: str
    way_out: str


_VOC = _Layout(
    "ImageSets/Segmentation",
    "JPEGImages",
    "SegmentationClass",
    ".png",
    "give the folder of one year of PASCAL VOC, such as VOCdevkit/VOC2012",
)
_SBD = _Layout("", "img", "cls", ".mat", "give the folder benchmark_RELEASE of SBD, or dataset in it")


def voc(voc_dir: AnyPath, sbd_dir: AnyPath | None = None) -> tuple[list[Pair], list[Pair]]:
    """The pairs for training and for validation.

    Without SBD they are VOC's own train and val. With SBD, training has SBD's train, which overlaps with VOC's val. If
    VOC's folder has the list seg11valid.txt, its images are the validation, and none of them is trained on. Else the
    validation has the images of VOC's val that are not trained on.

    Args:
        voc_dir: the folder with JPEGImages, SegmentationClass and ImageSets.
        sbd_dir: the folder with img, cls and train.txt, or one above.

    Raises:
        FileFormatError: a list is missing or cannot be read.
        InputError: a folder or a listed file is missing, or no image is left.
    """
    tree = Path(voc_dir)
    _check(tree, _VOC)
    if sbd_dir is None:
        return _listed(tree, _VOC, "train"), _listed(tree, _VOC, "val")
    boundaries = next((found for inner in _INNER if (found := Path(sbd_dir) / inner / "cls").is_dir()), None)
    root = Path(sbd_dir) if boundaries is None else boundaries.parent
    _check(root, _SBD)
    train = _listed(root, _SBD, "train")
    published = (tree / _VOC.lists / f"{VALIDATION}.txt").is_file()
    val = _listed(tree, _VOC, VALIDATION if published else "val")
    if published:
        return _without(train, val, root / "train.txt"), val
    return train, _without(val, train, tree / _VOC.lists / "val.txt")


def _check(folder: Path, layout: _Layout) -> None:
    for inner in (layout.images, layout.labels):
        if not (folder / inner).is_dir():
            raise InputError(f"has no folder {inner}; {layout.way_out}").in_file(folder)


def _listed(folder: Path, layout: _Layout, split: str) -> list[Pair]:
    path = folder / layout.lists / f"{split}.txt"
    if not path.is_file():
        raise InputError(f"has no list {path.relative_to(folder)}; {layout.way_out}").in_file(folder)
    pairs = []
    for name in read_lines(path):
        pair = Pair(folder / layout.images / f"{name}.jpg", folder / layout.labels / f"{name}{layout.suffix}")
        for file in pair:
            if not file.is_file():
                raise InputError(f"lists {name!r}, and there is no file {str(file)!r}").in_file(path)
        pairs.append(pair)
    if not pairs:
        raise InputError("lists no image").in_file(path)
    return pairs


def _without(pairs: list[Pair], others: list[Pair], source: Path) -> list[Pair]:
    """The pairs whose image is not among others."""
    stems = {pair.image.stem for pair in others}
    left = [pair for pair in pairs if pair.image.stem not in stems]
    if not left:
        raise InputError("lists only images that the other split lists too").in_file(source)
    return left
