"""The files that `fcnkit predict` writes: a label map for each image, with pictures and scores beside it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fcnkit.errors import InputError, OutputError
from fcnkit.files import check_output, writing
from fcnkit.palette import label_image, voc_palette
from fcnkit.segment import Prediction, pictures
from fcnkit.segment.classes import NUMBERED, background

OVERLAY, LEGEND, SCORES = "overlay", "legend", "scores"


class Results:
    """A folder of label maps, one `<name>.png` for each image, in subfolders as the images.

    The other files are in subfolders, so that the folder itself contains only label maps. The subfolders are
    overlay/, legend/, heatmap-<class>/ and scores/.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        palette: np.ndarray | None = None,
        overlay: bool = False,
        legend: bool = False,
        heat: int | None = None,
        scores: bool = False,
        opacity: float = 0.5,
        contours: bool = False,
        force: bool = False,
        keep: bool = False,
    ):
        """Choose the files to write.

        Args:
            folder: the output folder; it is created if it is missing.
            names: of the net's classes.
            palette: (n, 3) uint8 RGB; VOC's by default.
            overlay, legend, scores: write them too.
            heat: class whose probabilities are written as a picture, or None.
            opacity, contours: of the overlay, as in `pictures.overlay`.
            force: replace existing files.
            keep: leave existing files as they are.

        Raises:
            InputError: the palette has too few colours.
        """
        self.folder, self._names, self._force, self._keep = folder, names, force, keep
        self._opacity, self._contours = opacity, contours
        self._stems: dict[Path, str] = {}
        self._palette = voc_palette() if palette is None else palette
        if len(self._palette) < len(names):
            raise InputError(f"the palette has {len(self._palette)} colours for {len(names)} classes")
        self._heatmap = None if heat is None else f"heatmap-{names[heat].removeprefix(NUMBERED).replace('/', '-')}"
        chosen = {OVERLAY: overlay, LEGEND: legend, self._heatmap: heat is not None, SCORES: scores}
        self._folders = [name for name, wanted in chosen.items() if wanted and name]
        self._background = background(names)

    def path(self, stem: str, kind: str = "") -> Path:
        """The path of the label map, or of another file, of the image with this name."""
        return self.folder / kind / f"{stem}{'.npz' if kind == SCORES else '.png'}"

    def prepare(self, images: Mapping[Path, Path]) -> list[Path]:
        """Create the folders, and check, before any work is done, that the files can be written.

        Args:
            images: each with its path relative to the folder that its files are named after (`images.places`).

        Returns:
            The images that have a file to write.

        Raises:
            InputError: two images have one name, or an image would be overwritten.
            OutputError: a result exists and neither force nor keep is given, or a folder cannot be created.
        """
        self._stems = names_apart(images)
        sources = {os.path.realpath(path) for path in images}
        kinds = ("", *self._folders)
        makers: dict[Path, Path] = {}
        missing = {}
        for image, stem in self._stems.items():
            for path in (self.path(stem, kind) for kind in kinds):
                if os.path.realpath(path) in sources:
                    problem = "is an image to read, and would be overwritten; choose another folder"
                    raise InputError(problem).in_file(path)
                if makers.setdefault(path, image) != image:
                    raise InputError(f"would be written for {str(makers[path])!r} and for {str(image)!r}").in_file(path)
                if path.exists():
                    check_output(path, self._force or self._keep)
                if not (self._keep and path.exists()):
                    missing[image] = True
        for folder in dict.fromkeys([self.folder, *(path.parent for path in makers)]):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot be created as a folder: {error.strerror}").in_file(folder) from None
        return list(missing)

    def write(self, source: Path, image: Image.Image, prediction: Prediction) -> None:
        """Write the files of one image.

        Raises:
            OutputError: one cannot be written.
            InputError: the label map has another size than the image, so there is no overlay.
        """
        labels, scores = prediction.labels, prediction.scores
        self._save(source, "", label_image(labels, self._palette))
        legend = pictures.legend(labels, self._names, self._palette) if LEGEND in self._folders else None
        if OVERLAY in self._folders:
            if labels.shape != (image.height, image.width):
                raise InputError(
                    f"the label map has {labels.shape[0]} x {labels.shape[1]} pixels, the image "
                    f"{image.height} x {image.width}: no overlay"
                ).in_file(source)
            picture = pictures.overlay(
                image, labels, self._opacity, self._palette, self._background, contours=self._contours
            )
            self._save(source, OVERLAY, picture if legend is None else pictures.beside(picture, legend))
        if legend is not None:
            self._save(source, LEGEND, legend)
        if self._heatmap and prediction.heat is not None:
            self._save(source, self._heatmap, pictures.heatmap(prediction.heat))
        if scores is not None:
            self._save(source, SCORES, scores)

    def _save(self, source: Path, kind: str, content: Image.Image | np.ndarray) -> None:
        path = self.path(self._stems[source], kind)
        if self._keep and path.exists():
            return
        with writing(path, self._force) as partial, partial.open("wb") as file:
            if isinstance(content, Image.Image):
                content.save(file, format="PNG")
            else:
                np.savez_compressed(file, score=content)


def names_apart(images: Mapping[Path, Path]) -> dict[Path, str]:
    """The name of each image's files: its path without suffix, or with it where two would have one name.

    Raises:
        InputError: two paths are equal.
    """
    full: set[Path] = set()
    while True:
        stems = {path: str(place if path in full else place.with_suffix("")) for path, place in images.items()}
        counts = Counter(stems.values())
        alike = [path for path, stem in stems.items() if counts[stem] > 1]
        if not alike:
            return stems
        if full.issuperset(alike):
            one, other = [path for path in alike if stems[path] == stems[alike[0]]][:2]
            raise InputError(
                f"has the same name as {str(one)!r}; results are named after it: rename one, or give a folder that "
                "contains both with `recursive`"
            ).in_file(other)
        full.update(alike)
