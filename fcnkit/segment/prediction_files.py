"""The files that `fcnkit predict` writes: a label map for each image, with pictures and scores beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fcnkit.errors import InputError, OutputError
from fcnkit.files import check_output, writing
from fcnkit.palette import label_image, voc_palette
from fcnkit.segment import Prediction, pictures
from fcnkit.segment.classes import NUMBERED, background
from fcnkit.segment.images import by_stem

OVERLAY, LEGEND, SCORES = "overlay", "legend", "scores"


class Results:
    """A folder of label maps, one `<stem>.png` for each image.

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
        force: bool = False,
    ):
        """Choose the files to write.

        Args:
            folder: the output folder; it is created if it is missing.
            names: of the net's classes.
            palette: (n, 3) uint8 RGB; VOC's by default.
            overlay, legend, scores: write them too.
            heat: class whose probabilities are written as a picture, or None.
            force: replace existing files.

        Raises:
            InputError: the palette has too few colours.
        """
        self.folder, self._names, self._force = folder, names, force
        self._palette = voc_palette() if palette is None else palette
        if len(self._palette) < len(names):
            raise InputError(f"the palette has {len(self._palette)} colours for {len(names)} classes")
        self._heatmap = None if heat is None else f"heatmap-{names[heat].removeprefix(NUMBERED).replace('/', '-')}"
        chosen = {OVERLAY: overlay, LEGEND: legend, self._heatmap: heat is not None, SCORES: scores}
        self._folders = [name for name, wanted in chosen.items() if wanted and name]
        self._background = background(names)

    def path(self, stem: str, kind: str = "") -> Path:
        """The path of the label map, or of another file, of an image."""
        return self.folder / kind / f"{stem}{'.npz' if kind == SCORES else '.png'}"

    def prepare(self, images: Sequence[Path]) -> None:
        """Create the folders, and check, before any work is done, that the files can be written.

        Raises:
            InputError: two images have one name, or an image would be overwritten.
            OutputError: a result exists and force is not given, or a folder cannot be created.
        """
        stems = by_stem(images)
        sources = {os.path.realpath(path) for path in images}
        kinds = ("", *self._folders)
        for path in (self.path(stem, kind) for kind in kinds for stem in stems):
            if os.path.realpath(path) in sources:
                problem = "is an image to read, and would be overwritten; choose another folder"
                raise InputError(problem).in_file(path)
            if path.exists():
                check_output(path, self._force)
        for folder in (self.folder / kind for kind in kinds):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot be created as a folder: {error.strerror}").in_file(folder) from None

    def write(self, source: Path, image: Image.Image, prediction: Prediction) -> None:
        """Write all files of one image.

        Raises:
            OutputError: it cannot be written.
            InputError: the label map has another size than the image, so there is no overlay.
        """
        labels = prediction.labels
        self._save(label_image(labels, self._palette), source)
        if OVERLAY in self._folders:
            if labels.shape != (image.height, image.width):
                raise InputError(
                    f"the label map has {labels.shape[0]} x {labels.shape[1]} pixels, the image "
                    f"{image.height} x {image.width}: no overlay"
                ).in_file(source)
            picture = pictures.overlay(image, labels, palette=self._palette, background=self._background)
            self._save(picture, source, OVERLAY)
        if LEGEND in self._folders:
            self._save(pictures.legend(labels, self._names, self._palette), source, LEGEND)
        if self._heatmap and prediction.heat is not None:
            self._save(pictures.heatmap(prediction.heat), source, self._heatmap)
        if prediction.scores is not None:
            with writing(self.path(source.stem, SCORES), self._force) as partial, partial.open("wb") as file:
                np.savez_compressed(file, score=prediction.scores)

    def _save(self, picture: Image.Image, source: Path, kind: str = "") -> None:
        with writing(self.path(source.stem, kind), self._force) as partial:
            picture.save(partial, format="PNG")
